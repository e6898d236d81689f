"""T7: clocks between a real hub and real kiosks: 1970, 2038, jumps of years, a leap second, a lease across them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub import device_api
from kiosk.clock import SystemClock
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy, answer
from tests.sync.shop import Kiosk, Shop, Skewed, batch, until

REDEEM = "/v1/device/redeem"
YEAR = timedelta(days=365)
BIT_31 = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
"""The last second that a signed 32-bit counter holds."""


class Hands(SystemClock):
    """A machine whose calendar jumps, and on which hours pass at once."""

    off, passed_s = timedelta(0), 0.0

    def wall(self) -> datetime:
        return super().wall() + self.off

    def mono(self) -> float:
        return super().mono() + self.passed_s


def hub_is_at(monkeypatch: pytest.MonkeyPatch, at: datetime) -> Callable[[], datetime]:
    """Let the hub's clock go on from a time; return it."""
    begun = datetime.now(UTC)

    def now() -> datetime:
        return at + (datetime.now(UTC) - begun)

    monkeypatch.setattr(device_api, "now", now)
    return now


async def held(
    shop: Shop, stock_id: str, policy: str, begins: datetime, ends: datetime, **more: int
) -> list[str]:
    """Load a batch of a period and return the codes of a few of its coupons."""
    plain = msgspec.structs.replace(batch(stock_id, policy, **more), begins=begins, ends=ends)
    await shop.load(plain)
    issue = shop.parts.coupons.list_out
    return [one.code for one in await shop.do(issue, stock_id, 4, "customer", begins)]


async def away(kiosk: Kiosk, proxy: Proxy) -> None:
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")


async def test_a_clock_beyond_2038_changes_nothing(
    shop: Shop, proxy: Proxy, make: MakeKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = hub_is_at(monkeypatch, BIT_31 - timedelta(seconds=1))
    codes = await held(shop, "LATE", "capped", BIT_31 - YEAR, BIT_31 + 5 * YEAR)
    token = await shop.do(shop.parts.devices.token, "S1", 1, now())
    kiosk = await make(token=token)
    assert (await kiosk.redeem(codes[0])).verdict == "confirmed"
    await until(lambda: kiosk.clock.trusted().at > BIT_31, "the second has passed")
    assert (await kiosk.redeem(codes[1])).verdict == "confirmed"
    await away(kiosk, proxy)
    assert (await kiosk.redeem(codes[2])).verdict == "offline"
    await proxy.up()
    await kiosk.synced()
    told = await shop.attempts()
    assert [a.state for a in told] == ["recorded"] * 3
    assert all(abs(a.at - now()) < timedelta(minutes=5) for a in told), (
        "each time went there and back unharmed"
    )
    assert told[2].at > BIT_31
    assert await shop.audit("quarantined") == []


async def test_a_boot_in_1970_lets_the_kiosk_in_and_counts_from_the_hubs_time(
    shop: Shop, make: MakeKiosk
) -> None:
    clock = Skewed(datetime(1970, 1, 1, tzinfo=UTC) - datetime.now(UTC))
    assert clock.wall().year == 1970
    kiosk = await make(clock=clock)
    [one] = await shop.issue("NEVER")
    assert (await kiosk.redeem(one.code)).verdict == "confirmed"
    await kiosk.synced()
    [told] = await shop.attempts(one.coupon)
    assert abs(told.at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_a_kiosk_that_slept_for_two_years_gets_in_unless_it_was_shut_out(
    shop: Shop, proxy: Proxy, make: MakeKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calendar stands where it was switched off, and a redemption that nobody has heard of is in its journal."""
    today = datetime.now(UTC)
    hub_is_at(monkeypatch, today - 2 * YEAR)
    codes = await held(shop, "LONG", "capped", today - 3 * YEAR, today + YEAR)
    token = await shop.do(shop.parts.devices.token, "S1", 1, today - 2 * YEAR)
    kiosk = await make(token=token, clock=Skewed(-2 * YEAR))
    assert (await kiosk.redeem(codes[0])).verdict == "confirmed"
    await away(kiosk, proxy)
    assert (await kiosk.redeem(codes[1])).verdict == "offline"
    await kiosk.stop()
    await proxy.up()

    hub_is_at(monkeypatch, datetime.now(UTC))
    kiosk = await make(start=False, clock=Skewed(-2 * YEAR))
    await kiosk.start()
    assert (await kiosk.redeem(codes[2])).verdict == "confirmed"
    await kiosk.synced()
    assert [a.state for a in await shop.attempts()] == ["recorded"] * 3
    assert abs(kiosk.clock.trusted().at - datetime.now(UTC)) < timedelta(minutes=5)
    await kiosk.stop()

    await shop.do(shop.parts.devices.revoke, kiosk.device, "op", datetime.now(UTC))
    kiosk = await make(start=False, clock=Skewed(-2 * YEAR))
    await kiosk.start(synced=False)
    await until(lambda: kiosk.sync.state == "revoked", "it is told")
    await kiosk.stop()


@pytest.mark.parametrize("jump", [-YEAR, YEAR], ids=["a year back", "a year ahead"])
async def test_a_calendar_that_jumps_during_a_lease_neither_ends_nor_extends_it(
    jump: timedelta, shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    clock, now = Hands(), datetime.now(UTC)
    codes = await held(shop, "LEASED", "lease", now - YEAR, now + YEAR, quota=4)
    kiosk = await make(clock=clock)

    async def leased() -> bool:
        return bool(await kiosk.journal.leases())

    await until(leased, "the lease has come")
    await away(kiosk, proxy)
    clock.off = jump
    assert (await kiosk.redeem(codes[0])).verdict == "offline", "the lease goes on"
    [lease] = await kiosk.journal.leases()
    left = lease.not_after - clock.trusted().at
    clock.passed_s = left.total_seconds() - 120
    assert (await kiosk.redeem(codes[1])).verdict == "offline"
    clock.off = -jump
    clock.passed_s += 240
    told = await kiosk.redeem(codes[2])
    assert (told.verdict, told.reason) == ("refused", "no_lease"), (
        "its time is over by the seconds that passed"
    )
    clock.off = jump * 2
    assert (await kiosk.redeem(codes[3])).reason == "no_lease"


async def test_a_calendar_that_jumps_gives_no_coupon_back(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    clock = Hands()
    kiosk = await make(clock=clock)
    [one] = await shop.issue("CAPPED")
    await kiosk.synced()
    await away(kiosk, proxy)
    assert (await kiosk.redeem(one.code)).verdict == "offline"
    for off in (-YEAR, YEAR, timedelta(days=-20_000)):
        clock.off = off
        assert (await kiosk.redeem(one.code)).reason == "used"
    await proxy.up()
    await kiosk.synced()
    assert await shop.uses(one.coupon) == 1


async def test_the_hubs_clock_repeats_a_leap_second_and_nothing_runs_backwards(
    shop: Shop, make: MakeKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Hands()
    kiosk = await make(clock=clock)
    first, second = await shop.issue("NEVER", 2)
    assert (await kiosk.redeem(first.code)).verdict == "confirmed"
    before = clock.trusted().at
    hub_is_at(monkeypatch, datetime.now(UTC) - timedelta(seconds=1))
    assert (await kiosk.redeem(second.code)).verdict == "confirmed"
    assert clock.trusted().at >= before
    await kiosk.synced()
    assert [a.state for a in await shop.attempts()] == ["recorded"] * 2
    assert (await kiosk.journal.verify()).ok


async def test_a_clock_that_says_second_60_is_no_answer_and_no_crash(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    """RFC 3339 knows 23:59:60; no hub of ours says it, a proxy that rewrites might."""
    never, capped = (await shop.issue("NEVER"))[0], (await shop.issue("CAPPED"))[0]
    await kiosk.synced()
    leap = '{"rid":"x","status":"ok","reason":"","stock_id":null,"coupon":null,"server_time":"2026-12-31T23:59:60Z"}'
    proxy.next(REDEEM, answer("200 OK", leap, kind="application/json"))
    assert (await kiosk.redeem(never.code)).reason == "hub_away"
    assert (await kiosk.redeem(capped.code)).verdict in ("offline", "confirmed")
    await kiosk.synced()
    assert (await kiosk.redeem(never.code)).verdict == "confirmed"
    assert (await shop.uses(never.coupon), await shop.uses(capped.coupon)) == (1, 1)
