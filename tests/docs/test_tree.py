"""The tree speaks of the project alone: links that lead somewhere, no place of one machine, no index of packages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

NOT_OURS = {"__pycache__", "build", "dist", "out", "demo-data"}
BINARY = {".gif", ".ico", ".jpg", ".mo", ".pdf", ".png", ".pyc", ".ttf", ".wav", ".woff2"}
PAGES = ("*.md", "docs/*.md", "docs/decisions/*.md")
# Where packages come from is the reader's own setting, and where the tree lies nobody's business.
PLACE = re.compile(r"(?<![\w.])/(?:work|root|home|Users|mnt)/\w")
INDEX = re.compile(r"(?i)pypi|pythonhosted|npmjs|index-url|trusted-host|deb\.debian\.org")


def texts() -> list[Path]:
    """Return the text files of the tree, of hidden folders only those of .ci."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [
            n for n in inner if n == ".ci" or not (n in NOT_OURS or n[0] == "." or n.endswith(".egg-info"))
        ]
        found += [Path(folder) / n for n in names if Path(n).suffix not in BINARY]
    return found


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of a page make."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_there_is_a_tree_to_look_at() -> None:
    names = {str(p.relative_to(ROOT)) for p in texts()}
    assert {"Makefile", ".ci/run", "README.md", "kiosk/config.py", "systemd/kiosk.service"} <= names


@pytest.mark.parametrize("pattern", [PLACE, INDEX], ids=["place of one machine", "index of packages"])
def test_no_file_names_it(pattern: re.Pattern[str]) -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in texts()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert named == []


@pytest.mark.parametrize(
    "page", sorted(p for pattern in PAGES for p in ROOT.glob(pattern)), ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        file = (page.parent / target) if target else page
        if "://" in target or target.startswith("docs/pictures/"):
            continue
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize(
    "page", sorted(p for pattern in PAGES for p in ROOT.glob(pattern)), ids=lambda p: p.name
)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    ours = r"`((?:docs|hub|kiosk|posters|requirements|simulators|systemd|tests|ui)/[\w/.-]+\.\w+)`"
    assert [name for name in re.findall(ours, page.read_text("utf-8")) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_pictures_are_there_and_small(page: str) -> None:
    names = re.findall(r"docs/pictures/[\w-]+\.png", (ROOT / page).read_text("utf-8"))
    assert len(names) == 3
    if not (ROOT / "docs" / "pictures").exists():
        pytest.skip("the tour has not left its pictures in docs/pictures yet")
    for name in names:
        picture = (ROOT / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 400_000, name
