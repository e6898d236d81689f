"""The counter page's views: what is told, when, and what it proves."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.hardware.signals import Held
from tests.web.rig import CAPPED, NEVER, PAUSED, SLIP, Rig, eventually, rig


async def test_the_view_names_shop_code_and_running_batches(kiosk: Rig) -> None:
    _, view = await kiosk.get("/api/v1/counter")
    assert kiosk.hub is not None
    assert view["link"] == f"{kiosk.hub.url}/c/kjy-south"
    shown = {b["stock_id"]: b for b in view["batches"]}
    assert PAUSED not in shown
    assert SLIP not in shown, "slips are for the button, not for the code"
    assert (shown[CAPPED]["offer"], shown[CAPPED]["left"], shown[CAPPED]["value"]) == ("满10减1", 3000, 100)
    assert view["slip"]["text"].endswith("满20减3")


async def test_a_batch_paused_at_the_hub_leaves_the_page(kiosk: Rig) -> None:
    assert kiosk.hub is not None
    parts = kiosk.hub.parts
    assert parts is not None
    await parts.database.run(parts.catalog.set_status, CAPPED, "paused")
    view = await kiosk.view(lambda v: CAPPED not in {b["stock_id"] for b in v["batches"]})
    assert view["batches"], "the others stay"


async def test_a_claim_raises_the_count_on_the_page(kiosk: Rig) -> None:
    await kiosk.issue(NEVER)
    view = await kiosk.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == NEVER)["claimed"] == 1)
    assert next(b for b in view["batches"] if b["stock_id"] == NEVER)["left"] == 299


async def test_a_slip_is_printed_redeemed_once_and_refused_the_second_time(kiosk: Rig) -> None:
    kiosk.daemon.bench.press()
    assert (await kiosk.outcome("printed"))["title"] == "请取走您的优惠券"
    code = await kiosk.issue(SLIP)
    kiosk.daemon.bench.scan("till", code)
    first = await kiosk.outcome("confirmed")
    assert (first["title"], first["hint"]) == ("云端已确认", "满20元可用，请核对")
    assert kiosk.daemon.bench.lights["colour"] == "green"
    assert kiosk.daemon.bench.sounds[-1] == ".."
    kiosk.daemon.bench.scan("till", code)
    again = await kiosk.outcome("refused")
    assert "科技园南区店" in again["detail"]
    assert kiosk.daemon.bench.lights["colour"] == "red"


async def test_presses_during_a_print_are_answered_not_queued(tmp_path: Path) -> None:
    async with rig(tmp_path, printer=True) as kiosk:
        assert kiosk.printer is not None
        kiosk.printer.set_fault("slow")
        for _ in range(5):
            kiosk.daemon.bench.press()
        await kiosk.outcome("printed")
        jobs = await kiosk.daemon.journal.jobs()
        assert len(jobs) == 1


async def test_who_asks_from_elsewhere_sees_the_page_and_no_count(kiosk: Rig) -> None:
    passed_on = {"X-Forwarded-For": "192.168.1.9"}
    status, view = await kiosk.get("/api/v1/counter", headers=passed_on)
    assert (status, view["status"]["code"]) == (200, None)
    assert view["batches"]
    assert not any({"claimed", "redeemed"} & set(ticket) for ticket in view["batches"])
    async with kiosk.http.get(kiosk.url + "/", headers=passed_on) as answer:
        assert "redeemed" not in await answer.text()
    async with kiosk.http.get(kiosk.url + "/api/v1/counter/events", headers=passed_on) as answer:
        async with asyncio.timeout(20):
            assert b"redeemed" not in await answer.content.readline()


async def test_without_the_hub_the_page_says_offline_and_the_batch_rules_decide(tmp_path: Path) -> None:
    async with rig(tmp_path) as kiosk:
        capped, never = await kiosk.issue(CAPPED), await kiosk.issue(NEVER)
        await kiosk.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == NEVER)["claimed"] == 1)
        assert kiosk.hub is not None
        await kiosk.hub.stop()
        await kiosk.view(lambda v: v["status"]["hub"] == "offline")
        kiosk.daemon.bench.scan("till", capped)
        assert (await kiosk.outcome("accepted"))["title"] == "已按规则本机受理"
        kiosk.daemon.bench.scan("till", never)
        assert (await kiosk.outcome("retry"))["reason"] == "hub_away"
        backlog = await kiosk.daemon.journal.backlog()
        assert backlog.count >= 2, "record and void wait for the hub"


async def test_proof_right_wrong_and_reload(kiosk: Rig) -> None:
    _, view = await kiosk.get("/api/v1/counter")
    right = "".join(view["qr"]["modules"])
    report = {"seq": view["seq"], "bits": right, "visible": True}
    good = {"state": "ok", "reload": view["reload"]}
    assert (await kiosk.post("/api/v1/counter/proof", {**report, "frame": 1}))[1] == good
    before = kiosk.daemon.clock.mono
    wrong = {**report, "bits": right[::-1]}
    told = (await kiosk.post("/api/v1/counter/proof", {**wrong, "frame": 2}))[1]
    assert told == good, "one may be on its way"
    kiosk.daemon.clock.mono = lambda: before() + 10  # type: ignore[method-assign]
    try:
        told = (await kiosk.post("/api/v1/counter/proof", {**wrong, "frame": 3}))[1]
        assert told["state"] == "wrong"
        _, doctor = await kiosk.get("/api/v1/doctor")
        assert ("page", "error") in {(f["name"], f["severity"]) for f in doctor["findings"]}
        await kiosk.view(lambda v: v["reload"] == view["reload"] + 1)
        kiosk.daemon.clock.mono = lambda: before() + 60  # type: ignore[method-assign]
        assert (await kiosk.get("/api/v1/status"))[1]["page"] == "stale"
    finally:
        kiosk.daemon.clock.mono = before  # type: ignore[method-assign]


async def test_a_keeper_is_told_to_restart_what_hangs(kiosk: Rig) -> None:
    await kiosk.post("/api/v1/counter/proof", {"seq": 1, "bits": "1", "frame": 1, "visible": False})
    told: list[str] = []
    mono, ahead = kiosk.daemon.clock.mono, 0.0
    kiosk.daemon.clock.mono = lambda: mono() + ahead  # type: ignore[method-assign]
    try:
        for _ in range(40):
            ahead += 5
            told.append((await kiosk.post("/api/v1/counter/screen", {"connector": "on"}))[1]["do"])
            await kiosk.daemon.watch.look()  # type: ignore[union-attr]
    finally:
        kiosk.daemon.clock.mono = mono  # type: ignore[method-assign]
    assert [t for t in told if t] == ["browser", "compositor"]
    elsewhere = {"X-Forwarded-For": "192.168.1.9"}
    assert (await kiosk.post("/api/v1/counter/screen", {"connector": "on"}, headers=elsewhere))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Host": "evil.example:8080"},
        {"X-Forwarded-For": "192.168.1.9"},
    ],
    ids=["another site", "a frame without origin", "a name that leads here", "through a proxy"],
)
async def test_nobody_elsewhere_proves_the_counter_page(kiosk: Rig, headers: dict[str, str]) -> None:
    _, view = await kiosk.get("/api/v1/counter")
    right = {"seq": view["seq"], "bits": "".join(view["qr"]["modules"]), "frame": 1, "visible": True}
    for path, body in (("proof", right), ("screen", {"connector": "on", "page": "theirs"})):
        status, _ = await kiosk.post(f"/api/v1/counter/{path}", body, headers=headers)
        assert status == (421 if "Host" in headers else 403), path
    assert kiosk.daemon.glass.state() == "none"  # type: ignore[union-attr]
    assert not kiosk.daemon.watch.has_keeper  # type: ignore[union-attr]
    form = {"Content-Type": "text/plain"}  # what a page may send anywhere without being asked first
    async with kiosk.http.post(
        f"{kiosk.url}/api/v1/counter/proof", data=json.dumps(right), headers={**form, **headers}
    ) as answer:
        assert answer.status in (403, 415, 421)
    assert kiosk.daemon.glass.state() == "none"  # type: ignore[union-attr]


async def test_a_frozen_page_is_stale_even_if_it_reports(kiosk: Rig) -> None:
    _, view = await kiosk.get("/api/v1/counter")
    report = {"seq": view["seq"], "bits": "".join(view["qr"]["modules"]), "frame": 7, "visible": True}
    await kiosk.post("/api/v1/counter/proof", report)
    before = kiosk.daemon.clock.mono
    kiosk.daemon.clock.mono = lambda: before() + 25  # type: ignore[method-assign]
    try:
        assert (await kiosk.post("/api/v1/counter/proof", report))[1]["state"] == "stale"
    finally:
        kiosk.daemon.clock.mono = before  # type: ignore[method-assign]


async def test_the_stream_ends_at_once_when_the_kiosk_stops(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        async with kiosk.http.get(kiosk.url + "/api/v1/counter/events") as answer:
            await answer.content.readline()
            stopping = asyncio.create_task(kiosk.daemon.stop())
            async with asyncio.timeout(10):
                while await answer.content.readline():
                    pass
            await stopping


async def test_the_small_display_follows(kiosk: Rig) -> None:
    kiosk.daemon.bench.scan("till", "134567890123456789")
    await kiosk.outcome("refused")
    await eventually(lambda: "付款码" in "".join(kiosk.daemon.bench.displays["counter"]["lines"]))
    assert kiosk.daemon.bench.displays["counter"]["data"].endswith("/c/kjy-south")


async def test_a_payment_code_leaves_no_trace(kiosk: Rig, tmp_path: Path) -> None:
    code = "134567890123456789"
    kiosk.daemon.bench.scan("till", code)
    shown = await kiosk.outcome("refused")
    assert shown["reason"] == "payment_code"
    await kiosk.daemon.journal.put("mark", datetime.now(UTC).isoformat())
    for path in (tmp_path / "kiosk").rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes(), path


async def test_a_long_press_prints_how_the_kiosk_is(kiosk: Rig) -> None:
    kiosk.daemon.bus.publish(Held())
    await eventually(lambda: list((kiosk.daemon.data_dir / "slips").glob("*.png")))
    jobs = await kiosk.daemon.journal.jobs()
    assert [j.kind for j in jobs] == ["status"]
    assert kiosk.url in jobs[0].slip.decode()


async def test_a_kiosk_that_waits_for_approval_prints_its_code(kiosk: Rig) -> None:
    daemon = kiosk.daemon
    assert daemon.sync is not None
    token = {"Authorization": f"Bearer {(daemon.data_dir / 'local.token').read_text('ascii').strip()}"}
    status, told = await kiosk.post("/api/v1/slips/enrolment", headers=token)
    assert (status, told["error"]) == (409, "not_pending"), "this one is in"
    daemon.sync.state, daemon.sync.code = "pending", "K7M2Q9XA"
    status, told = await kiosk.post("/api/v1/slips/enrolment", headers=token)
    assert (status, told["outcome"]) == (200, "printed")
    daemon.bus.publish(Held())
    await eventually(lambda: len(list((daemon.data_dir / "slips").glob("*.png"))) == 2)
    jobs = await daemon.journal.jobs()
    assert [j.kind for j in jobs] == ["enrolment", "enrolment"]
    assert all("K7M2 Q9XA" in j.slip.decode() and "/admin" in j.slip.decode() for j in jobs)
