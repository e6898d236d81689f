"""Who may do what at the console, and that a session ends when it has to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from kiosk.counter import people
from kiosk.coupons.record import Change
from kiosk.daemon import Daemon
from kiosk.journal.people import Person
from kiosk.toml import Loaded
from kiosk.web import door as door_module
from tests.web.rig import CAPPED, PIN, SLIP, Rig, rig, settings
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]
CLERK_PIN = "2468"


async def hire(
    kiosk: Rig, pin: str = CLERK_PIN, role: str = "clerk", name: str = "小李", who: str = "P1"
) -> None:
    door = kiosk.daemon.server._runner.app[_services()].door  # type: ignore[union-attr]
    made = people.verifier(pin, await door.salt())
    await kiosk.daemon.journal.put_person(Person(who, name, role, made))  # type: ignore[arg-type]


def _services() -> object:
    from kiosk.web.services import SERVICES

    return SERVICES


@pytest.fixture
async def clerk(kiosk: Rig) -> AsyncIterator[Staff]:
    await hire(kiosk)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        held = Staff(kiosk, browser)
        await held.sign_in(CLERK_PIN)
        yield held


async def test_a_clerk_redeems_and_does_not_undo(clerk: Staff) -> None:
    _, told = await clerk.do("redeem", {"code": await clerk.kiosk.issue(SLIP)})
    assert told["verdict"] == "confirmed"
    for name, body in (
        ("rollback", {"rid": told["rid"]}),
        ("hide", {"stock_id": CAPPED, "away": True}),
        ("decide", {"epoch": "ab", "seq": 1}),
    ):
        status, refused = await clerk.do(name, body)
        assert (status, refused["error"]) == (403, "manager"), name
        assert refused["message"] == "只有店长可以这样做。"
    page = await clerk.page()
    assert "小李" in page
    assert "/staff/rollback" not in page
    found, _ = await clerk.kiosk.daemon.journal.search(_of("小李"))
    assert [r.rid for r in found] == [told["rid"]]


def _of(person: str) -> object:
    from kiosk.journal.search import Ask

    return Ask(person=person)


async def test_one_who_left_or_whose_role_changed_is_out_at_once(clerk: Staff) -> None:
    journal = clerk.kiosk.daemon.journal
    await hire(clerk.kiosk, role="manager")
    assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 401
    await hire(clerk.kiosk)
    assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 200
    assert await journal.drop_person("P1")
    assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 401


async def test_signing_out_ends_every_copy_of_the_session(clerk: Staff) -> None:
    cookie = {c.key: c.value for c in clerk.browser.cookie_jar}["staff"]
    async with clerk.browser.post(clerk.kiosk.url + "/staff/sign-out", data={"csrf": clerk.token}):
        pass
    async with clerk.kiosk.http.get(
        clerk.kiosk.url + "/staff", headers={"Cookie": f"staff={cookie}"}
    ) as answer:
        assert 'name="pin"' in await answer.text()


async def test_people_of_a_hub_sign_in_and_those_of_the_kiosk_do_not(clerk: Staff) -> None:
    body = {"name": "王姐", "role": "manager", "verifier": people.verifier("97531", b"0123456789abcdef")}
    await clerk.kiosk.daemon.journal.apply("p", [Change("put", "person", "H1", 1, body)])
    assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 401
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        held = Staff(clerk.kiosk, browser)
        await held.sign_in("97531")
        assert "王姐" in await held.page()


async def test_many_pins_at_once_are_counted_one_by_one(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:

        async def knock(n: int) -> int:
            async with kiosk.http.post(kiosk.url + "/staff/sign-in", data={"pin": f"{n:04}"}) as answer:
                return answer.status

        ends = await asyncio.gather(*(knock(n) for n in range(20)))
        assert (ends.count(403), ends.count(429)) == (5, 15)
        assert [(a.what, a.name) for a in await kiosk.daemon.journal.acts()] == [("locked", "127.0.0.1")]


async def test_who_changes_addresses_is_shut_out_too(alone: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    door = alone.daemon.server._runner.app[_services()].door  # type: ignore[union-attr]
    monkeypatch.setattr(door_module, "ALL_TRIES", 6)
    ends = [(await door.knock("0000", f"10.0.0.{n}")).end for n in range(8)]
    assert ends == ["wrong"] * 6 + ["blocked"] * 2
    assert [(a.what, a.name) for a in await alone.daemon.journal.acts("locked")] == [("locked", "10.0.0.5")]
    assert (await door.knock(PIN, "127.0.0.1")).end == "ok", "nobody in the network shuts the counter out"


async def test_with_the_journal_who_signed_out_is_forgotten_so_all_sessions_end(tmp_path: Path) -> None:
    async with (
        rig(tmp_path, hub=False) as kiosk,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        home = kiosk.daemon.data_dir
        await Staff(kiosk, browser).sign_in()
        cookie = next(c.value for c in browser.cookie_jar)
    for lost in (False, True):
        if lost:
            for path in home.glob("journal.db*"):
                path.unlink()
        daemon = Daemon(Loaded(settings(home), ()), None)
        await daemon.start()
        try:
            async with (
                aiohttp.ClientSession(headers={"Cookie": f"staff={cookie}"}) as http,
                http.get(f"{daemon.server.url}/staff") as answer,
            ):
                assert ("data-csrf" in await answer.text()) is not lost
        finally:
            await daemon.stop()


async def test_a_right_pin_forgives_no_wrong_one(alone: Rig) -> None:
    """A clerk would have as many guesses as he likes at the manager's."""
    door = alone.daemon.server._runner.app[_services()].door  # type: ignore[union-attr]
    guesses = ["0000", "0001", "0002", "0003", PIN, "0004", PIN]
    ends = [(await door.knock(pin, "10.0.0.1")).end for pin in guesses]
    assert ends == ["wrong"] * 4 + ["ok", "wrong", "blocked"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/staff", b"Host: ["),
        ("/healthz", b"Host: ["),
        ("/staff", b"Cookie: staff=1.2.3.4.\xff"),
        ("/api/v1/status", b"Authorization: Bearer \xff"),
        ("/api/v1/status", b"Origin: http://["),
    ],
    ids=["host", "host of health", "cookie", "token", "origin"],
)
async def test_headers_of_any_bytes_are_no_mistake_of_the_kiosk(
    alone: Rig, path: str, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    own = b"" if line.startswith(b"Host") else b"Host: 127.0.0.1\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(alone.url.rpartition(":")[2]))
    writer.write(b"GET %b HTTP/1.1\r\n%b%b\r\nConnection: close\r\n\r\n" % (path.encode(), own, line))
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert int(answer.split()[1]) < 500
    assert "Traceback" not in caplog.text


async def test_a_session_is_over_after_its_time(clerk: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    clock = clerk.kiosk.daemon.clock
    later = clock.wall() + timedelta(seconds=door_module.LIFE_S + 1)
    monkeypatch.setattr(clock, "wall", lambda: later)
    assert (await clerk.do("look", {"code": "ABCDEFGH"}))[0] == 401
