"""The pins of the board through gpiozero, and what the devices on them share.

The library is opened when the first device starts and closed when the last one stops: a board that cannot be opened stops
no kiosk, its devices say what is missing.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Any

from kiosk.events import Bus
from kiosk.hardware.ports import HardwareError
from kiosk.hardware.stated import Stated

log = logging.getLogger(__name__)
AGAIN_S = 30.0
"""When a pin that could not be taken is tried again: another program may have let go of it."""


def pin_factory(name: str) -> Any:
    """Return a gpiozero factory; HardwareError says what is missing."""
    try:
        if name == "mock":
            from gpiozero.pins.mock import MockFactory, MockPWMPin

            return MockFactory(pin_class=MockPWMPin)
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()
    except Exception as err:  # gpiozero raises its own and lgpio's errors, none with a common base
        raise HardwareError(
            f'gpio.factory = "{name}" does not work here ({err}); install python3-lgpio, or set "sim" or "none".'
        ) from err


class Board:
    """Opens the pins' library once for all devices."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.factory: Any = None
        self._users = 0

    def take(self, make: str, pin: int, **words: Any) -> Any:
        """Return a gpiozero device of the class `make` on a pin; HardwareError says why there is none."""
        if self.factory is None:
            self.factory = pin_factory(self.name)
        import gpiozero

        try:
            device = getattr(gpiozero, make)(pin, pin_factory=self.factory, **words)
        except Exception as err:  # as above
            self._close_unused()
            raise HardwareError(
                f"pin {pin} cannot be used ({err}); correct [gpio], or free the pin."
            ) from err
        self._users += 1
        return device

    def give(self, device: Any) -> None:
        """Let a pin go; the last one closes the library."""
        device.close()
        self._users -= 1
        self._close_unused()

    def _close_unused(self) -> None:
        if self._users == 0 and self.factory is not None:
            self.factory.close()
            self.factory = None


class OnPins(Stated, ABC):
    """A device on pins."""

    def __init__(self, name: str, board: Board, bus: Bus) -> None:
        super().__init__(name, "gpio", bus)
        self._board = board
        self._again: asyncio.TimerHandle | None = None

    @abstractmethod
    def _take(self) -> None:
        """Take the pins; HardwareError when that cannot be."""

    @abstractmethod
    def _give(self) -> None:
        """Let the pins go, those that were taken."""

    async def start(self) -> None:
        """Take the pins; where that fails it is tried again by itself."""
        self._try()

    def _try(self) -> None:
        try:
            self._take()
        except HardwareError as err:
            self._give()
            self._fail(str(err))
            return
        self._go("ok")

    def _fail(self, detail: str) -> None:
        """Say that it does not work, and try again in a while."""
        if self._state != "error":
            log.warning("%s %s: %s", self.kind, self.name, detail)
        self._again = asyncio.get_running_loop().call_later(AGAIN_S, self._try)
        self._go("error", detail)

    async def stop(self) -> None:
        """Let the pins go."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._give()
        self._go("absent", "stopped")
