"""The wizard for a printer: found on the network, tried, looked at, kept in kiosk.toml, in use after the button."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from kiosk.config import load
from kiosk.hardware.discovery import Found
from kiosk.web.services import SERVICES
from kiosk.web.staff import finder, toml_edit
from simulators.escpos import EscposPrinterSim
from tests.browser import Tabs, until
from tests.daemon.program import Program, config
from tests.web.rig import Rig
from tests.web.test_staff import Staff
from tests.web.test_staff_restart import Running, free_port

PIN = "1234"


@pytest.fixture
async def printer() -> AsyncIterator[EscposPrinterSim]:
    made = EscposPrinterSim()
    await made.start()
    yield made
    await made.stop()


def test_the_neighbours_are_private_and_at_most_254_a_network() -> None:
    own = [ipaddress.IPv4Interface(n) for n in ("10.1.2.3/8", "192.168.7.5/29", "8.8.8.9/24")]
    found = finder.neighbours(own)
    assert len(found) == 253 + 5
    assert "10.1.2.3" not in found
    assert {"10.1.2.254", "192.168.7.6"} <= set(found)
    assert not [a for a in found if a.startswith("8.")]


async def test_who_takes_a_connection_is_found_and_nothing_is_sent(printer: EscposPrinterSim) -> None:
    hosts = [f"127.0.0.{n}" for n in range(1, 9)]
    assert await finder.answering(hosts, printer.port) == ["127.0.0.1"]
    assert printer.slips == []
    assert printer.jobs == []


async def test_one_is_tried_kept_and_in_use_after_the_button(
    new_page: Tabs, printer: EscposPrinterSim, tmp_path: Path
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    path = config(tmp_path, listen=listen)
    async with Program(path) as kiosk:
        await kiosk.ready()
        page = await new_page(f"http://{listen}/staff", 360, 740, locale="zh-CN", is_mobile=True)
        await page.fill("#pin", PIN)
        await page.click("form button")
        await page.wait_for_selector("#code")
        await page.goto(f"http://{listen}/staff/devices")
        await page.click("a[href='/staff/printer']")
        await page.click("#try")
        await until(page, "document.querySelector('#told').textContent.includes('请先选一台')", 10)
        await page.fill("#address", f"127.0.0.1:{printer.port}")
        await page.click("#try")
        await page.wait_for_selector("[data-seen=good]")
        assert printer.slips, "a test slip came"
        await page.click("[data-seen=width]")
        assert await page.is_checked("[name=profile][value=generic-80]"), "the other paper is proposed"
        await page.click("#try")
        await page.click("[data-seen=good]")
        await page.click("#keep")
        await page.wait_for_url("**/staff/devices", timeout=40_000)
        await until(page, "document.querySelector('[data-live=devices]').textContent.includes('counter')", 20)
        kept = load(path).value.printers["counter"]
        assert (kept.url, kept.profile) == (f"tcp://127.0.0.1:{printer.port}", "generic-80")
        before = len(printer.slips)
        await page.click("[data-post='/staff/test-printer']")
        await until(page, "document.querySelector('#told').textContent.includes('已打印')", 20)
        assert len(printer.slips) > before, "by the kiosk that has restarted"
        await page.close()


async def test_what_makes_no_sense_is_a_sentence_and_a_printer_can_go(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    text = (
        f'[printers.old]\nurl = "virtual://{tmp_path}/slips" # keep\n\n# the pins\n[gpio]\nfactory = "none"\n'
    )
    path = config(tmp_path, text, listen=listen)
    jar = aiohttp.CookieJar(unsafe=True)
    async with Program(path) as kiosk, aiohttp.ClientSession(cookie_jar=jar) as browser:
        await kiosk.ready()
        staff = Staff(Running(f"http://{listen}"), browser)  # type: ignore[arg-type]
        await staff.sign_in(PIN)
        paper = {"profile": "generic-58"}
        for url, words in (
            ("feie://920000001", "需要先在 kiosk.toml"),
            ("gopher://x", "请写成 tcp://192.168.1.50:9100"),
            ("tcp://192.168.1.50:99999", "请写成 tcp://192.168.1.50:9100"),
            ("virtual:///", "请写成 virtual:///"),
            ("lp://dev/usb/lp0", "请写成 lp:///dev/usb/lp0"),
            ("serial:///dev/ttyS0?baud=fast", "请写成 serial:///dev/ttyUSB0?baud=9600"),
            ("usb://x:y", "请写成 usb://0416:5011"),
            ("hub+feie://920000001", "需要先在 kiosk.toml 里设置云端"),
            ("tcp://127.0.0.1:1", "没有小票机应答"),
        ):
            status, told = await staff.do("printer-try", {"url": url, **paper})
            assert (status, told["ok"], words in told["message"]) == (200, False, True), told
            assert not re.search("[a-z]{3,} [a-z]{2,} [a-z]{2,}", told["message"]), told
        for name, url in (("../x", "tcp://10.0.0.9:9100"), ("web", "tcp://x y"), ("", "tcp://10.0.0.9:9100")):
            assert (await staff.do("printer", {"name": name, "url": url, **paper}))[0] == 400
        before = path.read_text("utf-8")
        assert (await staff.do("printer", {"name": "a", "url": "tcp://10.0.0.9:99999", **paper}))[1][
            "ok"
        ] is False
        assert path.read_text("utf-8") == before
        assert (await staff.do("printer-drop", {"name": "gone"}))[1]["ok"] is False
        assert (await staff.do("printer-drop", {"name": "old"}))[1]["restart"] is True
        assert load(path).value.printers == {}
        assert "# the pins" in path.read_text("utf-8")
        assert "现在重启" in await staff.page(path="/staff/devices")


async def test_a_clerk_and_a_kiosk_without_a_file_set_up_no_printer(alone: Rig) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        staff = Staff(alone, browser)
        await staff.sign_in()
        assert "没有使用 kiosk.toml" in await staff.page(path="/staff/printer")
        told = (
            await staff.do("printer", {"name": "a", "url": "tcp://10.0.0.9:9100", "profile": "generic-58"})
        )[1]
        assert told["ok"] is False


async def test_one_that_is_plugged_in_is_offered_and_a_cloud_printer_goes_through_the_hub(
    kiosk: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = Found("printer", "58 mm slip printer (POS58)", "lp:///dev/usb/lp0", True, "lp", "")
    line = Found("serial", "serial line of the board", "serial:///dev/ttyAMA0", False, "tty", "")
    monkeypatch.setattr(kiosk.daemon.fittings.hot_plug, "found", [found, line])
    services = kiosk.daemon.server._runner.app[SERVICES]  # type: ignore[union-attr]
    object.__setattr__(services, "config", tmp_path / "kiosk.toml")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        staff = Staff(kiosk, browser)
        await staff.sign_in()
        page = await staff.page(path="/staff/printer")
        assert 'name="found" value="lp:///dev/usb/lp0"' in page
        assert 'value="hub+feie"' in page
        devices = await staff.page(path="/staff/devices")
        assert "板载串口" in devices
        assert "serial line of the board" not in devices
        ask = {"url": "hub+feie://920000001", "profile": "generic-58"}
        _, told = await staff.do("printer-try", ask)
        assert told["ok"] is False, "the hub has no account"
        assert await kiosk.daemon.journal.jobs() == []


@pytest.mark.parametrize("text", ['printers = { a = { url = "tcp://10.0.0.1:9100" } }\n', "[[printers]]\n"])
def test_a_file_written_in_another_way_is_left_alone(tmp_path: Path, text: str) -> None:
    from kiosk.config import ConfigError

    path = tmp_path / "kiosk.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError):
        toml_edit.change(path, {("printers.b", "url"): "tcp://10.0.0.2:9100"}, ("printers.a",))
    assert path.read_text("utf-8") == text


async def test_the_search_ends_in_time_where_nobody_answers() -> None:
    async with asyncio.timeout(20):
        assert await finder.answering([f"127.9.9.{n}" for n in range(1, 200)], 1) == []
