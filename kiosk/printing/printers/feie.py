"""feie://SN: one printer at Feie. It takes an order while the printer is off and prints it whenever it can, so:

every order carries an expiry; a printed slip is one that the printer acknowledged; and an order whose answer was lost is
never given again, since Feie has no key to know it by. It ends as *failed* only when Feie's own figures rule paper out.
"""

from __future__ import annotations

import asyncio
import time
from math import ceil

import msgspec

from kiosk.printing.feie import CAN, render
from kiosk.printing.printers.cloud import CloudError, NoAnswer, Refused, pauses, trouble_of_state
from kiosk.printing.printers.cloud_printer import Clock, CloudPrinter, Order
from kiosk.printing.printers.clouds import Account, Driver
from kiosk.printing.printers.feie_api import REGIONS, Counted, FeieAccount, FeieApi
from kiosk.printing.printers.port import Outcome, Status, Wants, has_left
from kiosk.printing.profiles import Profile

CALL_S = 5.0
"""Longest wait for a question."""
ORDER_S = 8.0
"""Longest wait for the answer to an order; clients in production use 5 to 15 s."""
SURE_S = 10.0
"""From this deadline on there is time to see an order expire, and to be sure."""
LATER_S = 6.0
"""For the last looks at an order of the last run, beyond what was left of its time."""
MARGIN_S = 4
"""Seconds kept between the expiry and the deadline, for the last look."""
OFF_LIFE_S = 5
"""Life of an order for a printer that Feie calls offline: its word may be old, but a chain must go on soon."""
OFFLINE_LAG_S = 120.0
"""Feie says offline when it has heard nothing for so long: what it accepted since then never reached the printer."""


class FeieOrder(Order):
    """What is known of the order under way."""

    before: Counted | None = None
    expires: int = 0


def life_s(deadline_s: float, state: str) -> int:
    """Return how many seconds an order may wait in the cloud."""
    if deadline_s < SURE_S:
        return max(2, ceil(deadline_s))
    longest = int(deadline_s) - MARGIN_S
    return min(longest, OFF_LIFE_S) if state == "offline" else longest


def not_printed(status: Status, waited_s: float, expired: bool, size: int) -> Outcome:
    """Judge an order that Feie took and that the printer has not acknowledged by the deadline."""
    if status.state == "offline" and expired and waited_s < OFFLINE_LAG_S:
        return Outcome(
            "failed",
            "not_present",
            "the printer has been offline since before this order, which has expired",
            0,
        )
    told = status.detail or "the printer did not acknowledge the slip in time"
    return Outcome("unknown", trouble_of_state(status), f"Feie took the order; {told}", size)


def unanswered(before: Counted | None, after: Counted | None, arrived: bool, expired: bool) -> Outcome | None:
    """Judge an order whose answer was lost by the day's counters; None: still open. `arrived`: they have shown it."""
    if before is None or after is None or before.day != after.day:
        return None
    if after.printed > before.printed:
        return Outcome(
            "unknown", "no_answer", "Feie's answer was lost; its counters say that a slip was printed"
        )
    if expired and not arrived and after.all <= before.all:
        return Outcome(
            "failed", "no_answer", "Feie's answer was lost; its counters say that the order never arrived", 0
        )
    return None


class FeiePrinter(CloudPrinter[FeieOrder]):
    """A Feie printer of our own account."""

    title = "Feie"
    wants: Wants = "feie"
    can = CAN
    order = FeieOrder

    def __init__(
        self, name: str, url: str, profile: Profile, sn: str, account: FeieAccount, clock: Clock = time.time
    ) -> None:
        super().__init__(name, url, profile, sn, clock)
        self._api = FeieApi(account, clock)

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Tell what became of an order of the last run; past its time Feie has dropped it, and only a print counts."""
        del rid  # Feie has no key of ours
        try:
            printed = await self._api.is_printed(reference, CALL_S)
        except Refused as err:
            return Outcome("unknown", err.trouble, str(err))
        except CloudError:
            return None
        if printed:
            return Outcome("printed", "", f"acknowledged by the printer, order {reference}")
        now, left = asyncio.get_running_loop().time(), max(0.0, whole_s - age_s)
        expires = int(self._api.cloud.now() + left)
        return await self._follow(
            FeieOrder(0, now - age_s, now + left + LATER_S, expires=expires, number=reference, maybe=True)
        )

    async def _print(self, work: FeieOrder, content: str, rid: str, copies: int) -> Outcome:
        del rid
        call = min(CALL_S, work.left() * 0.3)
        try:
            work.before, state = await self._look(call)
        except CloudError as err:
            return Outcome("failed", err.trouble, f"{err} No order was given.")
        wait = min(ORDER_S, work.left() * 0.5)
        work.expires = int(self._api.cloud.now()) + life_s(work.left(), state)
        work.leaves()
        try:
            work.number = await self._api.print_msg(self.number, content, copies, work.expires, wait)
        except NoAnswer as err:
            return await self._compare(work, str(err))
        except CloudError as err:
            work.maybe = False
            return Outcome("failed", err.trouble, str(err))
        await has_left(work.number)
        return await self._follow(work)

    async def _look(self, timeout_s: float) -> tuple[Counted | None, str]:
        """Ask for counters and state before an order: what is wrong with account, clock or network shows while nothing can print."""
        counted, status = await asyncio.gather(
            self._api.count(self.number, timeout_s),
            self._api.status(self.number, timeout_s),
            return_exceptions=True,
        )
        for answer in (counted, status):
            if isinstance(answer, CloudError):
                if not (isinstance(answer, Refused) and answer.trouble == "io"):
                    raise answer
            elif isinstance(answer, BaseException):
                raise answer
        return (
            counted if isinstance(counted, Counted) else None,
            status.state if isinstance(status, Status) else "",
        )

    async def _follow(self, work: FeieOrder) -> Outcome:
        """Ask whether the order was printed until the time is nearly over, then judge."""
        reserve, pause = min(2.0, (work.end - work.began) * 0.25), pauses()
        while work.left() > reserve:
            if await self._acknowledged(work):
                return Outcome("printed", "", f"acknowledged by the printer, order {work.number}", work.size)
            if self._expired(work) and work.left() > reserve:
                break
            await self._rest(min(next(pause), max(0.05, work.left() - reserve)))
        expired = self._expired(work)
        if await self._acknowledged(work):
            return Outcome("printed", "", f"acknowledged by the printer, order {work.number}", work.size)
        try:
            status = await self._api.status(self.number, max(0.2, work.left() * 0.8))
        except CloudError as err:
            status = Status("nobody_answered", str(err))
        waited = asyncio.get_running_loop().time() - work.began
        return not_printed(status, waited, expired, work.size)

    async def _acknowledged(self, work: FeieOrder) -> bool:
        try:
            return await self._api.is_printed(work.number, max(0.2, min(CALL_S, work.left() * 0.4)))
        except CloudError:
            return False  # not answered is not printed; asked again until the time is over

    async def _compare(self, work: FeieOrder, why: str) -> Outcome:
        """Watch the day's counters until they tell, or the time is nearly over."""
        arrived, pause = False, pauses()
        while work.before is not None and work.left() > 0.5:
            expired = self._expired(work)
            try:
                after = await self._api.count(self.number, max(0.2, min(CALL_S, work.left() * 0.5)))
            except CloudError:
                after = None
            arrived = arrived or (after is not None and after.all > work.before.all)
            if (judged := unanswered(work.before, after, arrived, expired)) is not None:
                return msgspec.structs.replace(judged, sent=work.size if judged.ended == "unknown" else 0)
            await asyncio.sleep(min(next(pause), max(0.05, work.left() - 0.5)))
        told = "its counters say that the order arrived" if arrived else "its counters do not tell more"
        return Outcome("unknown", "no_answer", f"{why} {told}; look at the printer", work.size)

    def _expired(self, work: FeieOrder) -> bool:
        """Tell whether the order's time has passed by Feie's clock, whose Date header has whole seconds."""
        return self._api.cloud.now() > work.expires + 2

    async def _state(self) -> Status:
        return await self._api.status(self.number, CALL_S)

    async def _close(self) -> None:
        await self._api.cloud.stop()


def _open(name: str, url: str, profile: Profile, number: str, given: Account) -> FeiePrinter:
    account = FeieAccount(
        user=given.who,
        ukey=given.key,
        base_url=given.base_url or REGIONS["cn"],
        backurl=given.more.get("backurl", ""),
    )
    return FeiePrinter(name, url, profile, number, account)


DRIVER = Driver(
    scheme="feie",
    title="Feie",
    example="920000001",
    can=CAN,
    render=render,
    open=_open,
    key="ukey",
    thanks="SUCCESS",
)
