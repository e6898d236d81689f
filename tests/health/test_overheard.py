"""What journal and configuration say is said in Chinese too: the real sentences, from the rooms that say them."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from PIL import Image

from kiosk.config import ConfigError, Screen, load
from kiosk.counter.dress import unfit
from kiosk.hardware.kept import trouble
from kiosk.health import gather
from kiosk.health.overheard import CONFIGURATION, DEVICES, JOURNAL, heard, heard_all
from kiosk.journal import store
from kiosk.printing import printers
from tests.web.test_chinese import english


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "A backup was put back, whose journal lacks what happened since; a new epoch was begun.",
            "已恢复备份",
        ),
        (
            "The journal was damaged and set aside as journal.damaged-1; a new one was begun."
            " Saved from it: rows for the hub 3, uses 12.",
            "流水曾损坏，已另存为 journal.damaged-1，并重新开始记录。已救回：待上传流水 3 条，核销记录 12 条。",
        ),
        (
            "The journal ends before item 17, which it had; an older copy was restored or the card lost writes.",
            "第 17 条",
        ),
    ],
)
def test_what_the_journal_found(text: str, said: str) -> None:
    assert said in heard(text, JOURNAL).say("zh_CN")
    assert heard(text, JOURNAL).say() == text


def test_every_sentence_of_the_journal_is_known() -> None:
    source = Path(store.__file__).read_text("utf-8")
    said = re.findall(r'return f?"( ?[A-Z][^"]+\.)"', source)
    assert len(said) >= 5
    for text in said:
        plain = re.sub(r"\{[^{}]*\}", "7", text).strip()
        assert english(heard(plain, JOURNAL).say("zh_CN")) == [], plain


@pytest.mark.parametrize(
    "text",
    [
        "web.lisen = 5\n[web]\nlisten = '127.0.0.1:0'\nlisen = 3\n",
        "nothing_of_ours = 3\n",
        "[web]\nlisten = 5\n",
        "[web]\nlisten = 'here'\n",
        "[screen]\nlook = 'loud'\n",
        "[printers.counter]\nprofile = 'generic-58'\n",
        "[web]\nqqqq = 1\nlisen = 'x'\n",
        "[web\n",
    ],
)
def test_what_the_configuration_says(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text, "utf-8")
    try:
        warnings = load(path).warnings
    except ConfigError as err:
        warnings = (f"{err} Until then the kiosk goes on with the settings that it had.",)
    assert warnings
    told = heard_all(warnings, CONFIGURATION)
    assert told.say() == " ".join(warnings)
    assert english(told.say("zh_CN")) == []
    assert str(path) in told.say("zh_CN")


def test_what_is_wrong_with_the_merchants_own_pictures(tmp_path: Path) -> None:
    (tmp_path / "logo.txt").write_text("no picture")
    large = tmp_path / "logo.png"
    Image.effect_noise((1600, 1600), 90).save(large)
    for logo in (tmp_path / "none.png", tmp_path / "logo.txt", large):
        screen = Screen(logo=str(logo), pictures=str(tmp_path / "no-directory"))
        text = " ".join(unfit(screen))
        assert text
        assert english(heard(text, CONFIGURATION).say("zh_CN")) == [], text


def test_what_nobody_knows_is_passed_on() -> None:
    assert heard("Something new happened.", JOURNAL).say("zh_CN") == "Something new happened."
    assert heard("", JOURNAL).say("zh_CN") == ""


def test_what_printers_say_of_themselves() -> None:
    """Every state that carries words, read from the drivers themselves."""
    source = "".join(
        path.read_text("utf-8")
        for room in (printers, gather)
        for path in sorted(Path(room.__file__).parent.glob("*.py"))
    )
    said = re.findall(r'Status\("[a-z_]+", f?"([^"]+)"', source)
    assert len(said) > 15
    for text in said:
        plain = re.sub(r"\{[^{}]*\}", "7", text)
        assert english(heard(plain, DEVICES).say("zh_CN")) == [], plain
        assert (heard(plain, DEVICES).say(), heard(plain, DEVICES).more) == (plain, ()), "known as a whole"


@pytest.mark.parametrize(
    "err",
    [
        TimeoutError(),
        *(
            OSError(number, "x")
            for number in (errno.ENOENT, errno.EIO, errno.EACCES, errno.EBUSY, errno.ENOTTY)
        ),
    ],
)
def test_what_devices_say_of_themselves(err: OSError) -> None:
    _, detail = trouble(err, "/dev/ttyACM0")
    told = heard(detail, DEVICES).say("zh_CN")
    assert english(told) == []
    assert "/dev/ttyACM0" in told
