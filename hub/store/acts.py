"""What persons and tills do to redemptions: each act once, noted, and told to the kiosk whose journal has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import attempts
from hub.store import feed
from hub.store.facts import Facts
from hub.store.holds import hold_used
from hub.store.homes import is_shut_out

UNDONE = "rolled_back"
CAN_BE_UNDONE = ("recorded", "conflict")
WHY_MAX = 200


class Undone(msgspec.Struct, frozen=True):
    """How an undoing ended: `again` when it was undone before, and nothing has changed."""

    rid: str
    again: bool


class Acts(Facts):
    """Acts of one tenant."""

    def give_up(self, c: sa.Connection, rid: str, by: str, now: datetime, why: str = "") -> None:
        """Free the use of an approval that no kiosk will record any more: its customer got nothing."""
        hold_used(c, self.tenant, rid)
        where = (attempts.c.tenant == self.tenant, attempts.c.rid == rid, attempts.c.state == "ok")
        known = c.execute(sa.select(attempts).where(*where).with_for_update()).first()
        if known is None:
            raise HubError(f"{rid} is no approval that waits for its record.", 1)
        self._release(c, known, "void", now)
        told = {"rid": rid, "coupon": known.coupon, "device": known.device}
        self._note(c, by, "given_up", told | ({"why": why[:WHY_MAX]} if why else {}), now)
        self._tell(c, known.device, {"of": rid, "why": "given up", "by": by, "learned": True}, now)

    def _tell(self, c: sa.Connection, device: str, said: dict[str, Any], now: datetime) -> None:
        """Let a kiosk know of what was undone; `learned`: only what it has learned from the hub goes, no record of its own."""
        if not device.startswith("till:"):
            feed.put(c, self.tenant, "rollback", said["of"], {**said, "at": now.isoformat()}, device)

    def roll_back(
        self, c: sa.Connection, rid: str, why: str, by: str, now: datetime, *, made_by: str | None = None
    ) -> Undone:
        """Undo a redemption that was honoured, once; a use that was freed goes to the oldest conflict, if there is one.

        `made_by`: the device that must have made it. Its kiosk hears of it by the change log and takes it out of its own
        used-set. An approval without a record is not undone here: its kiosk may be about to honour it (`give_up`). That of a
        kiosk that is shut out is given up, which stands for the same; should its record come up after all, it is a conflict.
        """
        hold_used(c, self.tenant, rid)
        where = (attempts.c.tenant == self.tenant, attempts.c.rid == rid)
        known = c.execute(sa.select(attempts).where(*where).with_for_update()).first()
        if known is None or (made_by is not None and known.device != made_by):
            raise Refused(
                "not_found", f"{rid[:32]} is no redemption of this hub; its export names them.", 404
            )
        if known.state == UNDONE:
            return Undone(rid, True)
        if known.state == "ok" and is_shut_out(c, self.tenant, known.device):
            self.give_up(c, rid, by, now, why)
            return Undone(rid, False)
        if known.state not in CAN_BE_UNDONE:
            raise Refused(
                "not_honoured",
                f"{rid} was not honoured (it is {known.state}); there is nothing to undo.",
                409,
            )
        self._release(c, known, UNDONE, now)
        told = {
            "rid": rid,
            "coupon": known.coupon,
            "device": known.device,
            "was": known.state,
            "why": why[:WHY_MAX],
        }
        self._note(c, by, UNDONE, told, now)
        self._tell(c, known.device, {"of": rid, "why": why[:WHY_MAX], "by": by}, now)
        return Undone(rid, False)
