from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from kiosk.journal.rows import Ends
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy, answer
from tests.sync.shop import Kiosk, Shop, until

FILES = ("journal.db", "journal.db-wal", "journal.db-shm", "tip", "running")


def restore(copy: Path, base: Path) -> None:
    """Put an older copy of the data directory in place, whole, as an imaged card does."""
    for name in FILES:
        (base / name).unlink(missing_ok=True)
        if (copy / name).exists():
            shutil.copy2(copy / name, base / name)


async def test_a_restored_copy_is_named_and_learns_its_own_uses_before_it_decides_alone(
    shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path
) -> None:
    kiosk = await make()
    before, after, offline = await shop.issue("CAPPED", 3)
    assert (await kiosk.redeem(before.code)).verdict == "confirmed"
    await kiosk.synced()
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "copy")

    kiosk = await make(start=False)
    await kiosk.start()
    old_epoch = kiosk.journal.epoch
    assert (await kiosk.redeem(after.code)).verdict == "confirmed"
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(offline.code)).verdict == "offline"
    await proxy.up()
    await kiosk.synced()
    await kiosk.stop()

    restore(tmp_path / "copy", kiosk.base)
    kiosk = await make(start=False)
    assert await kiosk.start()
    assert kiosk.journal.epoch != old_epoch, "a new epoch was begun although nothing was to be sent"
    assert await kiosk.journal.get("unreconciled") is None
    [noted] = await shop.audit("epoch_change")
    assert noted.actor == kiosk.device
    assert (noted.detail["before"], noted.detail["lost"]) == (old_epoch, [[2, 3]])
    assert await kiosk.journal.ended() is None
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    for code in (before.code, after.code, offline.code):
        told = await kiosk.redeem(code)
        assert (told.verdict, told.reason) == ("refused", "used")


async def test_until_it_has_reconciled_a_restored_kiosk_decides_nothing_alone(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosk = await make()
    [held] = await shop.issue("CAPPED")
    await kiosk.synced()
    proxy.always["/v1/device/uses"] = proxy.always["/v1/device/changes"] = answer(
        "429 Too Many Requests", "later"
    )
    await kiosk.journal.begin_epoch()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(held.code)).reason == "hub_away"
    proxy.always.clear()
    await proxy.up()

    async def reconciled() -> bool:
        return await kiosk.journal.get("unreconciled") is None

    await until(reconciled, "the hub has told it its own redemptions")
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known again")
    assert (await kiosk.redeem(held.code)).verdict == "offline"


async def test_an_upload_beside_the_comparison_is_no_loss(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    """The comparison's answer counts an item that was appended and sent while it was on its way."""
    [held] = await shop.issue("CAPPED")
    await kiosk.synced()
    epoch = kiosk.journal.epoch
    answered = asyncio.Event()
    first = kiosk.journal.ends

    async def then_redeem() -> Ends:
        ends = await first()
        if not answered.is_set():
            answered.set()
            assert (await kiosk.redeem(held.code)).verdict == "confirmed"
            await until(acked, "the redemption has gone up")
        return ends

    async def acked() -> bool:
        return (await kiosk.journal.backlog()).count == 0

    kiosk.journal.ends = then_redeem  # type: ignore[method-assign]
    assert await kiosk.sync._exchange.hello() is False
    assert kiosk.journal.epoch == epoch


async def test_a_lost_card_with_the_same_key_learns_what_it_had_redeemed(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosk = await make()
    [held] = await shop.issue("CAPPED")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    await kiosk.stop()
    for name in FILES:
        (kiosk.base / name).unlink(missing_ok=True)
    fresh: Kiosk = await make(start=False)
    await fresh.start()
    assert [n.actor for n in await shop.audit("epoch_change")] == [fresh.device]
    await proxy.down()
    await until(lambda: fresh.reach.away, "the outage is known")
    assert (await fresh.redeem(held.code)).reason == "used"


async def test_a_void_of_a_restored_copy_takes_no_redemption_back(
    shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path
) -> None:
    """The copy holds an attempt that was still open; the kiosk recorded it later, and the copy voids it at its start."""
    kiosk = await make()
    [held] = await shop.issue("CAPPED")
    await kiosk.synced()
    record = kiosk.journal.record

    async def copied_first(*args, **kwargs):  # type: ignore[no-untyped-def]
        await kiosk.journal._db.run(lambda db: None)
        shutil.copytree(kiosk.base, tmp_path / "copy")
        return await record(*args, **kwargs)

    kiosk.journal.record = copied_first  # type: ignore[method-assign]
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    await kiosk.stop()
    restore(tmp_path / "copy", kiosk.base)
    kiosk = await make(start=False)
    await kiosk.start()
    [attempt] = await shop.attempts(held.coupon)
    assert attempt.state == "recorded"
    assert await shop.uses(held.coupon) == 1
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(held.code)).reason == "used"
