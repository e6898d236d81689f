"""Settings: people, kiosk.toml changed line by line, a backup put back, a bundle without secrets."""

from __future__ import annotations

import base64
import json
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config import ConfigError, Settings, load
from kiosk.counter import backup
from kiosk.counter.words import counter_texts
from kiosk.web.staff import diagnostics, toml_edit
from tests.web.rig import PIN, SLIP, Rig, rig
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]

FILE = """# our shop
data_dir = "/tmp/x"
[web]
pin = "4711"  # the manager's
[shop]
hours = "08:00-20:00" # summer
[printers.counter]
url = "tcp://192.168.1.50:9100"
"""
NEW = {
    ("shop", "hours"): "09:00-21:30", ("shop", "holidays"): ("2027-02-16..2027-02-22",), ("screen", "look"): "fresh",
    ("", "locale"): "en",
}  # fmt: skip


def test_only_those_lines_change_and_the_file_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(FILE, "utf-8")
    toml_edit.change(path, NEW)
    text = path.read_text("utf-8")
    for line in FILE.splitlines():
        assert line in text or line.startswith("hours")
    now = load(path).value
    assert (now.shop.hours, now.screen.look, now.locale, now.web.pin) == (
        "09:00-21:30",
        "fresh",
        "en",
        "4711",
    )
    assert now.shop.holidays == ("2027-02-16..2027-02-22",)
    assert (tmp_path / "kiosk.toml.before").read_text("utf-8") == FILE
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({("shop", "hours"): "25:00-26:00"}, "25:00-26:00"),
        ({("shop", "holidays"): ("next week",)}, "next week"),
        ({("screen", "look"): "shiny"}, "must be one of"),
    ],
)
def test_what_is_not_right_is_named_and_nothing_changes(
    tmp_path: Path, values: toml_edit.Values, said: str
) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(FILE, "utf-8")
    with pytest.raises(ConfigError, match=said):
        toml_edit.change(path, values)
    assert [p.name for p in tmp_path.iterdir()] == ["kiosk.toml"]
    assert path.read_text("utf-8") == FILE


ARRAY = '[shop]\nholidays = [\n  "2026-10-01",  # a day\n  "2026-10-02",\n]\nhours = "08:00-20:00"\n'
TEXT = 'locale = "en"\n[shop]\nhours = """\\\n08:00-20:00"""\nholidays = ["2026-10-01"]\n'
QUOTED = '[ "shop" ]\n"holidays" = []\nhours = "08:00-20:00"\n[printers."a"]\nurl = "virtual:///tmp/x"\n'
DOTTED = 'shop.holidays = []\nshop.hours = "08:00-20:00"\n'


@pytest.mark.parametrize("text", [ARRAY, TEXT, QUOTED, DOTTED])
def test_values_over_lines_and_quoted_or_dotted_names_are_changed_where_they_stand(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text, "utf-8")
    toml_edit.change(path, {("shop", "hours"): "09:00-21:00", ("shop", "holidays"): ("2027-01-01",)})
    now = load(path).value.shop
    assert (now.hours, now.holidays) == ("09:00-21:00", ("2027-01-01",))
    assert path.read_text("utf-8").count("shop") == text.count("shop"), "no second table of that name"
    toml_edit.change(path, {("shop", "hours"): None})
    assert "hours" not in path.read_text("utf-8")


def test_a_quoted_table_is_taken_away_with_what_is_below_it(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    more = "[printers.'a'.override]\ncutter = false\n# of b\n[printers.b]\nurl = \"virtual:///tmp/y\"\n"
    path.write_text(QUOTED + more, "utf-8")
    toml_edit.change(path, {}, ("printers.a",))
    assert list(load(path).value.printers) == ["b"]
    assert "# of b" in path.read_text("utf-8")


@pytest.mark.parametrize("text", ["shop = { holidays = [\n] }\n", 'shop = { hours = "08:00-20:00" }\n'])
def test_a_file_written_in_another_way_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="written in a way that this page cannot change"):
        toml_edit.change(path, {("shop", "holidays"): ("2027-01-01",)})
    assert path.read_text("utf-8") == text


def test_a_file_with_a_mistake_is_left_alone_and_said_in_chinese(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text("[shop\n", "utf-8")
    with pytest.raises(ConfigError, match=r"has a mistake.*not valid TOML") as told:
        toml_edit.change(path, NEW)
    said = toml_edit.said(told.value, counter_texts("zh_CN"))
    assert said.endswith("里有错，因此没有写入；请先改正（`kiosk doctor` 会指出位置）。")


SECRET = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=6, max_size=30)


@given(ukey=SECRET, client=SECRET, key=SECRET, pin=st.from_regex(r"\A[0-9]{6,12}\Z"))
def test_planted_secrets_are_not_in_the_bundle(ukey: str, client: str, key: str, pin: str) -> None:
    plain = {
        "feie": {"user": "shop", "ukey": ukey}, "yilianyun": {"client_secret": client}, "web": {"pin": pin},
        "clouds": {"third": {"user": "shop", "key": key}},
    }  # fmt: skip
    settings = msgspec.convert(plain, Settings)
    parts = {
        "settings.json": msgspec.to_builtins(settings),
        "doctor.json": [
            {"sentence": f"the account said {ukey}: {client}"},
            {"url": f"mqtt://shop:{pin}@h/{pin}"},
        ],
    }
    known = diagnostics.secrets_of(settings, Path("/nonexistent"))
    with zipfile.ZipFile(BytesIO(diagnostics.pack(parts, known))) as bundle:
        told = "".join(bundle.read(n).decode() for n in bundle.namelist())
    for secret in (ukey, client, key, pin):
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            assert form in diagnostics.GONE or form not in told


async def test_the_bundle_holds_none_of_this_kiosks_own_secrets(staff: Staff, tmp_path: Path) -> None:
    async with staff.browser.get(staff.kiosk.url + "/staff/diagnostics.zip") as answer:
        assert answer.status == 200
        raw = await answer.read()
    with zipfile.ZipFile(BytesIO(raw)) as bundle:
        assert {"status.json", "doctor.json", "settings.json"} <= set(bundle.namelist())
        told = "".join(bundle.read(n).decode() for n in bundle.namelist())
    assert (
        json.loads(zipfile.ZipFile(BytesIO(raw)).read("status.json"))["device"] == staff.kiosk.daemon.device
    )
    for name in ("local.token", "session.key"):
        assert (tmp_path / "kiosk" / name).read_text().strip() not in told
    assert PIN not in told


async def test_a_manager_adds_changes_and_removes_people(staff: Staff) -> None:
    ask = {"name": "小李", "role": "clerk", "pin": "2468"}
    assert (await staff.do("person", ask))[1] == {"ok": True, "message": "小李 现在可以登录了。"}
    for bad, said in (
        ({**ask, "pin": "9999"}, "同名"),
        ({**ask, "name": "小王"}, "换一个"),
        ({**ask, "name": "小王", "pin": PIN}, "换一个"),
        ({**ask, "name": "小王", "pin": "12"}, "4 到 12"),
    ):
        told = (await staff.do("person", bad))[1]
        assert told["ok"] is False
        assert said in told["message"]
    (person,) = await staff.kiosk.daemon.journal.people()
    assert "2468" not in person.verifier
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        clerk = Staff(staff.kiosk, browser)
        await clerk.sign_in("2468")
        assert (await clerk.do("person", ask))[0] == 403
        assert "staff-settings.js" not in await clerk.page(path="/staff/settings")
        change = {"id": person.id, "name": "小李", "role": "manager"}
        assert (await staff.do("person", change))[1]["ok"] is True
        assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 401, "another role, another session"
    assert (await staff.do("person-drop", {"id": person.id}))[1]["ok"] is True
    assert await staff.kiosk.daemon.journal.people() == []


async def test_a_backup_put_back_knows_what_was_redeemed(tmp_path: Path) -> None:
    async with rig(tmp_path) as kiosk:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            held = Staff(kiosk, browser)
            await held.sign_in()
            code = await kiosk.issue(SLIP)
            assert (await held.do("redeem", {"code": code}))[1]["verdict"] == "confirmed"
            device = kiosk.daemon.device
            headers = {"X-CSRF": held.token}
            async with browser.post(
                kiosk.url + "/staff/backup", json={"passphrase": "correct horse"}, headers=headers
            ) as answer:
                assert answer.status == 200
                raw = await answer.read()
    assert code.encode() not in raw
    async with rig(tmp_path / "new", hub=False) as kiosk:
        assert kiosk.daemon.device != device
        told = await _restore(kiosk, raw, "wrong horse!")
        assert told["ok"] is False
        told = await _restore(kiosk, raw, "correct horse")
        assert told["ok"] is True
        assert await kiosk.daemon.journal.recent() == []
    async with rig(tmp_path / "new", hub=False) as kiosk:
        assert kiosk.daemon.device == device
        assert [a.verdict for a in await kiosk.daemon.journal.recent()] == ["confirmed"]
        _, told = await kiosk.post("/api/v1/redeem", {"code": code})
        assert (told["verdict"], told["reason"]) == ("refused", "used")


async def test_a_restore_says_what_becomes_of_the_rights(tmp_path: Path) -> None:
    """Also where this kiosk's own journal was lost since: no other kiosk has a part in it."""
    async with rig(tmp_path, hub=False) as kiosk:
        daemon = kiosk.daemon
        raw = await backup.make(daemon.journal, daemon.data_dir, None, "correct horse")
        assert "保持现在的样子" in str((await _restore(kiosk, raw, "correct horse"))["message"])
        shutil.rmtree(daemon.data_dir / backup.STAGED)
    for path in daemon.data_dir.glob("journal.db*"):
        path.unlink()
    async with rig(tmp_path, hub=False) as kiosk:
        said = str((await _restore(kiosk, raw, "correct horse"))["message"])
        assert "一律失效" in said
        assert "另一台终端" not in said


async def test_a_passphrase_that_is_no_base64_is_refused_in_a_sentence(staff: Staff) -> None:
    headers = {"X-CSRF": staff.token, "X-Passphrase": "\u00e9"}
    async with staff.browser.post(staff.kiosk.url + "/staff/restore", data=b"x", headers=headers) as answer:
        told = await answer.json()
    assert (answer.status, told["error"]) == (400, "bad_request")
    assert "口令没有完整送达" in told["message"]


async def _restore(kiosk: Rig, raw: bytes, passphrase: str) -> dict[str, object]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        held = Staff(kiosk, browser)
        await held.sign_in()
        headers = {
            "X-CSRF": held.token,
            "X-Passphrase": base64.urlsafe_b64encode(passphrase.encode()).decode(),
            "Content-Type": "application/octet-stream",
        }
        async with browser.post(kiosk.url + "/staff/restore", data=raw, headers=headers) as answer:
            assert answer.status == 200
            told: dict[str, object] = await answer.json()
            return told
