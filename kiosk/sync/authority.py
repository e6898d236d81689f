"""The counter's question, put to the hub."""

from __future__ import annotations

from kiosk.counter.authority import Decision, Question, ShutOut, Silent
from kiosk.sync.client import HubAway, HubClient, HubRefused
from kiosk.sync.protocol import Answer, Ask
from kiosk.sync.reach import Reach

SHUT_OUT = ("revoked", "pending", "unknown_device", "bad_signature")
"""What the hub says of this kiosk itself, before it looks at the question."""


class HubAuthority:
    """Asks the hub within the deadline; implements `kiosk.counter.authority.Authority`."""

    def __init__(self, client: HubClient, reach: Reach) -> None:
        self._client, self._reach = client, reach

    @property
    def away(self) -> bool:
        """Tell whether the hub is known to be away."""
        return self._reach.away

    async def decide(self, question: Question, deadline_s: float) -> Decision:
        """Ask; Silent when no answer came in time. An error of the hub is no answer: nobody knows whether it decided.

        ShutOut when the hub does not let this kiosk in; sync hears of it at once.
        """
        ask = Ask(
            rid=question.rid,
            code=question.code,
            store=question.store,
            total=question.total,
            goods=question.goods,
            own_coupon_applied=question.own_coupon_applied,
            lease=question.lease,
        )
        try:
            answer = await self._client.call("POST", "/v1/device/redeem", Answer, ask, deadline_s=deadline_s)
        except HubAway as err:
            self._reach.missed(str(err))
            raise Silent(str(err)) from err
        except HubRefused as err:
            if err.error in SHUT_OUT:
                self._reach.shut_out(str(err))
                raise ShutOut(str(err)) from err
            raise Silent(str(err)) from err
        if answer.rid != question.rid:
            self._reach.missed("an answer to another question")
            raise Silent("what answered mixes answers up")
        self._reach.answered()
        return Decision(
            status=answer.status,
            reason=answer.reason,
            stock_id=answer.stock_id,
            coupon=answer.coupon,
            first_use=answer.first_use,
            threshold=answer.threshold,
            discount=answer.discount,
            goods_tag=answer.goods_tag,
        )
