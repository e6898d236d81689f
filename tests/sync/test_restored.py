"""A hub that was restored from an older backup: nothing that a kiosk still holds is lost, nothing is good twice (P1, P3, P4)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from kiosk.journal import again
from kiosk.sync import protocol as p
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, until
from tests.sync.test_recovery import restore as restore_card


def backup(shop: Shop) -> Path:
    """Copy the hub's database as the manual says: while it runs."""
    where = shop.base / "backup.db"
    where.unlink(missing_ok=True)
    db = sqlite3.connect(shop.base / "hub.db")
    db.execute(f"VACUUM INTO '{where}'")
    db.close()
    return where


async def restore(shop: Shop, proxy: Proxy, *kiosks: Kiosk) -> None:
    """Put the backup in the place of the database while every kiosk misses the hub."""
    await proxy.down()
    for kiosk in kiosks:
        await until(lambda k=kiosk: k.reach.away, "the kiosk misses the hub")  # type: ignore[misc]
    await shop.stop()
    for suffix in ("", "-wal", "-shm"):
        (shop.base / f"hub.db{suffix}").unlink(missing_ok=True)
    shutil.copy2(shop.base / "backup.db", shop.base / "hub.db")
    shop.hub = Shop(shop.base, f"127.0.0.1:{shop.hub.port}").hub
    await shop.hub.start()


async def up(proxy: Proxy, *kiosks: Kiosk) -> None:
    await proxy.up()
    for kiosk in kiosks:
        kiosk.sync.nudge()
        await kiosk.synced()


async def has_uses(shop: Shop, coupons: list[str], what: str) -> None:
    async def again() -> bool:
        return [await shop.uses(one) for one in coupons] == [1] * len(coupons)

    await until(again, what)


async def new_epoch(kiosk: Kiosk) -> None:
    await kiosk.sync._exchange.new_epoch("a test")
    kiosk.sync.nudge()

    async def reconciled() -> bool:
        return await kiosk.journal.get("unreconciled") is None

    await until(reconciled, "the kiosk may decide alone again")
    await kiosk.synced()


@pytest.mark.parametrize("last", ["something", "nothing", "offline"])
async def test_redemptions_of_older_epochs_go_up_again(
    last: str, shop: Shop, proxy: Proxy, kiosk: Kiosk, make: MakeKiosk
) -> None:
    """Whether the hub had something of the running epoch, nothing, or gets its first item with the first contact."""
    first, second, third, spare = await shop.issue("CAPPED", 4)
    await kiosk.synced()
    backup(shop)
    for one in (first, second):
        assert (await kiosk.redeem(one.code)).verdict == "confirmed"
        await kiosk.synced()
        await new_epoch(kiosk)
    done = [first, second]
    if last == "something":
        assert (await kiosk.redeem(third.code)).verdict == "confirmed"
        done.append(third)
        await kiosk.synced()
    await restore(shop, proxy, kiosk)
    if last == "offline":
        assert (await kiosk.redeem(third.code)).verdict == "offline"
        done.append(third)
    assert [await shop.uses(one.coupon) for one in done] == [0] * len(done), "the backup does not know them"
    epoch = kiosk.journal.epoch
    await up(proxy, kiosk)
    await has_uses(shop, [one.coupon for one in done], "the hub has the redemptions again")
    assert kiosk.journal.epoch == epoch, "no epoch was begun for it"
    assert [len(await shop.attempts(one.coupon)) for one in done] == [1] * len(done)
    for what in ("older_copy", "twin", "quarantined", "conflict"):
        assert await shop.audit(what) == []
    other = await make("k2", store="S2")
    for one in done:
        assert (await other.redeem(one.code)).reason == "used"
    assert (await other.redeem(spare.code)).verdict == "confirmed"


async def test_what_the_hub_has_of_older_epochs_does_not_go_up_again(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    held = await shop.issue("CAPPED", 3)
    await kiosk.synced()
    for n, one in enumerate(held):
        if n == 2:
            backup(shop)
        assert (await kiosk.redeem(one.code)).verdict == "confirmed"
        await kiosk.synced()
        if n != 1:
            await new_epoch(kiosk)
    await restore(shop, proxy, kiosk)
    await up(proxy, kiosk)
    await has_uses(shop, [one.coupon for one in held], "the hub has the redemptions again")
    query = "SELECT rid FROM journal WHERE kind = 'redeem_record'"
    rids = await shop.do(lambda c: [row[0] for row in c.exec_driver_sql(query)])
    assert len(rids) == len(set(rids)) == 3


async def test_the_first_answer_after_the_restore_may_be_lost(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub has opened the epoch anew, and the kiosk did not hear what it has of others."""
    first, second = await shop.issue("CAPPED", 2)
    await kiosk.synced()
    backup(shop)
    assert (await kiosk.redeem(first.code)).verdict == "confirmed"
    await kiosk.synced()
    await new_epoch(kiosk)
    await restore(shop, proxy, kiosk)
    assert (await kiosk.redeem(second.code)).verdict == "offline"
    run = await kiosk.journal.pending()
    assert run is not None
    await kiosk.sync.stop()
    await proxy.up()
    unheard = p.Upload(run.epoch, run.first_seq, run.prev, run.items)
    await kiosk.client.start()
    await kiosk.client.call("POST", "/v1/device/journal", p.Acknowledged, unheard)
    await kiosk.client.stop()
    await kiosk.sync.start()
    await has_uses(shop, [first.coupon, second.coupon], "the hub has both")
    assert len(await shop.attempts(second.coupon)) == 1


async def test_both_may_be_restored(shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path) -> None:
    """The hub from a backup, the kiosk from a later copy of its card: what either holds counts, and is refused afterwards."""
    kiosk = await make()
    before, between, after, spare = await shop.issue("CAPPED", 4)
    assert (await kiosk.redeem(before.code)).verdict == "confirmed"
    await kiosk.synced()
    backup(shop)
    await new_epoch(kiosk)
    assert (await kiosk.redeem(between.code)).verdict == "confirmed"
    await kiosk.synced()
    await new_epoch(kiosk)
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "copy")
    kiosk = await make(start=False)
    await kiosk.start()
    assert (await kiosk.redeem(after.code)).verdict == "confirmed"
    await kiosk.synced()
    await restore(shop, proxy, kiosk)
    await kiosk.stop()
    restore_card(tmp_path / "copy", kiosk.base)
    kiosk = await make(start=False)
    await kiosk.start(synced=False)
    await up(proxy, kiosk)
    await has_uses(shop, [before.coupon, between.coupon], "the hub has what the card holds")
    assert await shop.uses(after.coupon) == 0, "nobody has it any more"
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    for one in (before, between):
        assert (await kiosk.redeem(one.code)).reason == "used"
    assert (await kiosk.redeem(spare.code)).verdict == "offline"


async def test_the_rows_of_another_hub_stay_with_it(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    """A hub that knows no epoch of this kiosk asks for none that was another hub's."""
    [held] = await shop.issue("CAPPED")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    await new_epoch(kiosk)
    await kiosk.sync.stop()
    assert await kiosk.journal.get("database")
    await kiosk.journal.apply("123456789abc.0.1", [], whole=True)
    assert await kiosk.journal.send_older({}) == 0
    assert (await kiosk.journal.backlog()).count == 0


async def unnoticed(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> tuple[str, str]:
    """Restore the hub behind a kiosk that compares nothing; return a coupon of an older epoch, lost there, and one that waits."""
    first, second = await shop.issue("CAPPED", 2)
    await kiosk.synced()
    backup(shop)
    assert (await kiosk.redeem(first.code)).verdict == "confirmed"
    await kiosk.synced()
    await new_epoch(kiosk)
    await restore(shop, proxy, kiosk)
    assert (await kiosk.redeem(second.code)).verdict == "offline"
    await kiosk.sync.stop()
    await proxy.up()
    await kiosk.client.start()
    return first.coupon, second.coupon


async def test_what_is_lost_is_found_before_the_acknowledgement_ends_the_telling(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full card, or a power cut, between the answer and the rows of older epochs."""
    both = await unnoticed(shop, proxy, kiosk)

    async def full(had: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as card:
        card.setattr(kiosk.journal, "send_older", full)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await kiosk.sync._exchange.upload()
    await kiosk.client.stop()
    await kiosk.sync.start()
    await has_uses(shop, list(both), "the hub has both")
    assert [len(await shop.attempts(one)) for one in both] == [1, 1]


async def test_what_is_lost_goes_up_in_lots(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card fails at the second one: the hub is asked again, and is sent the rest."""
    held = await shop.issue("CAPPED", 4)
    await kiosk.synced()
    backup(shop)
    for one in held:
        assert (await kiosk.redeem(one.code)).verdict == "confirmed"
    await kiosk.synced()
    await new_epoch(kiosk)
    await restore(shop, proxy, kiosk)
    monkeypatch.setattr(again, "LOT", 1)
    moved: list[int] = []
    send = kiosk.journal.send_older

    async def lots(had: Mapping[str, int]) -> int:
        if len(moved) == 1:
            moved.append(0)
            raise sqlite3.OperationalError("database or disk is full")
        moved.append(await send(had))
        return moved[-1]

    monkeypatch.setattr(kiosk.journal, "send_older", lots)
    await up(proxy, kiosk)
    await has_uses(shop, [one.coupon for one in held], "the hub has all of them")
    assert (moved[0], sum(moved[2:])) == (1, 3)


async def test_a_new_epoch_tells_at_once_what_the_hub_has_lost_of_the_others(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    lost, waiting = await unnoticed(shop, proxy, kiosk)
    await kiosk.sync._exchange.new_epoch("a test")
    run = await kiosk.journal.pending()
    assert run is not None
    assert {i.body["coupon"] for i in run.items if i.kind == "redeem_record"} == {lost, waiting}
    await kiosk.client.stop()


async def test_what_was_granted_is_asked_for_anew_when_an_upload_finds_items_lost(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the pull of that round is over: a lease may be gone with them; and where the upload ends in an error."""
    await unnoticed(shop, proxy, kiosk)
    kiosk.sync._down.clear()

    async def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(kiosk.journal, "acknowledge", full)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await kiosk.sync._push()
    assert await kiosk.journal.get("resync") is not None
    assert kiosk.sync._down.is_set()
    monkeypatch.undo()
    kiosk.sync._down.clear()
    await kiosk.sync._push()
    assert not kiosk.sync._down.is_set(), "once is enough"
    await kiosk.client.stop()
