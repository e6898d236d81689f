"""Leases between a real hub and real kiosks over sockets: wrong calendars, a lease that runs out apart, a kiosk shut out."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from kiosk.clock import SystemClock
from kiosk.coupons.batch import Batch
from tests.sync.conftest import MakeKiosk, impatient, make, proxy, shop  # noqa: F401  (fixtures)
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, Skewed, batch, until

QUOTA = 2


class Waiting(SystemClock):
    """A machine on which hours pass at once."""

    passed_s = 0.0

    def mono(self) -> float:
        return super().mono() + self.passed_s


def leased(**rule: int) -> Batch:
    plain = batch("LEASED", "lease", quota=QUOTA)
    return msgspec.structs.replace(plain, offline=msgspec.structs.replace(plain.offline, **rule))


async def stocked(shop: Shop, *, count: int = 2 * QUOTA, **rule: int) -> list[str]:  # noqa: F811
    await shop.load(leased(**rule))
    return [one.code for one in await shop.issue("LEASED", count)]


async def holds(kiosk: Kiosk) -> None:
    async def some() -> bool:
        return bool(await kiosk.journal.leases())

    await until(some, "the kiosk has its lease")


async def apart(proxy: Proxy, *kiosks: Kiosk) -> None:  # noqa: F811
    await proxy.down()
    for kiosk in kiosks:
        await until(lambda k=kiosk: k.reach.away, "the outage is known")  # type: ignore[misc]


@pytest.mark.parametrize("days", [-20000, 400])
async def test_a_wrong_calendar_changes_no_lease(
    days: int,
    shop: Shop,  # noqa: F811
    proxy: Proxy,  # noqa: F811
    make: MakeKiosk,  # noqa: F811
) -> None:
    codes = await stocked(shop)
    kiosk = await make("k1", clock=Skewed(timedelta(days=days)))
    await holds(kiosk)
    await apart(proxy, kiosk)
    assert [(await kiosk.redeem(code)).verdict for code in codes] == ["offline"] * QUOTA + ["refused"] * QUOTA
    await proxy.up()
    await kiosk.synced()
    rows = await shop.attempts()
    assert [r.state for r in rows if r.verdict == "offline"] == ["recorded"] * QUOTA
    assert await shop.audit("lease_breach") == []


async def test_a_lease_that_ran_out_apart_gives_no_right_and_stays_reserved(
    shop: Shop,  # noqa: F811
    proxy: Proxy,  # noqa: F811
    make: MakeKiosk,  # noqa: F811
) -> None:
    codes = await stocked(shop, count=QUOTA, max_age_s=3600)
    clock = Waiting()
    away = await make("k1", clock=clock)
    await holds(away)
    [lease] = await away.journal.leases()
    await apart(proxy, away)
    assert (await away.redeem(codes[0])).verdict == "offline"
    clock.passed_s = 3601.0
    assert clock.trusted().at > lease.not_after
    told = await away.redeem(codes[1])
    assert (told.verdict, told.reason) == ("refused", "no_lease")
    near = await make("k2", url=f"http://127.0.0.1:{shop.hub.port}", store="S2")
    for code in codes:
        told = await near.redeem(code)
        assert (told.verdict, told.reason) == ("refused", "leased_elsewhere")
    await proxy.up()
    await away.synced()
    assert (await near.redeem(codes[0])).reason == "used"
    rows = await shop.attempts()
    assert [r.state for r in rows if r.verdict == "offline"] == ["recorded"]
    assert await shop.audit("lease_breach") == await shop.audit("conflict") == []


async def test_a_kiosk_that_was_shut_out_honours_nothing_once_it_has_heard_of_it(
    shop: Shop,  # noqa: F811
    proxy: Proxy,  # noqa: F811
    make: MakeKiosk,  # noqa: F811
) -> None:
    codes = await stocked(shop)
    kiosk = await make("k1")
    await holds(kiosk)
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", kiosk.clock.trusted().at)
    await until(lambda: kiosk.sync.state == "revoked", "the kiosk has heard of it")
    await apart(proxy, kiosk)
    told = await kiosk.redeem(codes[0])
    assert (told.verdict, told.reason) == ("refused", "shut_out")
    other = await make("k2", url=f"http://127.0.0.1:{shop.hub.port}", store="S2")
    assert (await other.redeem(codes[0])).reason == "leased_elsewhere"
