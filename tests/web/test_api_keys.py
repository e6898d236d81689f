"""Idempotency keys: asked twice, done once; across lost answers, double clicks and restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kiosk.web.api.keys import HEADER, Keys
from tests.web.rig import CAPPED, SLIP, Rig, rig
from tests.web.test_api_callers import made, owner

GIVE = f"/api/v1/batches/{SLIP}/hand-out"


def key(text: str) -> dict[str, dict[str, str]]:
    return {"headers": {HEADER: text}}


async def coupons(kiosk: Rig) -> int:
    return len([j for j in await kiosk.daemon.journal.jobs() if j.kind == "coupon"])


async def test_a_slip_asked_for_twice_is_printed_once(kiosk: Rig) -> None:
    first = await kiosk.post(GIVE, {"n": 2}, **key("a"))
    assert (first[1]["outcome"], first[1]["printed"]) == ("printed", 2)
    async with kiosk.http.post(kiosk.url + GIVE, json={"n": 2}, **key("a")) as answer:  # type: ignore[arg-type]
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert await answer.json() == first[1]
    assert await coupons(kiosk) == 2
    await kiosk.post(GIVE, {"n": 1}, **key("b"))
    assert await coupons(kiosk) == 3


async def test_two_at_once_are_one(kiosk: Rig) -> None:
    both = await asyncio.gather(*(kiosk.post(GIVE, {}, **key("click")) for _ in range(5)))
    assert {told["rids"][0] for _, told in both} == {both[0][1]["rids"][0]}
    assert await coupons(kiosk) == 1


async def test_the_same_key_for_something_else_is_refused_by_name(kiosk: Rig) -> None:
    await kiosk.post(GIVE, {"n": 1}, **key("a"))
    for path, body in ((GIVE, {"n": 2}), ("/api/v1/slips/day", {})):
        status, told = await kiosk.post(path, body, **key("a"))
        assert (status, told["error"]) == (422, "key_reused"), path
    assert (await kiosk.post(GIVE, {}, **key("a")))[0] == 200, "the same asked in other words"
    assert await coupons(kiosk) == 1


async def test_keys_and_numbers_of_two_callers_have_nothing_to_do_with_each_other(kiosk: Rig) -> None:
    tills = [await made(kiosk, "redeem", "print", name=f"till {n}") for n in range(2)]
    for caller in ({}, owner(kiosk), *tills):
        answer = await kiosk.post(GIVE, {}, headers={**caller, HEADER: "a"})
        assert answer[1]["outcome"] == "printed", caller
    assert await coupons(kiosk) == 4
    rids = set()
    for caller in ({}, owner(kiosk), *tills):
        body = {"code": await kiosk.issue(CAPPED), "total": 1000, "request_no": "order-1"}
        told = [await kiosk.post("/api/v1/redeem", body, headers=caller) for _ in range(2)]
        assert told[0] == told[1]
        assert told[0][1]["verdict"] == "confirmed", "another caller's answer is not this one's"
        rids.add(told[0][1]["rid"])
    assert len(rids) == 4


async def test_the_answer_outlives_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        first = await kiosk.post("/api/v1/slips/day", **key("day"))
        assert first[1]["outcome"] == "printed"
    async with rig(tmp_path, hub=False) as kiosk:
        assert await kiosk.post("/api/v1/slips/day", **key("day")) == first
        assert len(await kiosk.daemon.journal.jobs()) == 1


async def _interrupt(kiosk: Rig, text: str) -> None:
    """Leave a key as a power cut in the middle of its request would."""
    query = "UPDATE answer SET status = NULL, body = '' WHERE key = ?"
    await kiosk.daemon.journal._db.run(lambda db: db.execute(query, (text,)).close())


async def test_what_a_power_cut_interrupted_is_not_done_again_by_itself(kiosk: Rig) -> None:
    await kiosk.post(GIVE, {}, **key("a"))
    await _interrupt(kiosk, "a")
    status, told = await kiosk.post(GIVE, {}, **key("a"))
    assert (status, told["error"]) == (409, "outcome_unknown")
    assert await coupons(kiosk) == 1


async def test_a_redemption_that_was_interrupted_is_found_by_its_key(kiosk: Rig) -> None:
    ask = {"code": await kiosk.issue(CAPPED), "total": 1000}
    _, first = await kiosk.post("/api/v1/redeem", ask, **key("sale 17".replace(" ", "-")))
    assert first["verdict"] == "confirmed"
    await _interrupt(kiosk, "sale-17")
    _, again = await kiosk.post("/api/v1/redeem", ask, **key("sale-17"))
    assert (again["verdict"], again["rid"]) == ("confirmed", first["rid"])
    _, other = await kiosk.post("/api/v1/redeem", ask)
    assert other["reason"] == "used", "without the key it is another request"


async def test_a_request_that_was_refused_leaves_its_key_free(kiosk: Rig) -> None:
    wrong = await kiosk.post("/api/v1/batches/nix/hand-out", {}, **key("a"))
    assert (wrong[0], wrong[1]["error"]) == (404, "unknown_batch")
    assert (await kiosk.post(GIVE, {}, **key("a")))[1]["printed"] == 1


async def test_keys_of_two_programs_are_two(kiosk: Rig) -> None:
    first, second = await made(kiosk, "print"), await made(kiosk, "print", name="till 2")
    told = [(await kiosk.post(GIVE, {}, headers={**h, HEADER: "1"}))[1]["rids"] for h in (first, second)]
    assert told[0] != told[1]


async def test_a_token_is_shown_once(alone: Rig) -> None:
    ask = {"name": "till 1", "scopes": ["read"]}
    headers = {**owner(alone), HEADER: "t"}
    _, told = await alone.post("/api/v1/tokens", ask, headers=headers)
    status, again = await alone.post("/api/v1/tokens", ask, headers=headers)
    assert (status, again["error"]) == (409, "shown_once")
    assert len(await alone.daemon.journal.clients()) == 1
    kept = await alone.daemon.journal._db.read(
        lambda db: [tuple(r) for r in db.execute("SELECT * FROM answer")]
    )
    assert told["token"].rpartition("_")[2] not in str(kept)


@pytest.mark.parametrize("path", ["/api/v1/redeem", "/api/v1/look"])
async def test_a_payment_code_leaves_nothing_not_even_a_digest(alone: Rig, path: str) -> None:
    """A digest under a key that lies beside it is found by trying: 10 digits of such a code are a time and a user."""
    reasons = {"1300-1234-5678-9012-34": "payment_code", "]Q1130012345678901234": "unreadable"}
    for code, reason in reasons.items():
        for _ in range(2):
            status, told = await alone.post(path, {"code": code}, **key("pay"))
            assert (status, told.get("reason", reason)) == (200, reason)
    kept = await alone.daemon.journal._db.read(
        lambda db: [
            tuple(r) for name in ("answer", "attempt", "item") for r in db.execute(f"SELECT * FROM {name}")
        ]
    )
    assert kept == []
    assert (await alone.post(path, {"code": "MEMBER_2026-11"}, **key("pay")))[0] == 200, (
        "the key is still free"
    )
    assert await _digest_of(alone, "pay")


async def test_a_pin_leaves_nothing_that_is_cheap_to_guess(alone: Rig) -> None:
    ask = {"name": "小李", "role": "clerk", "pin": "2468"}
    headers = {**owner(alone), HEADER: "p"}
    assert (await alone.post("/api/v1/people", ask, headers=headers))[0] == 200
    kept = await _digest_of(alone, "p")
    door = _door(alone)
    cheap = {door.mark(raw) for raw in _bodies("2468")}
    assert kept not in cheap
    assert (await alone.post("/api/v1/people", {**ask, "pin": "8642"}, headers=headers))[1][
        "error"
    ] == "key_reused"
    assert (await alone.post("/api/v1/people", ask, headers=headers))[0] == 200


def _bodies(pin: str) -> list[bytes]:
    """Return what is digested of a request, for every body of that form."""
    import msgspec

    from kiosk.counter.roll import PersonAsk

    return [msgspec.json.encode(("/api/v1/people", None, PersonAsk("小李", "clerk", "", pin)))]


async def _digest_of(kiosk: Rig, text: str) -> str:
    query = "SELECT digest FROM answer WHERE key = ?"
    found: str = await kiosk.daemon.journal._db.read(lambda db: db.execute(query, (text,)).fetchone()[0])
    return found


def _door(kiosk: Rig) -> Any:
    from kiosk.web.services import SERVICES

    runner = kiosk.daemon.server._runner
    assert runner is not None
    return runner.app[SERVICES].door


async def test_what_is_digested_is_what_was_asked(alone: Rig) -> None:
    """Else the test above would compare with something that is never kept."""
    await alone.post("/api/v1/printing/hold", {}, **key("h"))
    door = _door(alone)
    assert await _digest_of(alone, "h") == door.mark(b'["/api/v1/printing/hold",null,{}]')
    assert not Keys()._busy
