"""Every cloud behind one face, so that what is honest about a printer is written once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiosk.config import Settings
from kiosk.printing.printers import clouds
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.printers.accounts import Accounts
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.feie import FeiePrinter
from kiosk.printing.printers.feie_api import FeieAccount
from kiosk.printing.printers.port import Printer
from kiosk.printing.printers.yilianyun import YilianyunPrinter
from kiosk.printing.printers.yilianyun_account import YilianyunAccount
from kiosk.printing.profiles import profile
from kiosk.settings import CloudAccount
from simulators.common_printer import Device
from simulators.feie import FeieSim
from simulators.yilianyun import YilianyunSim
from tests.cloud_printers import third
from tests.cloud_printers.third import ThirdSim

CLOUDS = ("feie", "yilianyun1", "yilianyun2", "third")
"""Two versions of one are told apart by their number; `third` is known to the house by one line of a table alone."""
JOB = {
    "feie": "<CB>老王便利店</CB><BR>满20减3<BR>",
    "yilianyun": "<FS2>老王便利店</FS2>\n满20减3\n",
    "third": "老王便利店\n满20减3\n",
}
PRINT = {"feie": ("apiname", "Open_printMsg"), "yilianyun": ("path", "print/index"), "third": ("op", "print")}
"""What a call is named by, and the name of an order."""
SIMS: dict[str, Callable[[], Any]] = {"feie": FeieSim, "yilianyun": YilianyunSim, "third": ThirdSim}


@dataclass
class Rig:
    """One cloud over a real socket, and how to make printers for it."""

    kind: str
    sim: Any
    directory: Path

    @property
    def cloud(self) -> str:
        return self.kind.rstrip("12")

    @property
    def driver(self) -> clouds.Driver:
        found = clouds.driver(self.cloud)
        assert found is not None
        return found

    @property
    def can(self) -> Abilities:
        return self.driver.can

    @property
    def job(self) -> bytes:
        return JOB[self.cloud].encode()

    @property
    def device(self) -> Device:
        return next(iter(self.sim.devices.values()))

    @property
    def orders(self) -> list[Any]:
        return self.device.orders

    @property
    def paper(self) -> int:
        """Slips that came out."""
        return sum(order.on_paper for order in self.device.orders)

    def calls(self, operation: str) -> list[dict[str, str]]:
        return [call for call in self.sim.calls if call.get(PRINT[self.cloud][0]) == operation]

    @property
    def prints(self) -> int:
        """Orders that were asked for, taken or not."""
        return len(self.calls(PRINT[self.cloud][1]))

    def printer(
        self, secret: str = "", number: str = "", clock: Callable[[], float] | None = None, url: str = ""
    ) -> Printer:
        extra: dict[str, Any] = {} if clock is None else {"clock": clock}
        number = number or self.device.number
        if self.cloud == "third":
            return self._third(secret or third.KEY, url or self.sim.url, number, extra)
        where = self.sim.where()
        if self.cloud == "feie":
            account = FeieAccount(
                user=where["account"]["user"],
                ukey=secret or where["account"]["ukey"],
                base_url=url or self.sim.url,
            )
            return FeiePrinter("cloud", f"feie://{number}", profile("generic-58"), number, account, **extra)
        version = int(self.kind[-1])
        app = YilianyunAccount(
            client_id=where["account"]["client_id"],
            secret=secret or where["account"]["client_secret"],
            base_url=url or self.sim.url(version),
            api_version=version,
            data_dir=self.directory,
        )
        return YilianyunPrinter("cloud", f"yilianyun://{number}", profile("generic-58"), number, app, **extra)

    def _third(self, key: str, base_url: str, number: str, extra: dict[str, Any]) -> Printer:
        """Build it the way the house does, from its settings; a wrong clock is not one of them."""
        given = CloudAccount(user=third.USER, key=key, base_url=base_url)
        settings = Settings(clouds={"third": given})
        if not extra:
            accounts = Accounts.of(settings, self.directory)
            return open_printer("cloud", f"third://{number}", "generic-58", accounts=accounts)
        own = clouds.account(third.DRIVER, settings, self.directory)
        return third.ThirdPrinter("cloud", f"third://{number}", profile("generic-58"), number, own, **extra)


@asynccontextmanager
async def rig(kind: str, directory: Path) -> AsyncIterator[Rig]:
    """Serve one cloud whose printer is fast and whose silence is noticed at once."""
    sim = SIMS[kind.rstrip("12")]()
    await sim.start()
    try:
        for device in sim.devices.values():
            device.print_s, device.lag_s = 0.02, 0.0
        yield Rig(kind, sim, directory)
    finally:
        await sim.stop()


async def until(so: Callable[[], bool], patience_s: float = 15) -> None:
    """Wait until something is so."""
    for _ in range(int(patience_s / 0.02)):
        if so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come so")


@asynccontextmanager
async def started(printer: Printer) -> AsyncIterator[Printer]:
    """Start a printer and let go of it."""
    await printer.start()
    try:
        yield printer
    finally:
        await printer.stop()
