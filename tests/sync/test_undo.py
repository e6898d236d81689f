"""A redemption that was undone at the hub is undone at its kiosk too: in its used-set, its records and its journal."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from kiosk.sync.protocol import Ask
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, until
from tests.sync.test_recovery import restore


async def undo(shop: Shop, rid: str) -> None:
    await shop.do(shop.parts.acts.roll_back, rid, "wrong customer", "boss", datetime.now(UTC))


async def undone(kiosk: Kiosk, rid: str) -> bool:
    found = await kiosk.journal.attempt(rid)
    return found is not None and found.state == "rolled_back"


async def rollbacks(kiosk: Kiosk) -> list[str]:
    query = "SELECT json_extract(body, '$.of'), json_extract(body, '$.by') FROM item WHERE kind = 'rollback'"
    return await kiosk.journal._db.read(lambda db: ["/".join(r) for r in db.execute(query)])


async def test_the_coupon_is_good_again_at_its_kiosk_also_without_the_hub(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    [made] = await shop.issue("CAPPED")
    first = await kiosk.redeem(made.code)
    await kiosk.synced()
    await undo(shop, first.rid)
    await until(lambda: undone(kiosk, first.rid), "the kiosk has heard of it")
    await kiosk.synced()
    assert await rollbacks(kiosk) == [f"{first.rid}/hub: boss"]
    assert (await kiosk.journal.verify()).ok
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(made.code)).verdict == "offline"
    assert (await kiosk.redeem(made.code)).reason == "used", "once more, not twice"
    await proxy.up()
    await kiosk.synced()
    assert [a.state for a in await shop.attempts(made.coupon)] == ["rolled_back", "recorded"]
    assert await shop.uses(made.coupon) == 1


async def test_a_snapshot_undoes_nothing_twice(shop: Shop, kiosk: Kiosk) -> None:
    [made] = await shop.issue("CAPPED")
    first = await kiosk.redeem(made.code)
    await kiosk.synced()
    await undo(shop, first.rid)
    await until(lambda: undone(kiosk, first.rid), "the kiosk has heard of it")
    again = await kiosk.redeem(made.code)
    assert again.verdict == "confirmed"
    await kiosk.sync._exchange.snapshot()
    assert len(await rollbacks(kiosk)) == 1
    assert (await kiosk.redeem(made.code)).reason == "used", "the second use stands"


async def test_an_older_copy_of_the_card_hears_of_it_too(
    shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path
) -> None:
    kiosk = await make()
    [made] = await shop.issue("CAPPED")
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "copy")
    kiosk = await make(start=False)
    await kiosk.start()
    first = await kiosk.redeem(made.code)
    await kiosk.synced()
    await kiosk.stop()
    restore(tmp_path / "copy", kiosk.base)
    kiosk = await make(start=False)
    await kiosk.start()
    assert await kiosk.journal.uses(made.coupon), "the hub told it its own use"
    await undo(shop, first.rid)

    async def free() -> bool:
        return not await kiosk.journal.uses(made.coupon)

    await until(free, "the use is free here")
    assert (await kiosk.redeem(made.code)).verdict == "confirmed"


async def reconciled(kiosk: Kiosk) -> bool:
    return await kiosk.journal.get("unreconciled") is None


async def test_an_older_copy_hears_of_what_its_kiosk_undid_itself(
    shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path
) -> None:
    kiosk = await make()
    [made] = await shop.issue("NEVER")
    first = await kiosk.redeem(made.code)
    await kiosk.synced()
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "copy")
    kiosk = await make(start=False)
    await kiosk.start()
    await kiosk.redeemer.rollback(first.rid, "wrong customer", "staff")
    await kiosk.synced()
    await kiosk.stop()
    restore(tmp_path / "copy", kiosk.base)
    kiosk = await make(start=False)
    await kiosk.start()
    await until(lambda: reconciled(kiosk), "the hub has told it")
    assert (await kiosk.redeem(made.code)).verdict == "confirmed"
    await kiosk.synced()
    assert await shop.uses(made.coupon) == 1


async def test_an_approval_that_was_given_up_is_free_at_its_kiosk_too(shop: Shop, kiosk: Kiosk) -> None:
    """The card lost the answer; the hub told the new epoch of the approval, and an operator gave it up."""
    [made] = await shop.issue("NEVER")
    ask = Ask(rid="lost", code=made.code, store="S1")
    assert (await shop.do(shop.parts.decisions.decide, kiosk.device, ask, datetime.now(UTC))).status == "ok"
    await kiosk.sync._exchange.new_epoch("as after a card that lost its end")
    kiosk.sync.nudge()
    await until(lambda: reconciled(kiosk), "the hub has told it")
    assert [u.rid for u in await kiosk.journal.uses(made.coupon)] == ["lost"]
    await shop.do(shop.parts.acts.give_up, "lost", "boss", datetime.now(UTC))

    async def free() -> bool:
        return not await kiosk.journal.uses(made.coupon)

    await until(free, "the use is free here")
    assert (await kiosk.redeem(made.code)).verdict == "confirmed"
