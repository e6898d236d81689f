"""What the tests of posters share."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import posters

URL = "https://q.example.cn/c/S0001"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sentences be English wherever the tests run."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def store() -> dict[str, str]:
    return {
        "store_id": "S0001",
        "merchant": "老王便利店",
        "store": "科技园南区店",
        "url": URL,
        "category": "便利店",
        "phone": "0755-8888 6666",
        "address": "深圳市南山区科技园南区8栋101",
    }


def picture(path: Path) -> Image.Image:
    """Return a picture, its file closed."""
    with Image.open(path) as image:
        image.load()
        return image.copy()


@pytest.fixture(scope="session")
def good_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand as a print shop gets it."""
    out = tmp_path_factory.mktemp("good") / "stand.pdf"
    data = {"store_id": "S0001", "merchant": "老王便利店", "url": URL}
    assert posters.make("stand-a6", data, out, profile="press-x1a").verdict == "printable"
    return out
