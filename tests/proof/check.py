"""The promises P1 to P7 of the design, checked against what truly happened, when everything is at rest."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.proof.template import BATCHES
from tests.proof.world import Honoured, Violation, World

MAX_USES = {b.stock_id: b.max_uses for b in BATCHES}
STRONG = ("NEVER", "SLIP", "LEASED")


async def check(world: World) -> None:
    """Raise Violation for the first promise that was broken."""
    states = dict(world.hub_rows("SELECT rid, state FROM attempts"))
    real = [h for h in world.ledger.values() if _counts(h, states)]
    _no_loss(world, states)
    await _items_once(world)
    by_coupon: dict[str, list[Honoured]] = defaultdict(list)
    for h in real:
        by_coupon[h.coupon].append(h)
    doubtful = {h.coupon for h in world.ledger.values() if h.lost}
    for coupon, uses in by_coupon.items():
        if coupon not in doubtful:
            _never_too_often(coupon, uses)
    _conflicts(world, by_coupon)
    _no_phantom(world, by_coupon)
    _leases_are_kept(world)
    await _loss_is_visible(world)


def _counts(h: Honoured, states: dict[str, str]) -> bool:
    """Tell whether a redemption stands: what a lost card held counts only if the hub had heard of it."""
    if h.lost:
        return states.get(h.rid) in ("recorded", "conflict")
    return h.state == "recorded"


def _no_loss(world: World, states: dict[str, str]) -> None:
    for h in world.ledger.values():
        wanted = ("recorded", "conflict") if h.state == "recorded" else ("rolled_back",)
        if not h.lost and states.get(h.rid) not in wanted:
            raise Violation(
                f"P1: {h.kiosk.name} has {h.rid} of {h.coupon} as {h.state} ({h.verdict}), the hub as {states.get(h.rid)}"
            )
    given = {
        r[0]
        for r in world.hub_rows("SELECT batch || '-' || serial FROM coupons WHERE claimant LIKE 'slip:%'")
    }
    lost = world.slips - given
    if lost and not any(k.restored for k in world.kiosks):
        raise Violation(f"P1: the hub does not know that the slips {sorted(lost)} were handed out")


async def _items_once(world: World) -> None:
    """Every row of every journal is at the hub once, and the chains are whole."""
    for kiosk in world.kiosks:
        verified = await kiosk.journal.verify()
        if not verified.ok:
            raise Violation(f"P1: the chain of {kiosk.name} breaks at {verified.first_bad}")
        ends = await kiosk.journal.ends()
        where = f"device = '{kiosk.device}' AND epoch = '{ends.epoch}'"
        seqs = Counter(r[0] for r in world.hub_rows(f"SELECT seq, rowid FROM journal WHERE {where}"))
        if seqs != Counter(range(1, ends.tip + 1)):
            raise Violation(f"P1: the hub has {len(seqs)} rows of {kiosk.name}, which has {ends.tip}")
        bad = world.hub_rows(f"SELECT seq, detail FROM journal WHERE {where} AND status = 'quarantined'")
        if bad:
            raise Violation(f"P1: rows of {kiosk.name} make no sense to the hub: {bad}")


def _never_too_often(coupon: str, uses: list[Honoured]) -> None:
    most = MAX_USES[uses[0].stock_id]
    for name, count in Counter(h.kiosk.name for h in uses).items():
        if count > most:
            raise Violation(f"P2: {name} honoured {coupon} {count} times")
    if uses[0].stock_id in STRONG and len(uses) > most:
        told = ", ".join(f"{h.kiosk.name} {h.verdict}" for h in uses)
        raise Violation(f"P3: {coupon} of {uses[0].stock_id} was honoured {len(uses)} times: {told}")


def _conflicts(world: World, by_coupon: dict[str, list[Honoured]]) -> None:
    """Every excess use is one conflict that names kiosk, time and value."""
    rows = world.hub_rows("SELECT coupon, rid, device, value, at FROM attempts WHERE state = 'conflict'")
    found = Counter(r[0] for r in rows)
    # An approval whose record went with a lost card holds its use until an operator gives it back.
    held = Counter(r[0] for r in world.hub_rows("SELECT coupon, rid FROM attempts WHERE state = 'ok'"))
    excess = {c: len(u) + held[c] - MAX_USES[u[0].stock_id] for c, u in by_coupon.items()}
    wanted = {c: n for c, n in excess.items() if n > 0}
    if found != Counter(wanted):
        raise Violation(f"P4: conflicts are {dict(found)}, excess uses are {wanted}")
    noted = Counter(
        r[0]
        for r in world.hub_rows("SELECT json_extract(detail, '$.rid'), id FROM audit WHERE what = 'conflict'")
    )
    for coupon, rid, device, value, at in sorted(rows):
        owner = world.ledger[rid].kiosk.device
        if device != owner or value != world.ledger[rid].value or not at or noted[rid] != 1:
            raise Violation(
                f"P4: the conflict of {coupon} is told wrongly: {rid} {device} {value} {at}, {noted[rid]} notes"
            )


def _no_phantom(world: World, by_coupon: dict[str, list[Honoured]]) -> None:
    restored = {k.device for k in world.kiosks if k.restored}
    held = world.hub_rows("SELECT coupon, device FROM attempts WHERE state = 'ok'")
    if left := [h for h in held if h[1] not in restored]:
        raise Violation(f"P5: approved and neither recorded nor voided: {left}")
    unsure = {h[0] for h in held}
    uses = dict(world.hub_rows("SELECT batch || '-' || serial, uses FROM coupons"))
    for coupon, count in sorted(uses.items()):
        stands = by_coupon.get(coupon, [])
        wanted = min(len(stands), MAX_USES[stands[0].stock_id]) if stands else 0
        if coupon not in unsure and count != wanted:
            raise Violation(f"P5: {coupon} has {count} uses at the hub, and {len(stands)} were honoured")
    redeemed = sum(r[1] for r in world.hub_rows("SELECT stock_id, redeemed FROM batches"))
    if redeemed != sum(uses.values()):
        raise Violation(f"P5: the batches count {redeemed} redemptions, the coupons {sum(uses.values())}")


def _leases_are_kept(world: World) -> None:
    """No kiosk, an older copy neither, goes beyond the number, the value or the time of a lease."""
    if breaches := world.hub_rows("SELECT actor, detail FROM audit WHERE what = 'lease_breach'"):
        raise Violation(f"P7: the hub finds uses that no lease allowed: {sorted(breaches)}")


async def _loss_is_visible(world: World) -> None:
    for kiosk in world.kiosks:
        if world.epoch_changes(kiosk) < world.changes_expected.get(kiosk.name, 0):
            raise Violation(f"P6: the card of {kiosk.name} went backwards and nobody noticed")
        if world.epoch_changes(kiosk) and not kiosk.restored:
            raise Violation(f"P6: {kiosk.name} is said to have gone backwards and never did")
        known = world.hub_rows(
            f"SELECT rid FROM attempts WHERE device = '{kiosk.device}' AND state IN ('recorded', 'conflict')"
        )
        used = {(r["rid"],) for r in kiosk.rows("SELECT rid FROM used")}
        if missing := known - used:
            raise Violation(
                f"P6: {kiosk.name} would decide alone without knowing its own uses {sorted(missing)}"
            )
