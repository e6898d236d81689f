from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kiosk.coupons.machine import SHUT_OUT
from kiosk.events import HubLost, HubReached
from kiosk.sync.protocol import Answer
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import BAD_GATEWAY, PORTAL, Fault, Proxy, answer
from tests.sync.shop import Kiosk, Shop, batch, until

REDEEM = "/v1/device/redeem"
EVERYTHING = "/v1/device"
SHORT_MS = 400
UNAVAILABLE = answer(
    "503 Service Unavailable", '{"error":"unavailable","message":"no database"}', kind="application/json"
)


async def brisk(shop: Shop, kiosk: Kiosk, policy: str = "never") -> str:
    """Return a coupon of a batch that waits 0.4 s for the hub; load and issue it once."""
    await shop.load(batch(f"BRISK-{policy}", policy, deadline_ms=SHORT_MS))
    [held] = await shop.issue(f"BRISK-{policy}")

    async def known() -> bool:
        return await kiosk.journal.batch(f"BRISK-{policy}") is not None

    await until(known, "the batch has come down")
    return held.code


async def test_a_lost_answer_is_voided_and_the_use_is_free_again(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    code = await brisk(shop, kiosk)
    proxy.next(REDEEM, Fault(silent=True))
    told = await kiosk.redeem(code)
    assert (told.verdict, told.reason) == ("refused", "hub_away")
    [attempt] = await shop.attempts()
    assert attempt.rid == told.rid, "the hub had approved it"
    await kiosk.synced()
    assert (await shop.attempts())[0].state == "void"
    assert await shop.uses(attempt.coupon) == 0
    assert (await kiosk.redeem(code)).verdict == "confirmed"


async def test_a_request_that_arrives_after_its_void_never_takes_effect(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    code = await brisk(shop, kiosk)
    proxy.next(REDEEM, Fault(later=True))
    told = await kiosk.redeem(code)
    assert told.verdict == "refused"
    await kiosk.synced()
    assert [a.state for a in await shop.attempts()] == ["void"]
    [late] = await proxy.deliver()
    late_answer = msgspec.json.decode(late.partition(b"\r\n\r\n")[2], type=Answer)
    assert (late_answer.rid, late_answer.status) == (told.rid, "voided")
    assert (await kiosk.redeem(code)).verdict == "confirmed"
    states = sorted(a.state for a in await shop.attempts())
    assert states[-1] == "void"
    assert len(states) == 2


@pytest.mark.parametrize("name", ["cut", "half an answer"])
async def test_a_connection_that_breaks_under_the_request_costs_no_verdict(
    name: str, shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    """The hub, or a proxy, closes an idle connection just as the request is sent on it."""
    [held] = await shop.issue("NEVER")
    await kiosk.synced()
    proxy.next(REDEEM, Fault(cut_answer=0 if name == "cut" else 250))
    told = await kiosk.redeem(held.code)
    assert told.verdict == "confirmed"
    rids = {s.raw.partition(b'"rid":"')[2][:24] for s in proxy.seen if s.path == REDEEM}
    assert (proxy.count(REDEEM), len(rids)) == (2, 1), "asked again with the same rid"
    assert await shop.uses(held.coupon) == 1
    assert not kiosk.reach.away


@pytest.mark.parametrize(
    "fault", [BAD_GATEWAY, UNAVAILABLE, PORTAL], ids=["a proxy's 502", "the hub's 503", "a captive portal"]
)
async def test_what_is_no_decision_is_silence(fault: Fault, shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    capped, never = (await shop.issue("CAPPED"))[0], (await shop.issue("NEVER"))[0]
    await kiosk.synced()
    proxy.always[EVERYTHING] = fault
    assert (await kiosk.redeem(never.code)).reason == "hub_away"
    assert kiosk.reach.away
    assert (await kiosk.redeem(capped.code)).verdict == "offline"
    proxy.always.clear()
    await kiosk.synced()
    assert await shop.uses(capped.coupon) == 1
    assert await shop.uses(never.coupon) == 0


async def test_a_kiosk_that_is_shut_out_at_a_question_decides_nothing_alone_from_then_on(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    """The hub says so at the first question; a held wake-up may tell it up to 55 s later."""
    held = await shop.issue("CAPPED", 2)
    await kiosk.synced()
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", datetime.now(UTC))
    told = await kiosk.redeem(held[0].code)
    assert (told.verdict, told.reason) == ("refused", "shut_out")
    await proxy.down()
    assert (await kiosk.redeem(held[1].code)).reason == "shut_out", "the cable is pulled right after"
    await proxy.up()
    await until(lambda: kiosk.sync.state == "revoked", "sync has heard of it")
    assert [await shop.uses(h.coupon) for h in held] == [0, 0]
    assert [a.state for a in await shop.attempts() if a.state in ("recorded", "conflict")] == []


@pytest.mark.parametrize("error", ["revoked", "pending", "unknown_device", "bad_signature"])
async def test_whatever_the_hub_says_of_the_kiosk_itself_ends_its_rights_until_it_is_let_in(
    error: str, shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    held = await shop.issue("CAPPED", 2)
    await kiosk.synced()
    refusal = answer("403 Forbidden", f'{{"error":"{error}","message":"no"}}', kind="application/json")
    proxy.next(REDEEM, refusal)
    assert (await kiosk.redeem(held[0].code)).reason == "shut_out"

    async def reconciled() -> bool:
        return await kiosk.journal.get("unreconciled") is None

    await until(reconciled, "the hub is asked at once, and lets it in all the same")
    assert (await kiosk.redeem(held[1].code)).verdict == "confirmed"


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "409 Conflict", "413 Too Large", "429 Too Many Requests"]
)
async def test_what_the_hub_says_of_the_request_is_silence(
    status: str, shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    [held] = await shop.issue("CAPPED")
    await kiosk.synced()
    proxy.next(REDEEM, answer(status, '{"error":"odd","message":"no"}', kind="application/json"))
    assert (await kiosk.redeem(held.code)).verdict == "offline"


async def test_what_the_hub_says_of_the_kiosk_outlives_an_older_answer_that_is_under_way(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kiosk.sync.stop()
    await kiosk.client.start()
    await kiosk.journal.put("unreconciled", "1")
    learn = kiosk.journal.learn_uses

    async def shut_out_meanwhile(items: Any) -> None:
        await learn(items)
        await kiosk.journal.put("unreconciled", SHUT_OUT)

    monkeypatch.setattr(kiosk.journal, "learn_uses", shut_out_meanwhile)
    await kiosk.sync._exchange.reconcile()
    assert await kiosk.journal.get("unreconciled") == SHUT_OUT
    await kiosk.sync._exchange.reconcile()
    assert await kiosk.journal.get("unreconciled") is None, "asked again, and let in"


async def test_an_answer_to_another_question_is_silence(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    one, two = await shop.issue("NEVER", 2)
    await kiosk.synced()
    assert (await kiosk.redeem(one.code)).verdict == "confirmed"
    [first] = await shop.attempts(one.coupon)
    cached = answer(
        "200 OK",
        first.answer if isinstance(first.answer, str) else msgspec.json.encode(first.answer).decode(),
    )
    proxy.next(REDEEM, cached)
    assert (await kiosk.redeem(two.code)).reason == "hub_away"
    await kiosk.synced()
    assert await shop.uses(two.coupon) == 0


async def test_an_answer_that_comes_byte_by_byte_is_silence(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, hasty: None
) -> None:
    """Whoever drips must not hold a customer: the deadline is that of the whole answer."""
    code = await brisk(shop, kiosk)
    proxy.next(REDEEM, Fault(drip=True))
    told = await kiosk.redeem(code)
    assert (told.verdict, told.reason) == ("refused", "hub_away")
    assert kiosk.reach.away
    await kiosk.synced()
    assert [a.state for a in await shop.attempts()] == ["void"]
    assert (await kiosk.redeem(code)).verdict == "confirmed"


async def test_only_the_first_customer_of_an_outage_waits(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, hasty: None
) -> None:
    code = await brisk(shop, kiosk)
    await brisk(shop, kiosk, "capped")
    capped = await shop.issue("BRISK-capped", 3)
    await kiosk.synced()
    lost = []
    kiosk.bus.on(HubLost, lost.append)
    before = proxy.count(REDEEM)
    proxy.always[EVERYTHING] = Fault(lose=True)
    assert (await kiosk.redeem(code)).reason == "hub_away"
    assert len(lost) == 1
    for one in capped:
        assert (await kiosk.redeem(one.code)).verdict == "offline"
    assert (await kiosk.redeem(code)).reason == "hub_away"
    assert proxy.count(REDEEM) == before + 1, "nobody asked a hub that is known to be away"


async def test_a_probe_ends_the_outage(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    [held] = await shop.issue("NEVER")
    await kiosk.synced()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    reached = asyncio.Event()
    kiosk.bus.on(HubReached, lambda _: reached.set())
    assert (await kiosk.redeem(held.code)).reason == "hub_away"
    await proxy.up()
    async with asyncio.timeout(20):
        await reached.wait()
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"


async def test_a_silent_path_is_probed_on_a_fresh_connection(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, hasty: None
) -> None:
    """After a router forgot its connections the old ones are dead, and a new one works at once."""
    code = await brisk(shop, kiosk)
    old = kiosk.client._session
    proxy.next(REDEEM, Fault(lose=True))
    assert (await kiosk.redeem(code)).reason == "hub_away"
    assert kiosk.client._session is not old
    await kiosk.synced()
    assert (await kiosk.redeem(code)).verdict == "confirmed"


async def test_a_held_request_that_a_proxy_cuts_is_no_outage(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    proxy.always["/v1/device/wake"] = Fault(cut_answer=0)
    lost = []
    kiosk = await make(start=False)
    kiosk.bus.on(HubLost, lost.append)
    await kiosk.start()
    await shop.load(batch("NEW", "never"))

    async def known() -> bool:
        return await kiosk.journal.batch("NEW") is not None

    await until(known, "changes come down all the same")
    assert lost == []


async def test_a_stop_in_the_middle_of_a_question_leaves_no_use_behind(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosk = await make()
    [held] = await shop.issue("NEVER")
    await kiosk.synced()
    proxy.next(REDEEM, Fault(silent=True))
    task = asyncio.create_task(kiosk.redeem(held.code))

    async def approved() -> bool:
        return await shop.uses(held.coupon) == 1

    await until(approved, "the hub has approved")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await kiosk.stop()
    again = await make(start=False)
    await again.start()
    assert await shop.uses(held.coupon) == 0
    assert (await again.redeem(held.code)).verdict == "confirmed"
