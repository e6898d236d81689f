"""The way to the hub for slips; implements `kiosk.printing.printers.hub_printer.Via`."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from kiosk.printing.printers.hub_printer import HubJob, ViaError
from kiosk.printing.printers.port import Outcome, Status
from kiosk.sync import protocol as p
from kiosk.sync.client import HubAway, HubClient, HubRefused

T = TypeVar("T", p.Printed, p.PrinterState)
OURS = frozenset({"not_yours", "no_account", "rid_reused", "bad_request", "too_large"})
"""Refusals of the print itself; every other one says that the hub cannot tell now."""


class HubVia:
    """Hands slips to the hub. Printers are built before the client is: it is attached when it is there."""

    def __init__(self) -> None:
        self._client: HubClient | None = None

    def attach(self, client: HubClient) -> None:
        """Take the client that is started and stopped by the sync."""
        self._client = client

    async def print(self, job: HubJob, wait_s: float) -> Outcome:
        """Have a slip printed; ViaError."""
        ask = p.PrintAsk(
            rid=job.rid,
            printer=job.printer,
            content=job.content,
            copies=job.copies,
            deadline_s=job.deadline_s,
        )
        told = await self._call("POST", "/v1/device/slip", p.Printed, ask, wait_s)
        return _outcome(told, job.rid)

    async def ended(self, rid: str, wait_s: float) -> Outcome:
        """Return how a print ended, and have the hub refuse it for ever when it never got it; ViaError."""
        told = await self._call("POST", "/v1/device/slip/end", p.Printed, p.PrintEnd(rid), wait_s)
        return _outcome(told, rid)

    async def status(self, printer: str, wait_s: float) -> Status:
        """Return how a printer is; ViaError."""
        # Not quoted: an address has only signs that stand for themselves in a query, and what is signed is what is sent.
        told = await self._call("GET", f"/v1/device/printer?url={printer}", p.PrinterState, None, wait_s)
        try:
            return msgspec.convert({"state": told.state, "detail": told.detail}, Status)
        except msgspec.ValidationError:
            return Status("error", told.detail)

    async def _call(
        self, method: str, path: str, kind: type[T], ask: p.PrintAsk | p.PrintEnd | None, wait_s: float
    ) -> T:
        if self._client is None:
            raise ViaError("the hub is not connected yet.", "not_present", away=True)
        try:
            return await self._client.call(method, path, kind, ask, deadline_s=wait_s)
        except HubAway as err:
            raise ViaError(f"the hub does not answer ({err}).", "no_answer", away=True) from err
        except HubRefused as err:
            if err.error in OURS:
                raise ViaError(str(err), "configuration", away=False) from err
            raise ViaError(f"the hub refuses: {err}", "permission", away=True) from err


def _outcome(told: p.Printed, rid: str) -> Outcome:
    if told.rid != rid:
        raise ViaError("what answered mixes answers up.", "no_answer", away=True)
    plain = {"ended": told.ended, "trouble": told.trouble, "detail": told.detail, "sent": told.sent}
    try:
        return msgspec.convert(plain, Outcome)
    except msgspec.ValidationError:  # a newer hub's word
        return Outcome(told.ended, "io", told.detail, told.sent)
