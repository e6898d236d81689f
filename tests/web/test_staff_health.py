"""Every finding of the doctor: what is wrong, what is at risk, and a button that does something about it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kiosk.health import checks
from kiosk.health.model import Finding, told
from kiosk.web.staff import CLERK, MANAGER
from kiosk.web.staff.devices import NOTES, RISKS
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]
NAMES = sorted({check.__module__.rpartition(".")[2] for check in checks.CHECKS})


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_each_has_a_cause_a_risk_and_a_button(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    gatherer = staff.kiosk.daemon.server._runner.app[_services()].gatherer  # type: ignore[union-attr]
    lights = (await gatherer.examine())[1]

    async def all_of_them() -> Any:
        found = [
            Finding(n, "error", told("No hub is configured."), told("Connect the kiosk to the hub."))
            for n in NAMES
        ]
        return tuple(found), lights

    monkeypatch.setattr(gatherer, "examine", all_of_them)
    page = await staff.page(language, path="/staff/devices")
    articles = re.findall(r'<article class="finding.*?</article>', page, re.DOTALL)
    assert len(articles) == len(NAMES)
    for article in articles:
        assert article.count("<p>") == 3, article
        button = re.search(r'(?:href|data-post)="/staff/([a-z.-]+)', article)
        assert button is not None, article
        assert button[1] in {*CLERK, *MANAGER, "records", "settings", "diagnostics.zip"}, article
    assert set(NAMES) <= set(RISKS)


def _services() -> Any:
    from kiosk.web.services import SERVICES

    return SERVICES


async def test_checking_again_says_what_is_still_so(staff: Staff) -> None:
    assert (await staff.do("examine"))[1] == {"ok": True, "message": "一切正常。"}
    hub = staff.kiosk.hub
    assert hub is not None
    await hub.stop()
    await staff.kiosk.view(lambda v: v["status"]["hub"] == "offline")
    told_ = (await staff.do("examine"))[1]
    assert (told_["ok"], told_["message"].startswith("仍未解决：云端")) == (False, True), told_


async def test_made_files_are_swept_and_can_be_made_again(staff: Staff) -> None:
    _, made = await staff.do("poster", {"template": "sticker-80"})
    assert (await staff.do("sweep"))[1]["ok"] is True
    async with staff.browser.get(staff.kiosk.url + made["pdf"]) as answer:
        assert answer.status == 404
    assert (await staff.do("sweep"))[1]["ok"] is False
    _, again = await staff.do("poster", {"template": "sticker-80"})
    async with staff.browser.get(staff.kiosk.url + again["pdf"]) as answer:
        assert answer.status == 200


def test_what_discovery_says_of_a_device_is_said_in_chinese_too() -> None:
    from kiosk.counter.words import counter_texts
    from kiosk.hardware import discovery, table

    said = {discovery.CONSOLE, discovery.UART, discovery.TYPES, discovery.NOT_YET, table.BRIDGE, table.POS}
    assert said <= set(NOTES)
    chinese = counter_texts("zh_CN")
    assert [n for n in NOTES if chinese(n) == n] == []
