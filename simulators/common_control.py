"""What a simulated cloud is told from outside: GET /_sim/state, POST /_sim/fault, /_sim/printer, /_sim/settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulators.common import Faults, Site
from simulators.common_printer import Device, Health

PHYSICAL: dict[str, Health] = {"offline": "offline", "paper_out": "no_paper", "online": "online"}


class Control:
    """The hand on a cloud and its printers."""

    def __init__(
        self,
        site: Site,
        faults: Faults,
        devices: dict[str, Device],
        settings: dict[str, Any],
        number_key: str,
        state: Callable[[], dict[str, Any]],
    ) -> None:
        self._site, self._faults, self._devices, self._settings = site, faults, devices, settings
        self._number_key, self._more = number_key, state
        self.on: dict[str, Callable[[], None]] = {}
        """Faults that are done at once and stay nothing."""

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses."""
        return [
            web.get("/_sim/state", self._state),
            web.post("/_sim/fault", self._told(self.set_fault)),
            web.post("/_sim/printer", self._told(self.set_printer)),
            web.post("/_sim/settings", self._told(self.set_settings)),
        ]

    def set_fault(self, ask: dict[str, Any]) -> None:
        """Set a fault; those of a printer name it, or mean the first. ValueError or TypeError says what is wrong."""
        name = str(ask.get("fault"))
        if name in PHYSICAL or name == "deaf":
            device = self._device(ask)
            device.deaf = name == "deaf"
            if name == "offline" and "lag_s" in ask:
                device.lag_s = float(ask["lag_s"])
            device.set_health(PHYSICAL.get(name, device.health))
            return
        if name in self.on:
            self.on[name]()
            return
        if self._faults.set(ask) == "none":
            for device in self._devices.values():
                device.deaf = device.held = False
                device.set_health("online")
        fault = self._faults.now
        self._site.ahead_s = fault.number("seconds", 3600) if fault and fault.name == "clock_skew" else 0.0

    def set_printer(self, ask: dict[str, Any]) -> None:
        """Change a printer: {"print_s"?, "lag_s"?, "bound"?, "held"?}."""
        device = self._device(ask)
        device.print_s = float(ask.get("print_s", device.print_s))
        device.lag_s = float(ask.get("lag_s", device.lag_s))
        device.bound, device.held = bool(ask.get("bound", device.bound)), bool(ask.get("held", device.held))
        device.set_health(device.health)

    def set_settings(self, ask: dict[str, Any]) -> None:
        """Change settings of the cloud."""
        if unknown := set(ask) - set(self._settings):
            raise ValueError(
                f"there is no setting {sorted(unknown)[0]}; there are {', '.join(self._settings)}"
            )
        self._settings.update({k: type(self._settings[k])(v) for k, v in ask.items()})

    def _device(self, ask: dict[str, Any]) -> Device:
        number = str(ask.get(self._number_key, next(iter(self._devices))))
        if number not in self._devices:
            raise ValueError(f"there is no printer {number}; there are {', '.join(self._devices)}")
        return self._devices[number]

    def state(self) -> dict[str, Any]:
        """Return everything."""
        return {
            **self._faults.as_json(),
            "settings": self._settings,
            "clock_ahead_s": self._site.ahead_s,
            "printers": {d.number: d.as_json() for d in self._devices.values()},
            **self._more(),
        }

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self.state())

    def _told(self, do: Callable[[dict[str, Any]], None]) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            try:
                ask = await request.json()
                if not isinstance(ask, dict):
                    raise TypeError('send an object, such as {"fault": "none"}')
                do(ask)
            except (ValueError, TypeError) as err:
                return web.json_response({"error": str(err)}, status=400)
            return web.json_response(self.state())

        return handler
