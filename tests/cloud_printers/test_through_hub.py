"""hub+feie://, hub+yilianyun://: a kiosk, a proxy that loses things, a real hub with the account, a simulated cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import cloud_print
from hub.config import CloudAccount, Feie, Settings, Yilianyun
from hub.schema import prints
from hub.server import Hub
from hub.store.catalog import BatchFile
from kiosk.clock import SystemClock
from kiosk.config import load
from kiosk.coupons.batch import Merchant, Store
from kiosk.coupons.ids import new_rid
from kiosk.daemon import Daemon
from kiosk.events import PrintDone
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.port import Follows, Outcome, Printer, PrinterError
from kiosk.printing.slip import Cut, Slip, Text
from kiosk.sync.client import HubClient
from kiosk.sync.identity import Identity
from kiosk.sync.print_via import HubVia
from simulators.feie import UKEY
from simulators.feie import USER as FEIE_USER
from simulators.yilianyun import CLIENT_ID, SECRET
from tests.cloud_printers import third
from tests.cloud_printers.rig import Rig, rig, started, until
from tests.sync.proxy import BAD_GATEWAY, PORTAL, Fault, Proxy


@dataclass
class Fleet:
    """One kiosk of store S1, and the way to a printer of the fleet's account."""

    cloud: Rig
    hub: Hub
    proxy: Proxy
    via: HubVia
    settings: Settings

    def printer(self, number: str = "") -> Printer:
        url = f"hub+{self.cloud.cloud}://{number or self.cloud.device.number}"
        return open_printer("cloud", url, "generic-58", via=self.via)

    async def rows(self) -> list[Any]:
        assert self.hub.parts is not None
        return await self.hub.parts.database.run(lambda c: list(c.execute(sa.select(prints))))


def settings_of(cloud: Rig, base: Path, port: int = 0) -> Settings:
    numbers = [d.number for d in cloud.sim.devices.values()]
    account: dict[str, Any] = {
        "feie": lambda: {
            "feie": Feie(
                user=FEIE_USER,
                ukey=UKEY,
                base_url=cloud.sim.url,
                backurl=f"http://127.0.0.1:{port}/v1/clouds/feie" if port else "",
            )
        },
        "yilianyun": lambda: {
            "yilianyun": Yilianyun(client_id=CLIENT_ID, client_secret=SECRET, base_url=cloud.sim.url(2))
        },
        "third": lambda: {
            "clouds": {"third": CloudAccount(user=third.USER, key=third.KEY, base_url=cloud.sim.url)}
        },
    }[cloud.cloud]()
    owners = {f"{cloud.cloud}://{numbers[0]}": "S1", f"{cloud.cloud}://{numbers[1]}": "S2"}
    return Settings(
        database=f"sqlite:///{base / 'hub.db'}", listen=f"127.0.0.1:{port}", printers=owners, **account
    )


@pytest.fixture
async def fleet(request: pytest.FixtureRequest, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Fleet]:
    (tmp_path / "hub").mkdir()
    async with rig(getattr(request, "param", "feie"), tmp_path / "hub") as cloud:
        settings = settings_of(cloud, tmp_path / "hub", unused_tcp_port)
        hub = Hub(settings)
        await hub.start()
        proxy = Proxy(hub.port)
        await proxy.up()
        client = HubClient(proxy.url, Identity.load_or_create(tmp_path), SystemClock())
        await client.start()
        try:
            parts = hub.parts
            assert parts is not None
            file = BatchFile(Merchant("老王便利店"), (Store("S1", "一店"), Store("S2", "二店")), ())
            await parts.database.run(parts.catalog.load, file)
            token = await parts.database.run(parts.devices.token, "S1", 1, datetime.now(UTC))
            assert (await client.enrol("till", token)).state == "accepted"
            via = HubVia()
            via.attach(client)
            yield Fleet(cloud, hub, proxy, via, settings)
        finally:
            await client.stop()
            await proxy.down()
            await hub.stop()


on_all = pytest.mark.parametrize("fleet", ["feie", "yilianyun2", "third"], indirect=True)


@on_all
async def test_prints_with_the_hubs_account(fleet: Fleet) -> None:
    async with started(fleet.printer()) as printer:
        assert printer.wants == fleet.cloud.cloud
        assert (await printer.status()).state == "ok"
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=15)
    assert (outcome.ended, fleet.cloud.paper) == ("printed", 1), outcome
    assert [row.state for row in await fleet.rows()] == ["printed"]


@pytest.mark.parametrize(
    ("fault", "deadline_s", "ended", "paper"),
    [
        (Fault(cut_answer=5), 15, "printed", 1),
        (Fault(twice=True), 15, "printed", 1),
        (Fault(cut_request=60), 15, "printed", 1),
        (BAD_GATEWAY, 15, "printed", 1),
        (PORTAL, 15, "printed", 1),
        (Fault(silent=True), 2, "unknown", 1),
        (Fault(lose=True), 2, "unknown", 0),
    ],
    ids=["cut answer", "twice", "cut request", "502", "portal", "silent", "lost"],
)
async def test_whatever_the_network_does_a_print_is_done_once(
    fleet: Fleet, fault: Fault, deadline_s: float, ended: str, paper: int
) -> None:
    """Only the request to print meets the fault; it is asked for again under the same id."""
    fleet.proxy.next("/v1/device/slip", fault)
    async with started(fleet.printer()) as printer:
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=deadline_s)
    assert outcome.ended == ended, outcome
    await until(lambda: fleet.cloud.paper == paper)
    assert fleet.cloud.prints == paper
    assert len(await fleet.rows()) == paper


async def test_asked_again_under_one_id_there_is_one_slip_and_one_answer(fleet: Fleet) -> None:
    rid = new_rid()
    async with started(fleet.printer()) as one, started(fleet.printer()) as two:
        first, second = await asyncio.gather(
            *(p.send(fleet.cloud.job, rid=rid, deadline_s=15) for p in (one, two))
        )
    assert first == second
    assert (first.ended, fleet.cloud.paper, fleet.cloud.prints) == ("printed", 1, 1)


async def test_an_id_cannot_stand_for_another_slip(fleet: Fleet) -> None:
    rid = new_rid()
    async with started(fleet.printer()) as printer:
        assert (await printer.send(fleet.cloud.job, rid=rid, deadline_s=15)).ended == "printed"
        outcome = await printer.send(fleet.cloud.job + b"x", rid=rid, deadline_s=5)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration")
    assert fleet.cloud.paper == 1


async def test_a_kiosk_prints_nowhere_but_in_its_store(fleet: Fleet) -> None:
    """The printer of S2 is the account's too; a stolen kiosk of S1 must not reach it, nor one that nobody named."""
    other = list(fleet.cloud.sim.devices)[1]
    for number in (other, "987654321"):
        async with started(fleet.printer(number)) as printer:
            outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=5)
            assert (outcome.ended, outcome.trouble) == ("failed", "configuration"), outcome
            assert "hub.toml" in outcome.detail
            assert (await printer.status()).state == "error"
    assert fleet.cloud.sim.calls == []
    assert await fleet.rows() == []


async def test_a_hub_that_is_away_is_failed_before_anything_is_asked(fleet: Fleet) -> None:
    await fleet.proxy.down()
    async with started(fleet.printer()) as printer:
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=5)
        assert (outcome.ended, outcome.sent) == ("failed", 0), outcome
        assert (await printer.status()).state == "nobody_answered"
    assert await fleet.rows() == []


@on_all
async def test_what_the_cloud_says_is_what_the_kiosk_says(fleet: Fleet) -> None:
    fleet.cloud.sim.set_fault({"fault": "timeout_after"})
    async with started(fleet.printer()) as printer:
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=4)
    assert outcome.ended == "unknown", outcome
    assert fleet.cloud.paper == 1


async def test_a_hub_that_was_killed_while_it_printed_does_not_print_again(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is there and nobody works on it: as after a kill between writing it down and its end."""
    monkeypatch.setattr(cloud_print, "GRACE_S", 0.0)
    cut = asyncio.Event()

    async def never(self: Any, printer: Any, ask: Any) -> None:
        cut.set()

    monkeypatch.setattr(cloud_print.CloudPrinters, "_do", never)
    async with started(fleet.printer()) as printer:
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=4)
    assert cut.is_set()
    assert (outcome.ended, outcome.trouble) == ("unknown", "no_answer"), outcome
    assert fleet.cloud.paper == 0
    await until(lambda: fleet.cloud.prints == 0)


async def test_an_account_that_lacks_is_named(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fleet.hub.parts is not None
    bare = Settings(database=fleet.settings.database, printers=fleet.settings.printers)
    monkeypatch.setattr(fleet.hub.parts, "settings", bare)
    async with started(fleet.printer()) as printer:
        outcome = await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=5)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration")
    assert "hub.toml" in outcome.detail


@pytest.mark.parametrize("url", ["hub+feie://920000001", "hub+yilianyun://4004500001"])
def test_without_a_hub_the_sentence_says_what_to_set(url: str) -> None:
    with pytest.raises(PrinterError, match=r"hub\.url"):
        open_printer("cloud", url, "generic-58")


async def test_prints_are_forgotten_after_a_week(fleet: Fleet) -> None:
    assert fleet.hub.parts is not None
    async with started(fleet.printer()) as printer:
        assert (await printer.send(fleet.cloud.job, rid=new_rid(), deadline_s=15)).ended == "printed"
        old = datetime.now(UTC) - timedelta(days=8)
        await fleet.hub.parts.database.run(lambda c: c.execute(prints.update().values(at=old)))
        rid = new_rid()
        assert (await printer.send(fleet.cloud.job, rid=rid, deadline_s=15)).ended == "printed"
    assert [row.rid for row in await fleet.rows()] == [rid]


async def enrolled(fleet: Fleet, tmp_path: Path) -> Path:
    """Write the configuration of a kiosk that prints through the hub; return its path."""
    parts = fleet.hub.parts
    assert parts is not None
    token = await parts.database.run(parts.devices.token, "S1", 1, datetime.now(UTC))
    (tmp_path / "token").write_text(token)
    config = tmp_path / "kiosk.toml"
    config.write_text(
        f'data_dir = "{tmp_path / "data"}"\n[hub]\nurl = "{fleet.proxy.url}"\ntoken_file = "{tmp_path / "token"}"\n'
        '[web]\nlisten = "127.0.0.1:0"\ntls = "off"\n'
        f'[printers.counter]\nurl = "hub+feie://{fleet.cloud.device.number}"\n'
    )
    return config


async def test_a_daemon_prints_its_slips_through_the_hub(fleet: Fleet, tmp_path: Path) -> None:
    config = await enrolled(fleet, tmp_path)
    daemon = Daemon(load(config), config)
    await daemon.start()
    try:
        await until(lambda: daemon.sync is not None and daemon.sync.state == "accepted")
        slip = Slip(elements=(Text(text="满20减3"), Cut()))
        job = await daemon.spooler.print(slip, rid=new_rid(), kind="test")
        assert job.state == "printed", job
        again = await daemon.spooler.reprint(job.id)
        assert again is not None
        assert again.state == "printed"
    finally:
        await daemon.stop()
    assert fleet.cloud.paper == 2
    assert "满20减3" in fleet.cloud.device.slips[0]["text"]


async def ended(fleet: Fleet, rid: str) -> Outcome | None:
    """Ask as a kiosk does after a restart."""
    printer = fleet.printer()
    assert isinstance(printer, Follows)
    return await printer.follow_up("", rid=rid, age_s=1, whole_s=20)


@on_all
async def test_a_kiosk_that_was_killed_is_told_how_its_slip_ended(fleet: Fleet) -> None:
    fleet.cloud.device.held = True
    rid = new_rid()
    async with started(fleet.printer()) as printer:
        sending = asyncio.create_task(printer.send(fleet.cloud.job, rid=rid, deadline_s=20))
        await until(lambda: len(fleet.cloud.orders) == 1)
        sending.cancel()
        await asyncio.wait([sending])
    asking = asyncio.create_task(ended(fleet, rid))
    fleet.cloud.device.press_key()
    outcome = await asking
    assert outcome is not None
    assert outcome.ended == "printed", outcome
    assert (fleet.cloud.paper, fleet.cloud.prints) == (1, 1)
    assert await ended(fleet, rid) == outcome, "asked again, the same"


async def test_a_slip_that_the_hub_never_had_is_failed_and_refused_when_it_comes_late(fleet: Fleet) -> None:
    rid = new_rid()
    outcome = await ended(fleet, rid)
    assert outcome is not None
    assert outcome.ended == "failed", outcome
    async with started(fleet.printer()) as printer:
        late = await printer.send(fleet.cloud.job, rid=rid, deadline_s=5)
    assert (late.ended, fleet.cloud.prints) == ("failed", 0), late


async def test_a_hub_that_is_away_has_not_answered(fleet: Fleet) -> None:
    await fleet.proxy.down()
    assert await ended(fleet, new_rid()) is None


async def test_another_kiosks_slip_is_not_told(fleet: Fleet) -> None:
    rid = new_rid()
    assert await ended(fleet, rid) is not None
    parts = fleet.hub.parts
    assert parts is not None
    await parts.database.run(lambda c: c.execute(prints.update().values(device="k" + "0" * 20)))
    outcome = await ended(fleet, rid)
    assert outcome is not None
    assert (outcome.ended, outcome.trouble) == ("unknown", "configuration"), outcome


async def test_a_daemon_settles_after_its_restart_what_it_had_given_to_the_hub(
    fleet: Fleet, tmp_path: Path
) -> None:
    config = await enrolled(fleet, tmp_path)
    fleet.cloud.device.held = True
    daemon = Daemon(load(config), config)
    await daemon.start()
    try:
        await until(lambda: daemon.sync is not None and daemon.sync.state == "accepted")
        slip = Slip(elements=(Text(text="满20减3"), Cut()))
        job = await daemon.spooler.submit(slip, rid=new_rid(), kind="test")
        await until(lambda: len(fleet.cloud.orders) == 1)
    finally:
        await daemon.stop()
    fleet.cloud.device.press_key()
    daemon = Daemon(load(config), config)
    ends: list[str] = []
    daemon.bus.on(PrintDone, lambda e: ends.append(e.outcome))
    await daemon.start()
    try:
        await until(lambda: bool(ends), 30)
        row = await daemon.journal.job(job)
        assert row is not None
        assert (row.state, fleet.cloud.paper, fleet.cloud.prints) == ("printed", 1, 1), row
    finally:
        await daemon.stop()
