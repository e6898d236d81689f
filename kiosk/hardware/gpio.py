"""Button, lights and buzzer on the pins, through gpiozero. Its callbacks come on threads: they are handed to the loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from kiosk.events import Bus, DeviceState, Pressed
from kiosk.hardware.ports import HardwareError, State

DEBOUNCE_S = 0.05
"""Arcade buttons bounce for up to 20 ms; gpiozero's own debounce is not simulated by its mock and loses events (its issue 1090)."""
SHORT_S, LONG_S = 0.08, 0.5
PATTERNS = {"steady": (1, 0), "double": (0.15, 0.15), "fast": (0.1, 0.1), "slow": (0.6, 0.6)}


def pin_factory(name: str) -> Any:
    """Return a gpiozero factory; HardwareError says what is missing."""
    try:
        if name == "mock":
            from gpiozero.pins.mock import MockFactory

            return MockFactory()
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()
    except Exception as err:  # gpiozero raises its own and lgpio's errors, none with a common base
        raise HardwareError(
            f'gpio.factory = {name!r} does not work here ({err}); install python3-lgpio, or set "sim" or "none".'
        ) from err


class _Gpio:
    kind = ""

    def __init__(self, name: str, factory: Any, bus: Bus) -> None:
        self.name, self.url = name, "gpio"
        self._factory, self._bus = factory, bus
        self._state: State = "starting"
        self._detail = ""

    @property
    def state(self) -> State:
        """Return how it is."""
        return self._state

    @property
    def detail(self) -> str:
        """Return the last trouble."""
        return self._detail

    def _go(self, state: State, detail: str = "") -> None:
        self._state, self._detail = state, detail
        self._bus.publish(DeviceState(device=f"{self.kind}:{self.name}", state=state, detail=detail))


class GpioButton(_Gpio):
    """A button to ground."""

    kind = "button"

    def __init__(self, name: str, pin: int, factory: Any, bus: Bus) -> None:
        super().__init__(name, factory, bus)
        self._pin = pin
        self._device: Any = None
        self._last = -1.0

    async def start(self) -> None:
        """Watch the pin."""
        from gpiozero import Button

        loop = asyncio.get_running_loop()
        self._device = Button(self._pin, pin_factory=self._factory)
        self._device.when_pressed = lambda: loop.call_soon_threadsafe(self._pressed, time.monotonic())
        self._go("ok")

    def _pressed(self, at: float) -> None:
        bounced = at - self._last < DEBOUNCE_S
        self._last = at
        if not bounced:
            self._bus.publish(Pressed(button=self.name))

    async def stop(self) -> None:
        """Let the pin go."""
        if self._device is not None:
            self._device.close()
            self._device = None
        self._go("absent")


class GpioLights(_Gpio):
    """Red, green and blue LEDs."""

    kind = "lights"

    def __init__(self, name: str, pins: dict[str, int], factory: Any, bus: Bus) -> None:
        super().__init__(name, factory, bus)
        self._pins = pins
        self._leds: dict[str, Any] = {}
        self._off: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Take the pins."""
        from gpiozero import LED

        self._leds = {colour: LED(pin, pin_factory=self._factory) for colour, pin in self._pins.items()}
        self._go("ok")

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour in a rhythm for a while; the latest call wins."""
        self._dark()
        led = self._leds.get(colour)
        if led is None:
            return
        on, off = PATTERNS.get(pattern, PATTERNS["steady"])
        if off:
            led.blink(on, off)
        else:
            led.on()
        self._off = asyncio.get_running_loop().call_later(seconds, self._dark)

    def _dark(self) -> None:
        if self._off is not None:
            self._off.cancel()
            self._off = None
        for led in self._leds.values():
            led.off()

    async def stop(self) -> None:
        """Switch off and let go."""
        self._dark()
        for led in self._leds.values():
            led.close()
        self._leds = {}
        self._go("absent")


class GpioBuzzer(_Gpio):
    """An active buzzer."""

    kind = "buzzer"

    def __init__(self, name: str, pin: int, factory: Any, bus: Bus) -> None:
        super().__init__(name, factory, bus)
        self._pin = pin
        self._device: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the pin."""
        from gpiozero import DigitalOutputDevice

        self._device = DigitalOutputDevice(self._pin, pin_factory=self._factory)
        self._go("ok")

    def play(self, sound: str) -> None:
        """Play beeps; the latest call wins."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._beep(sound), name="buzzer")

    async def _beep(self, sound: str) -> None:
        try:
            for mark in sound:
                self._device.on()
                await asyncio.sleep(SHORT_S if mark == "." else LONG_S)
                self._device.off()
                await asyncio.sleep(SHORT_S)
        finally:
            if self._device is not None:
                self._device.off()

    async def stop(self) -> None:
        """Be quiet and let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._device is not None:
            self._device.close()
            self._device = None
        self._go("absent")
