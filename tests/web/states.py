"""Every state of the counter page, brought about in a running kiosk."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import msgspec

from kiosk.counter.glass import Proof
from kiosk.counter.show import Show, Status
from kiosk.events import Outcome, OutcomeKind
from kiosk.web.services import SERVICES
from tests.web.rig import SOON_S, Rig, eventually

HUB = ("offline", "pending", "revoked", "starting")
TITLES = {
    "zh_CN": {
        "confirmed": "核销成功",
        "accepted": "已按规则本机受理",
        "refused": "未受理：这张券已经用过",
        "retry": "请再试一次",
        "help": "请咨询店员",
        "printed": "请取走小票",
        "info": "终端状态已打印",
        "busy": "请稍候",
    },
    "en": {
        "confirmed": "Coupon confirmed",
        "accepted": "Accepted here under the batch's rule",
        "refused": "Not accepted: this coupon was used before",
        "retry": "Please try again",
        "help": "Please ask the staff",
        "printed": "Please take your slip",
        "info": "How the kiosk is was printed",
        "busy": "One moment, please",
    },
}
"""A sentence that suits each outcome, as long as they get; the real ones are judged where they are made."""
WORDS = {
    "zh_CN": ("满20减3", "满20元可用，请核对"),
    "en": ("¥3 off from ¥20", "Valid from ¥20, please check"),
}
HOURS = {
    "zh_CN": {"hours": "营业 08:00–22:30", "notice": "2月16日至2月22日休息"},
    "en": {"hours": "Open 08:00–22:30", "notice": "Closed 16 Feb 2027 to 22 Feb 2027"},
}
STATES = (
    "ready",
    "no-batches",
    "no-slips",
    "hours",
    "dim",
    *HUB,
    "closed",
    *(f"outcome-{k}" for k in get_args(OutcomeKind)),
)
CODE_SHOWN = frozenset(s for s in STATES if s != "closed" and not s.startswith("outcome-"))


def show_of(kiosk: Rig) -> Show:
    """Return what makes the kiosk's views."""
    runner = kiosk.daemon.server._runner
    assert runner is not None
    show: Show = runner.app[SERVICES].show
    return show


class Proofs:
    """Hears what a page reports of its glass, besides the daemon."""

    def __init__(self, kiosk: Rig) -> None:
        glass = kiosk.daemon.glass
        assert glass is not None
        self._real = glass.report
        self.heard: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        """Module bits, and whether the page says that the code is to be seen."""
        glass.report = self._report  # type: ignore[method-assign]

    def _report(
        self, bits: str, frame: int, visible: bool, seq: int = 0, newest: int = 0, *, load: str = ""
    ) -> Proof:
        self.heard.put_nowait((bits, visible))
        return self._real(bits, frame, visible, seq, newest, load=load)

    async def next(self) -> str:
        """Return the bits of the next report of a code that is to be seen; older reports are forgotten."""
        while not self.heard.empty():
            self.heard.get_nowait()
        async with asyncio.timeout(SOON_S):
            while True:
                bits, visible = await self.heard.get()
                if visible:
                    return bits


class Stage:
    """Puts a kiosk into one state after another; what makes the views is its own."""

    def __init__(self, kiosk: Rig, locale: str = "zh_CN") -> None:
        self._kiosk, self._locale, self._show = kiosk, locale, show_of(kiosk)
        self._real_status, self._real_make = self._show._status, self._show._make
        self._change: dict[str, Any] = {}
        self._hub, self._turn = "", 0
        self._show._status = self._status
        self._show._make = self._make  # type: ignore[method-assign]

    async def _status(self) -> Status:
        real = await self._real_status()
        return msgspec.structs.replace(real, hub=self._hub, code="K7-42") if self._hub else real

    async def _make(self) -> dict[str, Any]:
        turn, change = self._turn, self._change
        return {**await self._real_make(), **change, "turn": turn}

    async def enter(
        self, state: str, change: dict[str, Any] | None = None, texts: tuple[str, str, str] | None = None
    ) -> int:
        """Bring the state about; return the number of the view that has it.

        `change` replaces parts of the view, `texts` those of an outcome.
        """
        self._turn += 1
        self._hub = state if state in HUB else ""
        self._change = (change or {}) | {
            "no-batches": {"batches": []},
            "no-slips": {"slip": {"enabled": False, "text": ""}},
            "closed": {"open": False},
            "dim": {"rest": "dim"},
            "hours": {"shop": HOURS[self._locale]},
        }.get(state, {})
        self._show._outcome = None
        if state.startswith("outcome-"):
            kind: Any = state.removeprefix("outcome-")
            title, detail, hint = texts or (TITLES[self._locale][kind], *WORDS[self._locale])
            self._show._take(Outcome(kind=kind, title=title, detail=detail, hint=hint, until_s=600))
        self._show._dirty.set()
        await eventually(lambda: self._show.view.get("turn") == self._turn)
        seq: int = self._show.view["seq"]
        return seq
