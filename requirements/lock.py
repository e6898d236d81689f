"""`make lock`: pyproject.toml -> kiosk.txt, demo.txt, dev.txt and wheels.json, for every platform and Python at once.

Versions stay as they are unless `--upgrade` (everything) or `--upgrade NAME` is given. The files hold hashes and file
names and no address, so that they install from whatever index the reader's pip is set up for. wheels.json lists what a
Raspberry Pi can install: the wheels for aarch64 and the pure ones.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parent / "pyproject.toml"
RESOLVER = "uv>=0.8,<1"
SETS = {"kiosk": [], "demo": ["hub"], "dev": ["dev"]}
"""The files and the extras that each holds beside the kiosk's own needs and the build backend."""


def pinned(text: str) -> dict[str, str]:
    """Return the versions of one lock file by normal name."""
    return {m[1]: m[2] for m in re.finditer(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)}


def project(upgrade: set[str] | None) -> str:
    """Return a pyproject.toml for the resolver: our needs, the build backend, and what must not move.

    `upgrade` holds the names that may move; None lets all move.
    """
    ours = tomllib.loads(PROJECT.read_text("utf-8"))
    part = ours["project"]
    kept: dict[str, str] = {}
    if upgrade is not None:
        for name in SETS:
            file = HERE / f"{name}.txt"
            kept |= pinned(file.read_text("utf-8")) if file.exists() else {}
    lines = [
        "[project]",
        f'name = "{part["name"]}"',
        'version = "0"',
        f'requires-python = "{part["requires-python"]}"',
        f"dependencies = {json.dumps(part['dependencies'] + ours['build-system']['requires'])}",
        "[project.optional-dependencies]",
        *(f"{extra} = {json.dumps(needs)}" for extra, needs in part["optional-dependencies"].items()),
        "[tool.uv]",
        "package = false",
        f"constraint-dependencies = {json.dumps([f'{n}=={v}' for n, v in kept.items() if n not in (upgrade or set())])}",
    ]
    return "\n".join(lines) + "\n"


def wheels(lock: dict[str, Any], names: set[str]) -> dict[str, dict[str, str]]:
    """Return file names and hashes of the wheels for aarch64 and of the pure ones, by package and version."""
    listing = {}
    for package in lock["package"]:
        if package["name"] in names:
            files = {
                w["url"].rsplit("/", 1)[1].partition("#")[0]: w["hash"] for w in package.get("wheels", [])
            }
            fitting = {n: h for n, h in sorted(files.items()) if re.search(r"linux\w*_aarch64|-any\.whl", n)}
            listing[f"{package['name']}=={package['version']}"] = fitting
    return dict(sorted(listing.items()))


def main() -> None:
    """Resolve in a place of its own and write the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", nargs="*", metavar="NAME", help="let these move, or all")
    chosen = parser.parse_args().upgrade
    upgrade = set() if chosen is None else (set(chosen) or None)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "env", with_pip=True)
        run = place / "env" / "bin"
        subprocess.run([run / "python", "-m", "pip", "install", "--quiet", RESOLVER], check=True)
        (place / "pyproject.toml").write_text(project(upgrade), "utf-8")
        subprocess.run([run / "uv", "lock", "--quiet", "--python", sys.executable], cwd=place, check=True)
        lock = tomllib.loads((place / "uv.lock").read_text("utf-8"))
        for name, extras in SETS.items():
            words = [
                str(run / "uv"),
                "export",
                "--quiet",
                "--frozen",
                "--no-header",
                "--no-annotate",
                "--no-emit-project",
            ]
            words += [w for extra in extras for w in ("--extra", extra)]
            done = subprocess.run(words, cwd=place, check=True, capture_output=True, text=True)
            (HERE / f"{name}.txt").write_text(done.stdout, "utf-8")
    names = set(pinned((HERE / "kiosk.txt").read_text("utf-8")))
    listing = json.dumps(wheels(lock, names), indent=1) + "\n"
    (HERE / "wheels.json").write_text(listing, "utf-8")


if __name__ == "__main__":
    main()
