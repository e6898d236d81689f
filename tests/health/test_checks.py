"""Each check: a table of facts and what is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kiosk.health.checks import CHECKS, examine
from kiosk.health.lights import lights
from kiosk.health.model import Facts, PrinterFact

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WELL = Facts(
    now=NOW,
    hub_url="https://hub.example.test",
    enrolled="accepted",
    reachable="ok",
    last_sync=NOW,
    backlog=0,
    oldest=None,
    conflicts=0,
    clock_error_s=0.02,
    free_bytes=10**9,
    free_share=0.5,
    unclean_boots=0,
    recovered="",
    set_aside=(),
    printers=(PrinterFact("counter", "tcp://127.0.0.1:9100", "ok"),),
    devices_down=(),
    unknown_prints=0,
    pool_left=200,
    config_warnings=(),
    fallback_config=False,
    account_keys_here=False,
    page_proof="ok",
)
OUT = PrinterFact("counter", "tcp://127.0.0.1:9100", "out")
SPARE = PrinterFact("spare", "lp:///dev/usb/lp0", "ok")


def with_(**changes: Any) -> Facts:
    return msgspec.structs.replace(WELL, **changes)


def test_a_healthy_kiosk_has_nothing_to_report() -> None:
    assert examine(WELL) == ()
    assert {name: light.state for name, light in lights(WELL).items()} == dict.fromkeys(
        ("reachable", "in_sync", "service", "up_to_date"), "ok"
    )


@pytest.mark.parametrize(
    ("changes", "name", "severity"),
    [
        ({"hub_url": ""}, "hub", "info"),
        ({"enrolled": "pending"}, "hub", "warning"),
        ({"enrolled": "revoked"}, "hub", "error"),
        ({"reachable": "no"}, "hub", "warning"),
        ({"reachable": "no", "shut_out": True}, "hub", "error"),
        ({"backlog": 501}, "journal", "warning"),
        ({"backlog": 1, "oldest": NOW - timedelta(hours=2)}, "journal", "warning"),
        ({"conflicts": 1}, "journal", "warning"),
        ({"recovered": "The journal was damaged."}, "journal", "error"),
        ({"set_aside": ("/var/lib/kiosk/journal.damaged-1",)}, "damage", "warning"),
        ({"clock_error_s": None}, "clock", "warning"),
        ({"clock_error_s": 301.0}, "clock", "warning"),
        ({"free_bytes": 1024}, "disk", "error"),
        ({"free_share": 0.01}, "disk", "warning"),
        ({"printers": (OUT,)}, "printers", "error"),
        ({"printers": (OUT, SPARE)}, "printers", "warning"),
        ({"unknown_prints": 2}, "prints", "warning"),
        ({"pool_left": 3}, "prints", "warning"),
        ({"devices_down": ("till",)}, "devices", "warning"),
        ({"page_proof": "wrong"}, "page", "error"),
        ({"page_proof": "stale"}, "page", "warning"),
        ({"page_proof": "unseen"}, "page", "error"),
        ({"page_proof": "unplugged"}, "page", "error"),
        ({"page_proof": "dark"}, "page", "warning"),
        ({"account_keys_here": True}, "keys", "warning"),
        ({"account_keys_here": True, "hub_url": ""}, "keys", "info"),
        ({"not_open": "0.0.0.0:8443"}, "network", "warning"),
        ({"not_open": "127.0.0.1:8080"}, "network", "error"),
        ({"config_warnings": ("x",)}, "config", "warning"),
        ({"config_warnings": ("x",), "fallback_config": True}, "config", "error"),
    ],
)
def test_a_fault_is_named_with_its_remedy(changes: dict[str, Any], name: str, severity: str) -> None:
    found = {f.name: f for f in examine(with_(**changes))}
    assert found[name].severity == severity
    assert found[name].sentence.endswith((".", "x"))
    assert found[name].suggestion.endswith(".")


@pytest.mark.parametrize("state", ["out", "cover", "offline", "error", "nobody_answered", "something new"])
def test_each_state_of_a_printer_is_said_in_both_languages(state: str) -> None:
    bad = PrinterFact("counter", "tcp://127.0.0.1:9100", state)
    (finding,) = examine(with_(printers=(bad, SPARE)))
    for locale in ("en", "zh_CN"):
        told = finding.as_json(locale)
        assert "counter" in told["sentence"]
        assert "{" not in told["sentence"] + told["suggestion"]
    assert finding.as_json("zh_CN")["sentence"] != finding.as_json("en")["sentence"]


def test_several_bad_printers_are_one_finding_with_the_worst_first() -> None:
    cover = PrinterFact("front", "tcp://127.0.0.1:9101", "cover")
    (finding,) = examine(with_(printers=(cover, OUT, SPARE)))
    assert finding.sentence == "counter (front cover): out of paper."


def test_every_finding_and_light_is_said_in_chinese() -> None:
    odd = with_(
        hub_url="", conflicts=2, clock_error_s=None, free_bytes=1, unknown_prints=1, devices_down=("scanner till",),
        page_proof="wrong", account_keys_here=True, printers=(OUT,), set_aside=("journal.damaged-1",),
    )  # fmt: skip
    told = [f.as_json("zh_CN") for f in examine(odd)]
    assert len(told) == 10
    told += [f.as_json("zh_CN") for f in examine(with_(shut_out=True))]
    sentences = [t[key] for t in told for key in ("sentence", "suggestion")]
    sentences += [light.as_json("zh_CN")["detail"] for light in lights(odd).values()]
    assert [s for s in sentences if not any("一" <= c <= "鿿" for c in s)] == []


def test_the_worst_comes_first() -> None:
    found = examine(with_(pool_left=3, page_proof="wrong", hub_url=""))
    assert [f.severity for f in found] == ["error", "warning", "info"]


@pytest.mark.parametrize(
    ("changes", "light", "state"),
    [
        ({"reachable": "no"}, "reachable", "no"),
        ({"enrolled": "pending"}, "reachable", "no"),
        ({"hub_url": ""}, "reachable", "unknown"),
        ({"backlog": 501}, "in_sync", "no"),
        ({"backlog": 3}, "in_sync", "ok"),
        ({"printers": (OUT,)}, "service", "no"),
        ({"printers": (OUT, SPARE)}, "service", "ok"),
        ({"devices_down": ("till",)}, "service", "no"),
        ({"page_proof": "wrong"}, "service", "no"),
        ({"page_proof": "stale"}, "service", "unknown"),
        ({"page_proof": "none"}, "service", "ok"),
        ({"enrolled": "revoked"}, "reachable", "no"),
        ({"last_sync": None, "reachable": "no"}, "reachable", "no"),
        ({"backlog": 1, "oldest": NOW - timedelta(hours=2)}, "in_sync", "no"),
        ({"hub_url": ""}, "in_sync", "unknown"),
        ({"clock_error_s": None}, "up_to_date", "unknown"),
        ({"fallback_config": True, "config_warnings": ("x",)}, "up_to_date", "no"),
    ],
)
def test_a_light_never_says_fine_when_it_is_not(changes: dict[str, Any], light: str, state: str) -> None:
    assert lights(with_(**changes))[light].state == state


def test_each_check_is_one_file() -> None:
    assert len({check.__module__ for check in CHECKS}) == len(CHECKS)
