"""/api/v1: what commands, tills and scripts ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.rig import CAPPED, SLIP, Rig, settled
from tests.web.test_api_callers import owner


async def test_redeem_answers_in_the_words_of_the_interface(kiosk: Rig) -> None:
    code = await kiosk.issue(SLIP)
    status, told = await kiosk.post("/api/v1/redeem", {"code": code, "total": 2500, "request_no": "T1"})
    assert status == 200
    assert {
        "rid",
        "verdict",
        "reason",
        "batch",
        "first_use",
        "threshold",
        "discount",
        "goods_tag",
    } <= told.keys()
    assert (told["verdict"], told["batch"], told["threshold"], told["discount"]) == (
        "confirmed",
        SLIP,
        "met",
        300,
    )
    _, again = await kiosk.post("/api/v1/redeem", {"code": code, "total": 2500, "request_no": "T1"})
    assert (again["verdict"], again["rid"]) == ("confirmed", told["rid"]), "the same number, the same answer"
    _, other = await kiosk.post("/api/v1/redeem", {"code": code})
    assert (other["verdict"], other["reason"]) == ("refused", "used")
    assert other["first_use"]["store"] == "科技园南区店"


async def test_a_till_may_number_its_requests_as_its_orders_at_wechat(kiosk: Rig) -> None:
    ask = {"code": await kiosk.issue(SLIP), "total": 2500, "request_no": "T_01-20261125|7*@" + "9" * 15}
    status, told = await kiosk.post("/api/v1/redeem", ask)
    assert (status, told["verdict"]) == (200, "confirmed")
    assert (await kiosk.post("/api/v1/redeem", ask))[1]["rid"] == told["rid"]
    assert (await kiosk.post("/api/v1/redeem", {**ask, "request_no": ask["request_no"] + "9"}))[0] == 400


async def test_below_the_threshold_is_refused_and_the_coupon_stays_valid(kiosk: Rig) -> None:
    code = await kiosk.issue(CAPPED)
    _, told = await kiosk.post("/api/v1/redeem", {"code": code, "total": 999})
    assert (told["verdict"], told["reason"], told["threshold"]) == ("refused", "below_threshold", "not met")
    _, told = await kiosk.post("/api/v1/redeem", {"code": code, "total": 1000})
    assert told["verdict"] == "confirmed"


async def test_rollback_frees_the_use(kiosk: Rig) -> None:
    code = await kiosk.issue(SLIP)
    _, told = await kiosk.post("/api/v1/redeem", {"code": code})
    for ok in (True, False):
        undone = await kiosk.post("/api/v1/rollback", {"rid": told["rid"]}, headers=owner(kiosk))
        assert undone[1]["ok"] is ok
    await settled(kiosk)
    _, again = await kiosk.post("/api/v1/redeem", {"code": code})
    assert again["verdict"] == "confirmed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"code": 5}',
        b'{"code": ""}',
        b'{"code": "A", "total": -1}',
        b'{"code": "A", "total": 1.5}',
        b'{"code": "A", "request_no": "a b"}',
        b'{"code": "A", "goods": [{"id": 1}]}',
        b"\xff\xfe",
        b'{"code": "' + b"A" * 3000 + b'"}',
    ],
)
async def test_a_bad_request_gets_one_sentence(alone: Rig, body: bytes) -> None:
    async with alone.http.post(
        alone.url + "/api/v1/redeem", data=body, headers={"Content-Type": "application/json"}
    ) as answer:
        told = json.loads(await answer.read())
    assert answer.status == 400
    assert told["error"] == "bad_request"
    assert told["message"].endswith(".")
    assert "Traceback" not in told["message"]


async def test_too_large_is_refused(alone: Rig) -> None:
    async with alone.http.post(
        alone.url + "/api/v1/redeem", data=b" " * 200_000, headers={"Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 413
        assert (await answer.json())["message"]


async def test_unknown_paths_and_methods_answer_json(alone: Rig) -> None:
    assert (await alone.get("/api/v1/nothing"))[0] == 404
    status, told = await alone.post("/api/v1/status")
    assert (status, told["error"]) == (405, "method_not_allowed")


async def test_status_doctor_devices_and_printers(kiosk: Rig) -> None:
    _, status = await kiosk.get("/api/v1/status")
    assert set(status["lights"]) == {"reachable", "in_sync", "service", "up_to_date"}
    assert all(light["state"] == "ok" for light in status["lights"].values()), status
    assert (await kiosk.get("/api/v1/doctor"))[1]["findings"] == []
    kinds = {d["kind"] for d in (await kiosk.get("/api/v1/devices"))[1]["devices"]}
    assert {"button", "lights", "buzzer", "scanner", "display"} <= kinds
    printers = (await kiosk.get("/api/v1/printers"))[1]["printers"]
    assert [(p["name"], p["state"]) for p in printers] == [("paper", "ok")]


async def test_the_self_test_prints_and_an_unknown_printer_is_named(kiosk: Rig) -> None:
    assert (await kiosk.post("/api/v1/printers/paper/test"))[1]["outcome"] == "printed"
    status, told = await kiosk.post("/api/v1/printers/nix/test")
    assert status == 404
    assert "paper" in told["message"]


async def test_the_journal_is_exported_in_pages_and_verified(
    kiosk: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.web.api.records.PAGE", 2)
    for _ in range(3):
        await kiosk.post("/api/v1/redeem", {"code": await kiosk.issue(SLIP)})
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        _, page = await kiosk.get("/api/v1/journal", params={"after": after})
        assert len(page["rows"]) <= 2
        rows += page["rows"]
        if not (after := page["after"]):
            break
    assert [r["kind"] for r in rows].count("redeem_record") == 3
    assert [r["seq"] for r in rows] == sorted({r["seq"] for r in rows})
    assert (await kiosk.get("/api/v1/journal/verify"))[1] == {
        "ok": True,
        "rows": len(rows),
        "first_bad": None,
    }
    assert (await kiosk.get("/api/v1/journal", params={"from": "yesterday"}))[0] == 400
    assert (await kiosk.get("/api/v1/journal", params={"to": "2020-01-01T00:00:00+08:00"}))[1]["rows"] == []
    ends = {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}
    assert (await kiosk.get("/api/v1/journal", params=ends))[1] == (await kiosk.get("/api/v1/journal"))[1]


async def test_settings_hide_secrets_and_openapi_names_every_route(kiosk: Rig) -> None:
    _, settings = await kiosk.get("/api/v1/settings")
    assert settings["web"]["pin"] == "(set)"
    _, doc = await kiosk.get("/api/v1/openapi.json")
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in kiosk.daemon.server._runner.app.router.routes()  # type: ignore[union-attr]
        if route.resource
        and route.resource.canonical.startswith("/api/v1/")
        and route.method in ("GET", "POST")
    }
    told = {(method, path) for path, ops in doc["paths"].items() for method in ops}
    assert routes - {("get", "/api/v1/openapi.json")} <= told, routes - told


async def test_metrics_and_health(kiosk: Rig) -> None:
    _, text = await kiosk.get("/metrics")
    assert "kiosk_hub_reachable 1.0" in text
    assert "kiosk_pool_left 200.0" in text
    assert (await kiosk.get("/healthz"))[1]["ok"] is True
