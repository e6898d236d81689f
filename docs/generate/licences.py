"""docs/licences.md: what the project stands on and under which licences, from the lock and the installed packages."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from docs.generate.locks import normal, read

SPDX = {
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Names that packages use, and the identifiers for them."""

READ = {
    "apsw": (
        "Zlib",
        "its `any-OSI` lets one choose; its LICENSE gives the text of zlib; SQLite inside is public domain",
    ),
    "axe-playwright-python": (
        "MIT AND MPL-2.0",
        "the axe-core inside it is under MPL-2.0: the head of axe.min.js",
    ),
    "opencv-python-headless": (
        "Apache-2.0",
        "its wheel carries FFmpeg under LGPL-2.1-or-later as libraries of their own: LICENSE-3RD-PARTY.txt",
    ),
    "pypdfium2": (
        "BSD-3-Clause AND Apache-2.0",
        "PDFium and what is built into it are permissive too: BUILD_LICENSES in the package",
    ),
    "qrcode": ("BSD-3-Clause AND MIT", "its `Other` is the MIT notice of the code it grew from"),
}
"""Packages whose metadata are vague: what their licence files say."""

PERMISSIVE = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 HPND ISC MIT MIT-0 MIT-CMU PSF-2.0 Python-2.0 Unlicense Zlib".split()
)
WEAK = {
    "MPL-2.0": "asks for the source of its own files alone; used unchanged, as a library of its own",
    "LGPL-3.0-only": "used unchanged, as a library of its own that anybody can replace",
}
"""Licences with a duty that an Apache-2.0 program can meet, and how it is met."""

FONTS = (("Noto Sans SC", "justmytype-intl-cjk", "OFL-1.1", "pages, slips as pictures, stands and posters"),)
HEAD = """# Licences

coupon-kiosk is under [Apache-2.0](../LICENSE). It copies nobody's code; it installs the packages below, each from the
lock in `requirements/`. This page is made by `make docs`; a test holds it in step with the lock and fails on a licence
that does not go with Apache-2.0.
"""


class LicenceError(Exception):
    """A package without a licence that can be used: one sentence."""


def parts(licence: str) -> list[str]:
    """Return the identifiers in an expression."""
    return [p for p in re.split(r"\s+(?:AND|OR)\s+|[()]|\s*;\s*", licence) if p]


def judge(package: str, licence: str) -> str:
    """Return what has to be kept in mind about a licence; raise LicenceError when it does not go with ours."""
    duties = []
    for part in parts(licence):
        if part in WEAK:
            duties.append(f"{part} {WEAK[part]}")
        elif part not in PERMISSIVE:
            raise LicenceError(
                f"{package} is under {part!r}, which is not known to go with Apache-2.0; read it and enter it in "
                "docs/generate/licences.py, or choose another package."
            )
    return "; ".join(duties)


def installed() -> dict[str, str]:
    """Return the licences of the installed packages by normal name, as pip-licenses reads them."""
    words = [sys.executable, "-m", "piplicenses", "--format=json", "--with-system", "--from=mixed"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return {normal(entry["Name"]): entry["License"] for entry in json.loads(done.stdout)}


def spdx(package: str, told: str) -> str:
    """Return a package's licence as identifiers."""
    if package in READ:
        return READ[package][0]
    return " AND ".join(dict.fromkeys(SPDX.get(part.strip(), part.strip()) for part in told.split(";")))


def table(names: list[str], versions: dict[str, str], licences: dict[str, str]) -> list[str]:
    """Return the rows of one table."""
    rows = ["| package | version | licence | |", "|---|---|---|---|"]
    for name in names:
        licence = spdx(name, licences[name])
        note = "; ".join(n for n in (judge(name, licence), READ.get(name, ("", ""))[1]) if n)
        rows.append(f"| {name} | {versions[name]} | {licence} | {note} |")
    return rows


def page() -> str:
    """Return the whole page."""
    licences = installed()
    sets = {
        name: {p.name: p.version for p in read(name).values() if p.wanted("3.11")}
        for name in ("kiosk", "demo", "dev")
    }
    kiosk, hub, tests = sets["kiosk"], sets["demo"], sets["dev"]
    lines = [HEAD, "## The kiosk and the posters", "", *table(list(kiosk), kiosk, licences)]
    lines += ["", "## The hub beside them", "", *table([n for n in hub if n not in kiosk], hub, licences)]
    lines += ["", "## Tests and checks, never installed in a shop", ""]
    lines += table([n for n in tests if n not in hub], tests, licences)
    lines += ["", "## Fonts", "", "| font | comes in | licence | used for |", "|---|---|---|---|"]
    lines += [
        f"| {font} | {package} {kiosk[package]} | {licence} | {use} |"
        for font, package, licence, use in FONTS
    ]
    lines += [
        "",
        "The font is not in this repository. Pages and PDFs hold cut-down instances under another name, as OFL-1.1 allows;",
        "documents that embed a font are not under its licence.",
        "",
        "The recordings in `kiosk/sounds` are our own: sentences of the kiosk's table of outcomes, spoken by espeak-ng and cut by sox",
        "(`python -m kiosk.sounds.make`). Neither program is part of this project, and no recording of a person is in them; they are",
        "under this project's licence.",
        "",
        "`lgpio` (Unlicense) comes from Debian on a Raspberry Pi. Debian's Chromium shows the counter page; it is not part",
        "of this project.",
        "",
    ]
    return "\n".join(lines)
