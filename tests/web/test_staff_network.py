"""The switch that opens the console to phones in the shop: written, served with a trusted certificate, closed again."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from kiosk.config import load
from kiosk.daemon import Daemon
from kiosk.toml import Loaded
from kiosk.web import network, server, tls
from kiosk.web.tls import CA
from tests.web.rig import PIN, Rig
from tests.web.test_api_callers import owner
from tests.web.test_staff import Staff
from tests.web.test_staff_restart import free_port


@pytest.fixture
def lan(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the shop's network be this machine's loopback, at a free port."""
    port = free_port()
    monkeypatch.setattr(network, "LAN", f"0.0.0.0:{port}")
    monkeypatch.setattr(network, "addresses", lambda: ("127.0.0.1",))
    return port


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "kiosk.toml"
    made.write_text(
        f'data_dir = "{tmp_path / "kiosk"}"\n'
        f'[web]\nlisten = "127.0.0.1:{free_port()}"\npin = "{PIN}"\n'
        f'[printers.paper]\nurl = "virtual://{tmp_path}/kiosk/slips"\n',
        "utf-8",
    )
    return made


def text(path: Path) -> str:
    return path.read_text("utf-8")


def change(path: Path, old: str, new: str) -> None:
    path.write_text(text(path).replace(old, new), "utf-8")


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Staff]:
    """Run a kiosk with the file as it is now, with a manager at its own screen."""
    daemon = Daemon(Loaded(load(path).value, ()), path)
    await daemon.start()
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            held = Staff(Rig(None, daemon, browser, None), browser)
            await held.sign_in()
            yield held
    finally:
        await daemon.stop()


async def phone(port: int, ca: Path) -> int:
    """Open the console from the network as a phone does that trusts the kiosk; return the status."""
    trust = ssl.create_default_context(cafile=ca)
    connector = aiohttp.TCPConnector(ssl=trust)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
        browser.post(f"https://127.0.0.1:{port}/staff/sign-in", data={"pin": PIN}) as answer,
    ):
        assert 'id="code"' in await answer.text()
        return answer.status


async def test_a_manager_opens_the_console_to_the_network_and_closes_it(
    path: Path, lan: int, tmp_path: Path
) -> None:
    before = text(path)
    async with running(path) as staff:
        assert "对店内网络开放</button>" in await staff.page(path="/staff/settings")
        _, told = await staff.do("phone-slip")
        assert (told["ok"], "店长在“设置”里" in told["message"]) == (False, True)
        status, told = await staff.do("network", {"open": True})
        assert (status, told["ok"], told["restart"]) == (200, True, True)
        page = await staff.page(path="/staff/settings")
        assert "data-again" in page, "a restart is offered"
        assert f"https://127.0.0.1:{lan}/staff" in page
        with pytest.raises(aiohttp.ClientConnectorError):
            await phone(lan, tmp_path / "kiosk" / CA)
        assert [a.what for a in await staff.kiosk.daemon.journal.acts()] == ["network_open"]
    async with running(path) as staff:
        assert await phone(lan, tmp_path / "kiosk" / CA) == 200
        page = await staff.page(path="/staff/settings")
        assert network._fingerprint(tmp_path / "kiosk" / CA) in page
        assert "data-again" not in page
        assert (await staff.do("phone-slip"))[1]["ok"] is True, "a slip leads a phone there"
        assert staff.kiosk.url.startswith("http://127.0.0.1:"), "the counter's screen keeps its own address"
        assert (await staff.do("network", {"open": False}))[1]["ok"] is True
    assert text(path) == before, "nothing is left of it"
    async with running(path):
        with pytest.raises(aiohttp.ClientConnectorError):
            await phone(lan, tmp_path / "kiosk" / CA)


async def test_the_pairing_slip_leads_to_the_address_in_the_network(path: Path, lan: int) -> None:
    change(path, "[web]\n", f'[web]\nlan = "0.0.0.0:{lan}"\n')
    assert network.reached(load(path).value) == (f"https://127.0.0.1:{lan}",)


async def test_a_program_opens_and_closes_it_too(path: Path, lan: int) -> None:
    async with running(path) as staff:
        kiosk = staff.kiosk
        _, told = await kiosk.get("/api/v1/settings/network")
        assert (told["open"], told["switch"], told["addresses"], told["fingerprint"]) == (False, True, [], "")
        assert (await kiosk.post("/api/v1/settings/network", {"open": True}))[0] == 403, "a manager's"
        _, told = await kiosk.post("/api/v1/settings/network", {"open": True}, headers=owner(kiosk))
        assert (told["open"], told["waits"]) == (True, True)
        assert len(told["fingerprint"]) == 95
        _, told = await kiosk.post("/api/v1/settings/network", {"open": False}, headers=owner(kiosk))
        assert (told["open"], told["waits"]) == (False, False)


async def test_a_port_that_is_taken_is_said_before_anything_is_written(path: Path, lan: int) -> None:
    before = text(path)
    with socket.create_server(("0.0.0.0", lan)):
        async with running(path) as staff:
            status, told = await staff.do("network", {"open": True})
            assert (status, told["ok"]) == (200, False)
            assert str(lan) in told["message"]
    assert text(path) == before


async def test_a_network_address_that_fails_never_stops_the_counter(path: Path, lan: int) -> None:
    change(path, "[web]\n", f'[web]\nlan = "0.0.0.0:{lan}"\n')
    with socket.create_server(("0.0.0.0", lan)):
        async with running(path) as staff:
            page = await staff.page(path="/staff/devices")
            assert f"地址 0.0.0.0:{lan} 打不开" in page
            _, told = await staff.do("phone-slip")
            assert (told["ok"], f"0.0.0.0:{lan}" in told["message"]) == (False, True), "no slip leads nowhere"
            async with staff.browser.get(staff.kiosk.url + "/") as answer:
                assert answer.status == 200


async def test_an_address_that_comes_later_is_opened_by_itself(
    path: Path, lan: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kiosk that starts before its router has no address yet."""
    monkeypatch.setattr(server, "AGAIN_S", 0.02)
    change(path, "[web]\n", f'[web]\nlan = "0.0.0.0:{lan}"\n')
    taken = socket.create_server(("0.0.0.0", lan))
    async with running(path) as staff:
        daemon = staff.kiosk.daemon
        assert daemon.server.not_open == f"0.0.0.0:{lan}"
        taken.close()
        trying = daemon.server._again
        assert trying is not None
        async with asyncio.timeout(20):
            await trying
        assert daemon.server.not_open == ""
        assert await phone(lan, daemon.data_dir / CA) == 200
        assert "打不开" not in await staff.page(path="/staff/devices")


@pytest.mark.parametrize("file", ["tls-ca.pem", "tls-ca-key.pem"])
async def test_an_authority_that_cannot_be_read_never_stops_the_counter(
    path: Path, lan: int, file: str
) -> None:
    async with running(path) as staff:
        assert (await staff.do("network", {"open": True}))[1]["ok"]
        kept = staff.kiosk.daemon.data_dir / file
    kept.write_text("no PEM")
    for other in kept.parent.glob("tls-c*.pem"):
        if other.name not in ("tls-ca.pem", "tls-ca-key.pem"):
            other.unlink()
    async with running(path) as staff:
        assert "打不开" in await staff.page(path="/staff/devices")
        async with staff.browser.get(staff.kiosk.url + "/") as answer:
            assert answer.status == 200
        assert (await staff.do("network", {"open": True}))[0] < 500


async def test_what_a_file_opens_by_hand_is_closed_there(path: Path, lan: int) -> None:
    change(path, "127.0.0.1", "0.0.0.0")
    daemon = Daemon(Loaded(load(path).value, ()), path)
    await daemon.start()
    try:
        async with aiohttp.ClientSession() as http:
            token = (daemon.data_dir / "local.token").read_text().strip()
            url = daemon.server.url.replace("0.0.0.0", "localhost") + "/api/v1/settings/network"
            async with http.post(
                url, json={"open": False}, headers={"Authorization": f"Bearer {token}"}, ssl=False
            ) as answer:
                assert (answer.status, "web.listen" in (await answer.json())["detail"]) == (422, True)
    finally:
        await daemon.stop()


async def test_the_screen_keeps_its_address_where_the_file_serves_tls(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`listen = "0.0.0.0:8443"` alone left the counter's screen, which asks 127.0.0.1:8080, without a page."""
    screen = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr(tls, "SCREEN", screen)
    change(path, "127.0.0.1", "0.0.0.0")
    daemon = Daemon(Loaded(load(path).value, ()), path)
    await daemon.start()
    try:
        async with aiohttp.ClientSession() as http, http.get(f"http://{screen}/") as answer:
            assert answer.status == 200
    finally:
        await daemon.stop()


async def test_a_program_fetches_the_certificate_that_it_is_to_trust(path: Path, lan: int) -> None:
    async with running(path) as staff:
        kiosk = staff.kiosk
        status, told = await kiosk.get("/api/v1/settings/certificate")
        assert (status, told["error"]) == (404, "unknown_file")
        await kiosk.post("/api/v1/settings/network", {"open": True}, headers=owner(kiosk))
        _, pem = await kiosk.get("/api/v1/settings/certificate")
        ssl.create_default_context(cadata=pem)
        assert pem == text(kiosk.daemon.data_dir / CA)
