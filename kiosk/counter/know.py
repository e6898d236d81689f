"""What the kiosk itself knows of a scanned code, without asking anybody."""

from __future__ import annotations

import hashlib

import msgspec

from kiosk.coupons import code as codes
from kiosk.coupons.batch import Batch, could_name_a_batch
from kiosk.coupons.verdict import Reason
from kiosk.journal.store import Journal


class Known(msgspec.Struct, frozen=True):
    """A code as far as this kiosk knows it."""

    text: str
    key: str
    """Makes two readings of one coupon the same: its identity, or a digest of the code."""
    coupon: str | None
    batch: Batch | None
    proven: bool
    """The code is known to be issued: a good signature, our own pool, or the downloaded hashes."""
    problem: Reason = ""
    signed: bool = False
    """Its signature is good, or it is of our own pool: more than a truncated hash that fits."""

    @property
    def stock_id(self) -> str | None:
        """Return the batch's number, as far as it is known here."""
        return self.batch.stock_id if self.batch else None

    @property
    def max_uses(self) -> int:
        """Return how often the coupon may be used; once, where nobody says more."""
        return self.batch.max_uses if self.batch else 1


class Knower:
    """Reads codes with what the hub has sent down."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def know(self, text: str) -> Known:
        """Read a code. A payment code leaves no trace, not even a digest."""
        scan = codes.read(text)
        if isinstance(scan, codes.Payment):
            return Known("", "", None, None, False, "payment_code")
        if isinstance(scan, codes.Signed):
            return await self._signed(scan)
        if isinstance(scan, codes.Short):
            known = await self._short(scan)
        elif isinstance(scan, codes.Opaque):
            known = await self._unsigned(scan.text)
        else:
            known = Known("", "", None, None, False, "unreadable")
        return known if known.batch else await self._voucher(text.strip()) or known

    async def _voucher(self, text: str) -> Known | None:
        """Know a cash voucher by its batch's number: it has no codes, but a till asks for the tag of its order."""
        batch = await self._journal.batch(text) if could_name_a_batch(text) else None
        if batch is None or batch.product != "cash_voucher":
            return None
        return Known(text, "", None, batch, True, "cash_voucher")

    async def _signed(self, scan: codes.Signed) -> Known:
        keys = await self._journal.keys()
        if scan.code.slot in keys and not codes.verify(scan, keys):
            return Known(scan.text, "", None, None, False, "bad_signature")
        batch = await self._journal.batch_by_number(scan.code.batch)
        good = scan.code.slot in keys
        return Known(scan.text, scan.code.coupon, scan.code.coupon, batch, good, signed=good)

    async def _short(self, scan: codes.Short) -> Known:
        if (mine := await self._journal.pool_code(scan.text)) is not None:
            stock_id, code = mine
            batch = await self._journal.batch(stock_id)
            return Known(scan.text, code.coupon, code.coupon, batch, True, signed=True)
        return await self._unsigned(scan.text)

    async def _unsigned(self, text: str) -> Known:
        """Look a code that proves nothing by itself up among the hashes that the hub has sent down."""
        key = await self._journal.setting("code_key")
        body = await self._journal.code_by_hash(codes.code_hash(bytes.fromhex(key), text)) if key else None
        if body is None:
            return Known(text, await self._digest(text), None, None, False)
        return Known(text, body.coupon, body.coupon, await self._journal.batch(body.stock_id), True)

    async def _digest(self, text: str) -> str:
        key = await self._journal.setting("code_key") or ""
        return "h:" + hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()[:32]
