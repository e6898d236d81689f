"""yilianyun://MACHINE: one printer at Yilianyun. An order has a key of ours, so a lost answer is asked for again with the same key.

There is no expiry: an order that is not printed in time is cancelled, and only then is it certain that nothing appears.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import zlib

from kiosk.printing.printers.cloud import CloudError, NoAnswer, NotSent, Refused, pauses, trouble_of_state
from kiosk.printing.printers.cloud_printer import Clock, CloudPrinter, Order
from kiosk.printing.printers.clouds import Account, Driver
from kiosk.printing.printers.port import Outcome, Status, Wants, has_left
from kiosk.printing.printers.yilianyun_account import CHINA_URL, YilianyunAccount
from kiosk.printing.printers.yilianyun_api import CodedRefusal, YilianyunApi
from kiosk.printing.profiles import Profile
from kiosk.printing.yilianyun import CAN, render

CALL_S = 5.0
"""Longest wait for one answer."""
GRACE_S = 4.0
"""So long an order waits for a printer that is said to be off or without paper, before it is taken back."""
LATE_S = 30.0
"""An order that was asked for so long ago and is in no list never arrived: no answer is waited for longer than `CALL_S`."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Between two tries with the same key."""


def origin_id(rid: str, machine: str) -> str:
    """Return our key of an order: another one for each print and printer, at most 32 letters and digits (version 1's limit).

    The key is known to the whole application, not to one printer: the same one on a second printer would print nothing.
    """
    mark = f"{zlib.crc32(machine.encode()):08x}"
    if rid.isascii() and rid.isalnum() and len(rid) <= 24:
        return rid + mark
    return hashlib.sha256(rid.encode()).hexdigest()[:24] + mark


def taken_back(version: int, cancelled: bool, state: str, why: Status, size: int) -> Outcome:
    """Judge an order after it was to be cancelled. `state` is its last known state; version 1 shows cancelled as waiting."""
    trouble = trouble_of_state(why)
    told = why.detail or "the printer did not print the slip in time"
    if state == "printed":
        return Outcome("printed", "", "printed while it was being cancelled", size)
    if state == "cancelled" or (cancelled and (state == "" or (version == 1 and state == "waiting"))):
        return Outcome("failed", trouble, f"{told}; the order is cancelled", 0)
    return Outcome("unknown", trouble, f"{told}; the order could not be cancelled", size)


class YilianyunPrinter(CloudPrinter[Order]):
    """A Yilianyun printer of our own application."""

    title = "Yilianyun"
    wants: Wants = "yilianyun"
    can = CAN

    def __init__(
        self,
        name: str,
        url: str,
        profile: Profile,
        machine: str,
        account: YilianyunAccount,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(name, url, profile, machine, clock)
        self._api = YilianyunApi(account, clock)

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Tell what became of an order of the last run; one that still waits is given its time, then cancelled.

        Without a number it is looked for in Yilianyun's list under our key; what is not there never arrived.
        """
        try:
            if not reference:
                reference = await self._api.number_of(self.number, origin_id(rid, self.number), CALL_S)
            if not reference:
                told = "the kiosk stopped before Yilianyun had the order"
                return Outcome("failed", "", told) if age_s >= LATE_S else None
            await self._api.order_state(self.number, reference, CALL_S)
        except Refused as err:
            return Outcome("unknown", err.trouble, str(err))
        except CloudError:
            return None
        now, left = asyncio.get_running_loop().time(), max(0.0, whole_s - age_s)
        return await self._follow(Order(0, now - age_s, now + left + GRACE_S, number=reference, maybe=True))

    async def _print(self, work: Order, content: str, rid: str, copies: int) -> Outcome:
        del copies  # they are in the markup
        ended = await self._order(work, content, origin_id(rid, self.number))
        if ended is not None:
            return ended
        await has_left(work.number)
        return await self._follow(work)

    async def _order(self, work: Order, content: str, origin: str) -> Outcome | None:
        """Give the order until it is taken, each time under the same key; an outcome when it is not."""
        waits = iter(PAUSES_S)
        while True:
            before = work.maybe
            try:
                wait = max(0.2, min(CALL_S, work.left() * 0.4))
                work.number = await self._api.print_index(self.number, content, origin, wait, work.leaves)
                return None
            except NotSent as err:
                if not before:
                    work.maybe = False
                    return Outcome("failed", err.trouble, f"{err} No order was given.")
                told: CloudError = err
            except CodedRefusal as err:
                if err.kind != "again":
                    return self._refused(work, before, err)
                told = err
            except Refused as err:
                return self._refused(work, before, err)
            except NoAnswer as err:
                told = err
            pause = next(waits, PAUSES_S[-1])
            if work.left() < pause + 0.5:
                return Outcome("unknown", told.trouble, f"{told} The order may have arrived.", work.size)
            await asyncio.sleep(pause)

    def _refused(self, work: Order, earlier: bool, err: Refused) -> Outcome:
        """Judge a refusal: certain for this try; an earlier one without an answer may still have arrived."""
        work.maybe = earlier
        if earlier:
            return Outcome("unknown", err.trouble, f"{err} An earlier try may have arrived.", work.size)
        return Outcome("failed", err.trouble, str(err))

    async def _follow(self, work: Order) -> Outcome:
        """Ask for the order's state until it is printed, cancelled or no longer worth waiting for."""
        reserve, pause = min(3.0, (work.end - work.began) * 0.3), pauses()
        taken, why = asyncio.get_running_loop().time(), Status("nobody_answered")
        while work.left() > reserve:
            state = await self._fate(work)
            if state == "printed":
                return Outcome("printed", "", f"finished by the printer, order {work.number}", work.size)
            if state == "cancelled":
                return Outcome("failed", "gone", "the order was cancelled at Yilianyun", 0)
            if asyncio.get_running_loop().time() - taken >= GRACE_S:
                why = await self._why(work)
                if why.state in ("offline", "out"):
                    break
            await self._rest(min(next(pause), max(0.05, work.left() - reserve)))
        return await self._take_back(work, why)

    async def _take_back(self, work: Order, why: Status) -> Outcome:
        """Cancel the order, and ask what became of it."""
        cancelled = False
        try:
            await self._api.cancel(self.number, work.number, self._share(work, 0.4))
            cancelled = True
        except CloudError:
            cancelled = False  # printed, being printed, or not known: its state is asked next
        state = await self._fate(work)
        if why.state == "nobody_answered" and state != "printed":
            why = await self._why(work)
        return taken_back(self._api.version, cancelled, state, why, work.size)

    async def _fate(self, work: Order) -> str:
        try:
            return await self._api.order_state(self.number, work.number, self._share(work, 0.4))
        except CloudError:
            return ""  # asked again until the time is over

    async def _why(self, work: Order) -> Status:
        try:
            return await self._api.status(self.number, self._share(work, 0.4))
        except CloudError as err:
            return Status("nobody_answered", str(err))

    def _share(self, work: Order, part: float) -> float:
        return max(0.1, min(CALL_S, work.left() * part))

    async def _state(self) -> Status:
        return await self._api.status(self.number, CALL_S)

    async def _close(self) -> None:
        await self._api.stop()


def _open(name: str, url: str, profile: Profile, number: str, given: Account) -> YilianyunPrinter:
    account = YilianyunAccount(
        client_id=given.who,
        secret=given.key,
        base_url=given.base_url or CHINA_URL,
        api_version=given.more.get("api_version", 2),
        data_dir=given.data_dir,
    )
    return YilianyunPrinter(name, url, profile, number, account)


DRIVER = Driver(
    scheme="yilianyun",
    title="Yilianyun",
    example="4004500001",
    can=CAN,
    render=render,
    open=_open,
    who="client_id",
    key="client_secret",
    thanks='{"data":"OK"}',
)
