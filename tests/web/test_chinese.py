"""No page of the console, and no answer to its buttons, says a sentence in English to who reads Chinese."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.counter import backup
from kiosk.health.model import Facts, PrinterFact
from kiosk.web.services import SERVICES
from kiosk.web.staff import CLERK, MANAGER, PAGES
from tests.web.rig import SLIP, Rig
from tests.web.test_staff import Staff, staff
from tests.web.test_staff_bad import WRONG
from tests.web.test_staff_people import hire

__all__ = ["staff"]
SENTENCE = re.compile(r"\b[A-Za-z][a-z']+(?: +[A-Za-z][a-z']+){2,}")
"""Three words of Latin letters after each other: names of files, settings and products are fewer, lists of them have commas."""
QUOTED = re.compile(r"<(script|style|code)\b.*?</\1>|<option[^>]*>English</option>", re.DOTALL)
SAID = re.compile(r'(?:placeholder|title|alt|aria-label|data-[a-z-]+)="([^"]*)"')
EVERYTHING_WRONG = {
    "hub_url": "https://hub.example.cn",
    "enrolled": "revoked",
    "reachable": "no",
    "backlog": 501,
    "conflicts": 3,
    "clock_error_s": None,
    "free_bytes": 1024,
    "free_share": 0.001,
    "recovered": "A backup was put back, whose journal lacks what happened since; a new epoch was begun.",
    "set_aside": ("/var/lib/kiosk/journal.damaged-1",),
    "printers": tuple(
        PrinterFact(f"p{n}", "tcp://10.0.0.1:9100", state)
        for n, state in enumerate(("out", "cover", "offline", "error", "nobody_answered"))
    ),
    "devices_down": ("till",),
    "unknown_prints": 2,
    "pool_left": 1,
    "config_warnings": (
        "/etc/kiosk/kiosk.toml: unknown setting web.lisen is ignored; did you mean web.listen?",
    ),
    "account_keys_here": True,
    "page_proof": "wrong",
    "not_open": "0.0.0.0:8443",
}


def english(html: str) -> list[str]:
    """Return the English sentences that a page says."""
    html = QUOTED.sub(" ", html)
    said = " \n ".join([re.sub(r"<[^>]*>", " \n ", html), *SAID.findall(html)])
    return SENTENCE.findall(unescape(said))


def test_a_sentence_is_found_wherever_it_stands() -> None:
    assert english("<p>Nothing is wrong.</p>") == ["Nothing is wrong"]
    assert english('<button data-sure="Let them in no more?">移除</button>') == ["Let them in no more"]
    assert english("<p>写入 kiosk.toml（Nobody may do that）</p>") == ["Nobody may do that"]
    assert (
        english("<code>cannot be opened at all</code><p>用 kiosk.toml 或 staff.pin，Android 手机</p>") == []
    )


async def test_no_page_says_an_english_sentence(
    staff: Staff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = staff.kiosk
    await hire(kiosk)
    services = kiosk.daemon.server._runner.app[SERVICES]  # type: ignore[union-attr]
    await kiosk.post(f"/api/v1/batches/{SLIP}/hand-out", {"n": 2})
    for job in (await kiosk.daemon.journal.jobs())[:1]:
        await kiosk.daemon.journal.job_mark(job.id, "unknown", {}, item=False)
    for total in (2500, 100):
        await kiosk.post("/api/v1/redeem", {"code": await kiosk.issue(SLIP), "total": total})
    await kiosk.daemon.journal.note_act("", "192.168.1.9", "locked")
    real = await services.gatherer.facts()
    wrong = msgspec.structs.replace(real, **EVERYTHING_WRONG)

    async def facts() -> Facts:
        return wrong

    for config in (None, tmp_path / "kiosk.toml"):
        if config is not None:
            config.write_text(f'data_dir = "{services.data_dir}"\n[web]\nlan = "0.0.0.0:8443"\n', "utf-8")
        object.__setattr__(services, "config", config)
        for bad in (False, True):
            if bad:
                monkeypatch.setattr(services.gatherer, "facts", facts)
                _, told = await staff.do("redeem", {"code": await kiosk.issue(SLIP), "total": 2500})
                assert told["verdict"] == "confirmed", (
                    "what is not at risk goes on, whatever is wrong besides"
                )
            for path in (*PAGES, "/nonsense", "/records?from=yesterday", "/pair/" + "x" * 22):
                assert english(await staff.page(path=f"/staff{path}")) == [], (path, config, bad)
        monkeypatch.undo()
    async with kiosk.http.get(kiosk.url + "/staff", headers={"Accept-Language": "zh-CN"}) as answer:
        assert english(await answer.text()) == [], "asks for the PIN"


RIGHT: dict[str, Any] = {
    "look": {"code": "NOTACODE"},
    "redeem": {"code": "NOTACODE"},
    "rollback": {"rid": "0" * 24},
    "hand-out": {"stock_id": SLIP, "n": 1},
    "hide": {"stock_id": SLIP, "away": True},
    "person": {"name": "小李", "role": "clerk", "pin": "1"},
    "shop": {"hours": "25:00", "holidays": "soon", "look": "warm", "locale": "zh_CN"},
    "network": {"open": True},
    "backup": {"passphrase": "short"},
    "poster": {"template": "stand-a6", "headline": "😀😀"},
    "printer": {"name": "back", "url": "tcp://", "profile": "generic-58"},
    "printer-try": {"url": "tcp://127.0.0.1:1", "profile": "generic-58"},
    "printer-drop": {"name": "nobody"},
    "test-printer": {"name": "nobody"},
    "office-print": {"name": "stand-a6-nobody", "queue": "nobody"},
    "decide": {"epoch": "ab", "seq": 7},
}
LATER = {"restart", "printer-find"}
"""Their words are in test_staff_restart and test_staff_printers."""


async def test_no_button_answers_with_an_english_sentence(staff: Staff, tmp_path: Path) -> None:
    services = staff.kiosk.daemon.server._runner.app[SERVICES]  # type: ignore[union-attr]
    config = tmp_path / "kiosk.toml"
    for state in (None, "data_dir = 5\n", "web = 5 [\n", f'data_dir = "{services.data_dir}"\nshop = {{}}\n'):
        if state is not None:
            config.write_text(state, "utf-8")
        object.__setattr__(services, "config", config if state is not None else None)
        for name in sorted({**CLERK, **MANAGER}.keys() - LATER):
            for body in (*WRONG, RIGHT.get(name, {})):
                _, told = await staff.do(name, body or {})
                said = json.dumps([v for k, v in told.items() if k != "error"], ensure_ascii=False)
                assert english(said) == [], (name, body, state)


async def test_no_broken_backup_is_refused_in_english(staff: Staff) -> None:
    for raw in (b"nothing", backup.seal(b"no archive", "p"), backup.seal(b"x", "another")):
        headers = {"X-CSRF": staff.token, "Accept-Language": "zh-CN", "X-Passphrase": "cA=="}
        async with staff.browser.post(
            staff.kiosk.url + "/staff/restore", data=raw, headers=headers
        ) as answer:
            told = await answer.json()
            assert (told["ok"], english(told["message"])) == (False, [])


async def test_a_program_is_told_in_chinese_too(staff: Staff, kiosk: Rig) -> None:
    """Every problem has its sentence in both languages; what another library says stands in neither."""
    token = (kiosk.daemon.data_dir / "local.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    for path, body in (
        ("settings/shop", RIGHT["shop"]),
        ("settings/network", {"open": True}),
        ("backup", RIGHT["backup"]),
        ("people", RIGHT["person"]),
        ("stands", RIGHT["poster"]),
        ("settings/printers", RIGHT["printer"]),
        ("slips/receipt", {"rid": "nothing"}),
        ("printers/nobody/test", {}),
    ):
        status, told = await kiosk.post(f"/api/v1/{path}", body, headers=headers)
        assert status >= 400, path
        assert english(told["sentences"]["zh_CN"]) == [], path
