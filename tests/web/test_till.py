"""A till pushes the sale over a serial line or the local API to a whole kiosk; the threshold is checked at the next scan."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.boot import DaemonError
from kiosk.config import Settings
from kiosk.daemon import Daemon, build
from kiosk.toml import Loaded
from simulators.panels_wire import PtyWire
from tests.web.rig import CAPPED, Rig, eventually, rig, settings


class SerialTill:
    """A cash register on a pty."""

    def __init__(self, link: Path) -> None:
        self.wire = PtyWire(link)
        self.wire.on_data = self._hear
        self._raw = b""

    def _hear(self, data: bytes) -> None:
        self._raw += data

    def send(self, line: str) -> None:
        self.wire.write(line.encode() + b"\r\n")

    @property
    def answers(self) -> list[str]:
        return self._raw.decode().splitlines()

    async def hears(self, start: str) -> str:
        await eventually(lambda: any(a.startswith(start) for a in self.answers))
        return next(a for a in reversed(self.answers) if a.startswith(start))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[Rig, SerialTill]]:
    till = SerialTill(tmp_path / "till")
    await till.wire.plug()
    more = {"tills": {"front": {"url": till.wire.address, "scanner": "till"}}}
    async with rig(tmp_path, more=more) as kiosk:
        await eventually(lambda: kiosk.daemon.fittings.tills["front"].state == "ok")
        yield kiosk, till
    await till.wire.unplug()


async def test_a_sale_over_serial_decides_the_threshold(shop: tuple[Rig, SerialTill]) -> None:
    kiosk, till = shop
    code = await kiosk.issue(CAPPED)
    till.send("TOTAL=999 REF=S1")
    assert await till.hears("BASKET=held") == "BASKET=held REF=S1 SECONDS=60"
    assert kiosk.daemon.bench.scan("till", code)
    low = await till.hears("BASKET=done")
    assert "VERDICT=refused REASON=below_threshold" in low
    assert "THRESHOLD=not_met" in low
    till.send(json.dumps({"total": 1000, "ref": "S2"}))
    await till.hears('{"basket":"held"')
    assert kiosk.daemon.bench.scan("till", code)
    done = json.loads(await till.hears('{"basket":"done"'))
    assert (done["ref"], done["verdict"], done["threshold"]) == ("S2", "confirmed", "met")
    assert (await kiosk.outcome("confirmed"))["title"] == done["message"]


async def test_a_till_that_talks_nonsense_stops_nothing(shop: tuple[Rig, SerialTill]) -> None:
    kiosk, till = shop
    till.send("HELLO")
    assert "write" in await till.hears("ERROR=")
    code = await kiosk.issue(CAPPED)
    assert kiosk.daemon.bench.scan("till", code)
    assert (await kiosk.outcome("confirmed"))["hint"], "without a sale the staff are told to check"
    rows = (await kiosk.get("/api/v1/devices"))[1]["devices"]
    assert [(r["state"], "not understood" in r["detail"]) for r in rows if r["kind"] == "till"] == [
        ("ok", True)
    ]


async def test_a_sale_over_the_local_api_is_for_the_next_scan(kiosk: Rig) -> None:
    assert (await kiosk.get("/api/v1/basket"))[1]["state"] == "none"
    status, told = await kiosk.post("/api/v1/basket", {"total": 1000, "ref": "S3", "scanner": "till"})
    assert (status, told["state"], told["ref"], told["seconds"]) == (200, "held", "S3", 60)
    assert kiosk.daemon.bench.scan("till", await kiosk.issue(CAPPED))
    await eventually(lambda: kiosk.daemon.baskets.sale.state == "done")
    _, told = await kiosk.get("/api/v1/basket")
    assert (told["result"]["verdict"], told["result"]["threshold"]) == ("confirmed", "met")
    await kiosk.post("/api/v1/basket", {"total": 1})
    async with kiosk.http.delete(kiosk.url + "/api/v1/basket") as answer:
        assert (await answer.json())["state"] == "cancelled"


@pytest.mark.parametrize(
    "body", [{}, {"total": -1}, {"total": 1.5}, {"total": "1"}, {"total": 1, "ref": "x" * 33}, {"total": 1, "goods": [1]}]
)  # fmt: skip
async def test_a_bad_sale_gets_one_sentence_and_the_last_one_stays(alone: Rig, body: Any) -> None:
    await alone.post("/api/v1/basket", {"total": 5, "ref": "kept"})
    status, told = await alone.post("/api/v1/basket", body)
    assert (status, told["error"]["code"] if isinstance(told["error"], dict) else "bad_request") == (
        400,
        "bad_request",
    )
    assert (await alone.get("/api/v1/basket"))[1]["ref"] == "kept"


async def test_a_sale_for_a_scanner_that_is_not_there_is_refused(alone: Rig) -> None:
    status, told = await alone.post("/api/v1/basket", {"total": 1, "scanner": "door"})
    assert status == 404
    assert "there is no scanner door; there are: till" in json.dumps(told)


def test_a_till_of_a_scanner_that_is_not_there_is_a_named_error(tmp_path: Path) -> None:
    bad: Settings = settings(tmp_path, more={"tills": {"front": {"url": "sim://", "scanner": "dor"}}})
    with pytest.raises(
        DaemonError, match=r"tills\.front\.scanner = dor: there is no such scanner; there are: till"
    ):
        build(Loaded(bad, ()), None)
    assert Daemon(Loaded(settings(tmp_path), ()), None).fittings.tills == {}
