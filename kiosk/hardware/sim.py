"""Simulated devices: behind `sim://`, driven by tests, the tour and the page of simulated devices.

Each can be given a fault by name, as its real sister gets it from the world; what the words mean for each kind is in FAULTS.
The kinds themselves are in `sim_inputs`, `sim_outputs`, `sim_scanner`, `sim_display`, `sim_speaker` and `sim_till`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kiosk.events import Bus
from kiosk.hardware.ports import State
from kiosk.hardware.stated import Stated

if TYPE_CHECKING:
    from kiosk.hardware.sim_inputs import SimButton
    from kiosk.hardware.sim_scanner import SimScanner
    from kiosk.hardware.sim_till import SimTill

KEEP = 50
DARK: dict[str, Any] = {"colour": "off", "pattern": "off", "seconds": 0.0}
GONE: tuple[State, str] = ("absent", "unplugged")
FINE: tuple[State, str] = ("ok", "")
FAULTS: dict[str, dict[str, tuple[State, str]]] = {
    # noise: bytes that mean nothing before each code; chatter: read ten times; slow: late; wrong: one character misread
    "scanner": {"gone": GONE, "noise": FINE, "chatter": FINE, "slow": FINE, "wrong": FINE},
    # noise: spikes too short for a hand; chatter: a loose wire; stuck: down for ever; slow: late
    "button": {
        "gone": GONE,
        "noise": FINE,
        "chatter": ("error", "chatters: check its wire and its ground."),
        "stuck": ("error", "has been down for 30 s: it is stuck."),
        "slow": FINE,
    },
    # what only listens can be gone, and nothing else that anybody could notice
    "lights": {"gone": GONE},
    "buzzer": {"gone": GONE},
    "drawer": {"gone": GONE},
    # silent: no answer; noise: an answer that is none; wrong: "no"; slow: shown late; chatter: comes and goes
    "display": {
        "gone": GONE,
        "silent": ("error", "it does not answer."),
        "noise": ("error", "it answers bytes that mean nothing."),
        "wrong": ("error", "it says no: it does not understand the statement."),
        "slow": FINE,
        "chatter": FINE,
    },
    # the same of a speaker's service; chatter: it hears everything twice, and says it once
    "speaker": {
        "gone": GONE,
        "silent": ("error", "its service does not answer."),
        "noise": ("error", "its service answers bytes that mean nothing."),
        "wrong": ("error", "its service says that the token is not valid."),
        "slow": FINE,
        "chatter": FINE,
    },
    # noise: a line that means nothing before each sale; wrong: a total with a point; slow: late; chatter: sent three times
    "till": {"gone": GONE, "noise": FINE, "chatter": FINE, "slow": FINE, "wrong": FINE},
    "presence": {"gone": GONE},
    "power": {"gone": GONE},
}


class SimBench:
    """All simulated devices of one process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.scanners: dict[str, SimScanner] = {}
        self.buttons: dict[str, SimButton] = {}
        self.lights = dict(DARK)
        self.sounds: list[str] = []
        self.displays: dict[str, dict[str, Any]] = {}
        self.drawers: dict[str, int] = {}
        self.said: dict[str, list[str]] = {}
        self.tills: dict[str, SimTill] = {}
        self.answers: dict[str, dict[str, object]] = {}
        """What each till was told last."""
        self.all: dict[str, SimDevice] = {}
        self.log: list[dict[str, Any]] = []
        self.version = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def present(self) -> bool:
        """Tell whether any device of this process is simulated."""
        return bool(self.all)

    def press(self, name: str = "button", *, long: bool = False) -> bool:
        """Press a button; False when there is none of that name, or it does not work."""
        button = self.buttons.get(name)
        return button is not None and button.press(long=long)

    def scan(self, name: str, text: str) -> bool:
        """Hold a code under a scanner; False when there is none of that name, or it does not work."""
        scanner = self.scanners.get(name)
        return scanner is not None and scanner.scan(text)

    def fault(self, device: str, fault: str) -> None:
        """Give a device (`scanner:till`) a fault; `none` mends it. ValueError names what there is."""
        found = self.all.get(device)
        if found is None:
            raise ValueError(f"there is no simulated {device}; there are {', '.join(sorted(self.all))}.")
        found.set_fault(fault)
        self.note("fault", f"{device} {fault}")

    def act(self, device: str, act: str) -> bool:
        """Do with a device what a hand would (`press`, `come`, `cut`, ...); False when it does not work. ValueError names what there is."""
        found = self.all.get(device)
        if found is None:
            raise ValueError(f"there is no simulated {device}; there are {', '.join(sorted(self.all))}.")
        acts = found.acts()
        if act not in acts:
            raise ValueError(f"a {found.kind} knows no {act}; there are {', '.join(acts) or 'none'}.")
        return acts[act]()

    def note(self, what: str, detail: str) -> None:
        """Note that something happened and tell who watches. Scanned texts are not kept."""
        self.version += 1
        self.log = [
            *self.log[-KEEP:],
            {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what, "detail": detail},
        ]
        for listener in list(self._listeners):
            listener()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each change; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def state(self) -> dict[str, Any]:
        """Return everything the page of simulated devices shows."""
        return {
            "version": self.version,
            "scanners": list(self.scanners),
            "buttons": list(self.buttons),
            "lights": self.lights,
            "sounds": self.sounds[-KEEP:],
            "displays": self.displays,
            "drawers": self.drawers,
            "said": self.said,
            "tills": list(self.tills),
            "answers": self.answers,
            "devices": {
                key: {
                    "kind": d.kind,
                    "name": d.name,
                    "state": d.state,
                    "detail": d.detail,
                    "fault": d.fault,
                    "shows": d.shows(),
                }
                for key, d in self.all.items()
            },
            "log": self.log[-12:],
        }


class SimDevice(Stated):
    """What simulated devices share."""

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, "sim://", bus, "simulated")
        self._bench = bench
        bench.all[f"{self.kind}:{name}"] = self
        self.fault = "none"
        self._started = False

    async def start(self) -> None:
        """Plug in."""
        self._started = True
        self._show_state()

    async def stop(self) -> None:
        """Unplug."""
        self._started = False
        self._go("absent", "stopped")

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what a hand can do with it."""
        return {}

    def shows(self) -> str:
        """Return what can be seen or heard of it now, in its own words."""
        return ""

    def set_fault(self, fault: str) -> None:
        """Break it, or mend it with `none`."""
        known = FAULTS[self.kind]
        if fault != "none" and fault not in known:
            raise ValueError(f"a {self.kind} has no fault {fault}; there are none, {', '.join(known)}.")
        self.fault = fault
        if self._started:
            self._show_state()

    def _show_state(self) -> None:
        state, detail = FAULTS[self.kind].get(self.fault, ("ok", ""))
        self._go(state, detail or "simulated")
