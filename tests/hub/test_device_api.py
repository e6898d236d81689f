"""/v1/device: who may speak, enrolment, feed, wake-ups, pool, limits; over real sockets."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from hub.parts import now
from hub.schema import devices, tokens
from hub.server import Hub
from hub.store import report
from kiosk.coupons.ids import new_rid
from kiosk.journal.upload import MAX_BYTES
from kiosk.sync import protocol as p

from .world import CAPPED, SLIP, Journal, Kiosk, encoded, issued, let_in, on_both, opened

REDEEM = "/v1/device/redeem"


def body(**more: Any) -> bytes:
    return json.dumps({"rid": new_rid(), "code": "ABC123", "store": "kjy-south", **more}).encode()


# -- signatures --


async def test_a_good_signature_is_let_through(kiosk: Kiosk) -> None:
    status, told = await kiosk.call("POST", "redeem", body())
    assert (status, told["status"], told["reason"]) == (200, "deny", "unknown_code")


@pytest.mark.parametrize("spoil", ["body", "path", "method", "signature", "other key", "nothing"])
async def test_a_bad_signature_is_refused(kiosk: Kiosk, spoil: str) -> None:
    raw = body()
    path = "/v1/device/changes?after=" if spoil == "method" else REDEEM
    headers = kiosk.headers("POST", path, raw)
    if spoil == "signature":
        headers["Kiosk-Signature"] = "A" * 86
    elif spoil == "other key":
        other = Kiosk(kiosk.url)
        headers["Kiosk-Signature"] = other.headers("POST", path, raw)["Kiosk-Signature"]
        await other.close()
    elif spoil == "nothing":
        headers = {}
    sent = body() if spoil == "body" else raw
    where = REDEEM + "?x=1" if spoil == "path" else path
    status, told = await kiosk.send("GET" if spoil == "method" else "POST", where, sent, headers)
    assert (status, told["error"]) == (401, "bad_signature")
    assert datetime.fromisoformat(told["server_time"]).tzinfo is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Kiosk-Time", "9" * 5000),
        ("Kiosk-Time", "-1"),
        ("Kiosk-Time", "１２"),
        ("Kiosk-Nonce", "short"),
        ("Kiosk-Nonce", "x" * 65),
        ("Kiosk-Signature", "é" * 86),
        ("Kiosk-Device", "k" * 300),
        ("Kiosk-Device", "é"),
    ],
)
async def test_odd_headers_are_refused(kiosk: Kiosk, name: str, value: str) -> None:
    raw = body()
    status, told = await kiosk.send("POST", REDEEM, raw, {**kiosk.headers("POST", REDEEM, raw), name: value})
    assert (status, told["error"]) == (401, "bad_signature")


@pytest.mark.parametrize("skew_s", [-330, 330, -3600, 3600, -(10**9)])
async def test_a_wrong_clock_is_told_the_time(kiosk: Kiosk, skew_s: int) -> None:
    raw = body()
    at = max(0, int(now().timestamp()) + skew_s)
    status, told = await kiosk.send("POST", REDEEM, raw, kiosk.headers("POST", REDEEM, raw, at))
    assert (status, told["error"]) == (401, "time")
    near = (270 if skew_s > 0 else -270) + int(now().timestamp())
    assert (await kiosk.send("POST", REDEEM, raw, kiosk.headers("POST", REDEEM, raw, near)))[0] == 200
    server = int(datetime.fromisoformat(told["server_time"]).timestamp())
    status, _ = await kiosk.send("POST", REDEEM, raw, kiosk.headers("POST", REDEEM, raw, server))
    assert status == 200


async def test_a_request_heard_twice_does_nothing_the_second_time(kiosk: Kiosk) -> None:
    raw, nonce = body(), secrets.token_urlsafe(16)
    headers = kiosk.headers("POST", REDEEM, raw, nonce=nonce)
    assert (await kiosk.send("POST", REDEEM, raw, headers))[0] == 200
    status, told = await kiosk.send("POST", REDEEM, raw, headers)
    assert (status, told["error"]) == (401, "replay")
    raw = body()
    status, told = await kiosk.send("POST", REDEEM, raw, kiosk.headers("POST", REDEEM, raw, nonce=nonce))
    assert (status, told["error"]) == (401, "replay")


async def test_strangers_and_those_shut_out_are_refused(hub: Hub, kiosk: Kiosk) -> None:
    stranger = Kiosk(hub.url)
    assert [(await stranger.call("GET", "changes"))[1]["error"]] == ["unknown_device"]
    await stranger.enrol()
    status, told = await stranger.call("GET", "changes")
    assert (status, told["error"]) == (403, "pending")
    await stranger.close()
    parts = opened(hub)
    await parts.database.run(parts.devices.revoke, kiosk.device, "test", now())
    status, told = await kiosk.call("GET", "changes")
    assert (status, told["error"]) == (403, "revoked")
    assert (await kiosk.enrol())[1]["state"] == "revoked"


async def test_what_a_kiosk_honoured_before_it_was_shut_out_is_named(hub: Hub, kiosk: Kiosk) -> None:
    """It may be in the wrong hands by now: only of slips that it gave out itself a use is taken."""
    parts = opened(hub)
    [foreign] = await issued(hub, CAPPED)
    status, told = await kiosk.call("POST", "pool", {"rid": new_rid(), "stock_id": SLIP, "count": 1})
    own = told["codes"][0]
    book = Journal()
    book.add("claim", "", {"coupon": own["coupon"], "stock_id": SLIP, "store": "kjy-south", "via": "button"})
    assert (await kiosk.upload(book.run()))["ack_through"] == 1
    await parts.database.run(parts.devices.revoke, kiosk.device, "test", now())
    book.record(foreign.coupon, "r1")
    book.record(own["coupon"], "r2", stock_id=SLIP)
    told = await kiosk.upload(book.run(2))
    assert [i["status"] for i in told["items"]] == ["conflict", "accepted"]
    for path in ("uses?after=", "snapshot", "wake?pos="):
        status, told = await kiosk.call("GET", path)
        assert (status, told["error"]) == (403, "revoked")
    other = await let_in(hub, "renmin")
    assert (await other.ask(foreign.code))["status"] == "ok"
    assert (await other.ask(own["code"]))["reason"] == "used"
    await other.close()


async def test_a_kiosk_that_was_shut_out_makes_nothing_good_again(hub: Hub, kiosk: Kiosk) -> None:
    """Its card may be in the wrong hands: to undo is for a person at the hub then, and what it hands out is worth nothing."""
    parts = opened(hub)
    [made] = await issued(hub, CAPPED)
    _, told = await kiosk.call("POST", "pool", {"rid": new_rid(), "stock_id": SLIP, "count": 1})
    own = told["codes"][0]
    book = Journal()
    book.record(made.coupon, "r1")
    await kiosk.upload(book.run())
    await parts.database.run(parts.devices.revoke, kiosk.device, "test", now())
    book.add("rollback", "", {"of": "r1", "why": "x", "by": "x"})
    book.add("claim", "", {"coupon": own["coupon"], "stock_id": SLIP, "store": "kjy-south", "via": "button"})
    book.record(own["coupon"], "r2", stock_id=SLIP)
    told = await kiosk.upload(book.run(2))
    assert [i["verdict"] for i in told["items"][:2]] == ["named"] * 2
    assert told["items"][2]["status"] == "conflict"
    other = await let_in(hub, "renmin")
    assert (await other.ask(made.code))["reason"] == "used"
    await other.close()
    assert [n["what"] for n in await parts.database.run(report.notes, "main")] == ["after_revocation"] * 2


async def test_the_hub_knows_where_a_kiosk_stands(hub: Hub, kiosk: Kiosk) -> None:
    parts = opened(hub)
    [made] = await issued(hub, CAPPED)
    await parts.database.run(parts.catalog.set_status, CAPPED, "paused", "kjy-south")
    assert (await kiosk.ask(made.code, store="renmin"))["reason"] == "paused"


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"{", b"[]", b"\xff", b"null", b"[" * 100_000, body(total=-1), body(total=2**70), body(total="5"), body(rid=""),
        body(rid="x" * 33), body(rid="é"), body(code=""), body(code="x" * 401), body(goods=[{"id": "a"}]), body(store=5),
    ],
    ids=[f"bad{n}" for n in range(16)],
)  # fmt: skip
async def test_a_bad_ask_is_one_sentence(kiosk: Kiosk, bad: bytes) -> None:
    status, told = await kiosk.call("POST", "redeem", bad)
    assert (status, told["error"]) == (400, "bad_request")
    assert told["message"].endswith(".") or "not right" in told["message"]


@on_both
@pytest.mark.parametrize("odd", ["\x00", "\ud83d\ude00", "' OR 1=1", "C1:" + "\x00" * 50])
async def test_odd_codes_are_decided(kiosk: Kiosk, odd: str) -> None:
    status, told = await kiosk.call("POST", "redeem", body(code=odd))
    assert (status, told["status"]) == (200, "deny")


async def test_a_megabyte_is_refused_in_words(kiosk: Kiosk) -> None:
    status, told = await kiosk.call("POST", "journal", b"x" * 1_000_000)
    assert (status, told["error"]) == (413, "too_large")


async def test_a_journal_has_no_more_than_256_kib_at_a_time(kiosk: Kiosk) -> None:
    """What a kiosk sends has 200 KiB of items at most; the bound is of the whole request (facts: sync-fleet A5)."""
    assert MAX_BYTES < p.MAX_BODY == 256 * 1024
    book = Journal()
    book.add("state_report", body={"text": "x" * 1000})
    raw = encoded(book.run())
    full = raw[:-1] + b" " * (p.MAX_BODY - len(raw)) + b"}"
    status, told = await kiosk.call("POST", "journal", full[:-1] + b" }")
    assert (status, told["error"]) == (413, "too_large")
    assert "256 KiB" in told["message"]
    status, told = await kiosk.call("POST", "journal", full)
    assert (status, told["ack_through"]) == (200, 1)


async def test_more_items_than_agreed_are_refused(kiosk: Kiosk) -> None:
    book = Journal()
    for _ in range(p.MAX_ITEMS + 1):
        book.add("state_report")
    status, told = await kiosk.call("POST", "journal", book.run())
    assert (status, told["error"]) == (413, "too_large")
    assert (await kiosk.upload(book.run(1, p.MAX_ITEMS)))["ack_through"] == p.MAX_ITEMS


# -- enrolment --


@on_both
async def test_a_token_lets_in_as_often_as_it_says(hub: Hub) -> None:
    parts = opened(hub)
    token = await parts.database.run(parts.devices.token, "renmin", 2, now())
    kiosks = [Kiosk(hub.url) for _ in range(5)]
    told = await asyncio.gather(*(k.enrol(token) for k in kiosks))
    assert sorted(s for s, _ in told) == [200, 200, 403, 403, 403]
    assert {t["store"] for s, t in told if s == 200} == {"renmin"}
    assert {t["error"] for s, t in told if s == 403} == {"bad_token"}
    for one in kiosks:
        await one.close()


async def test_an_old_token_lets_nobody_in(hub: Hub) -> None:
    parts = opened(hub)
    token = await parts.database.run(parts.devices.token, None, 1, now())
    old = sa.update(tokens).values(until=now() - timedelta(seconds=1))
    await parts.database.run(lambda c: c.execute(old))
    kiosk = Kiosk(hub.url)
    assert (await kiosk.enrol(token))[1]["error"] == "bad_token"
    await kiosk.close()


@on_both
async def test_a_code_is_approved_once_and_ends(hub: Hub) -> None:
    from hub.errors import HubError

    parts, kiosk = opened(hub), Kiosk(hub.url)
    _, told = await kiosk.enrol(name="柜台一")
    code = told["code"]
    assert (told["state"], len(code)) == ("pending", 8)
    assert (await kiosk.enrol())[1]["code"] == code
    later = now() + timedelta(minutes=16)
    with pytest.raises(HubError, match="no kiosk waits with the code"):
        await parts.database.run(parts.devices.approve, code, "renmin", "op", later)
    with pytest.raises(HubError, match="there is no store nowhere"):
        await parts.database.run(parts.devices.approve, code, "nowhere", "op", now())
    await parts.database.run(parts.devices.approve, f" {code.lower()} ", "renmin", "op", now())
    _, told = await kiosk.enrol()
    assert (told["state"], told["store"], told.get("code")) == ("accepted", "renmin", None)
    with pytest.raises(HubError, match="no kiosk waits"):
        await parts.database.run(parts.devices.approve, code, "renmin", "op", now())
    _, items = await kiosk.changes()
    assert [c["body"] for c in items if c["type"] == "device"] == [
        {"store": "renmin", "name": "柜台一", "locale": "zh_CN"}
    ]
    assert [c["body"]["home_kiosk"] for c in items if c["type"] == "store" and c["id"] == "renmin"] == [
        kiosk.device
    ]
    await kiosk.close()


@on_both
async def test_a_crowd_cannot_fill_the_list_of_those_who_wait(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.devices.PENDING_MAX", 3)
    crowd = [Kiosk(hub.url) for _ in range(4)]
    told = [await k.enrol() for k in crowd]
    assert [s for s, _ in told] == [200, 200, 200, 429]
    yesterday = sa.update(devices).values(created_at=now() - timedelta(days=2))
    await opened(hub).database.run(lambda c: c.execute(yesterday))
    assert (await crowd[3].enrol())[0] == 200
    for one in crowd:
        await one.close()


@pytest.mark.parametrize("spoil", ["key", "proof", "json", "nonce"])
async def test_a_bad_enrolment_is_refused(hub: Hub, spoil: str) -> None:
    kiosk = Kiosk(hub.url)
    good = {"public_key": "A" * 43, "proof": "A" * 86, "nonce": "n", "name": "x"}
    bad = {
        "key": {**good, "public_key": "zz"},
        "proof": good,
        "json": [],
        "nonce": {**good, "nonce": "\ud83d"},
    }[spoil]
    status, told = await kiosk.send("POST", "/v1/device/enrol", json.dumps(bad).encode(), {})
    assert (status, told["error"]) in {(400, "bad_request"), (401, "bad_signature")}
    await kiosk.close()


# -- what else a kiosk may ask --


async def test_a_kiosk_learns_its_own_uses_page_by_page(
    hub: Hub, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.upload.own_uses.__defaults__", (2,))
    made = await issued(hub, CAPPED, 5)
    for one in made:
        await kiosk.ask(one.code)
    after: str | None = ""
    found: list[str] = []
    while after is not None:
        _, told = await kiosk.call("GET", f"uses?after={after}")
        found += [i["coupon"] for i in told["items"]]
        after = told["next"]
    assert sorted(found) == sorted(m.coupon for m in made)


# -- the rest of the server --


async def test_health_metrics_and_unknown_addresses(hub: Hub) -> None:
    async with aiohttp.ClientSession(hub.url) as http:
        async with http.get("/healthz") as told:
            assert (told.status, (await told.json())["ok"]) == (200, True)
        async with http.get("/metrics") as told:
            text = await told.text()
            assert told.content_type == "text/plain"
            assert f'kiosk_hub_claimed{{stock_id="{CAPPED}"}} 0.0' in text
            assert 'kiosk_hub_devices{state="accepted"} 0.0' in text
        for method, path, status in (
            ("HEAD", "/healthz", 200), ("GET", "/nothing", 404), ("HEAD", "/nothing", 404), ("PUT", "/healthz", 405),
            ("GET", "/v1/device/redeem", 405), ("POST", "/v1/device/nothing", 404), ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
            ("GET", "/static/../app.py", 404), ("GET", "/static/%2e%2e/app.py", 404),
        ):  # fmt: skip
            async with http.request(method, path) as told:
                assert told.status == status, path
                assert "X-Content-Type-Options" in told.headers
                if status >= 400 and method != "HEAD":
                    assert set(await told.json()) == {"error", "message", "server_time"}


@on_both
async def test_a_database_that_is_away_is_said_in_one_sentence(hub: Hub) -> None:
    parts = opened(hub)
    await parts.database.run(lambda c: c.execute(sa.text("DROP TABLE tenants")))
    async with aiohttp.ClientSession(hub.url) as http:
        async with http.get("/healthz") as told:
            assert (told.status, (await told.json())["error"]) == (503, "unavailable")
        async with http.get("/c/kjy-south", headers={"Accept-Language": "en"}) as told:
            assert told.status == 503
            assert "Please try again in a moment" in await told.text()
