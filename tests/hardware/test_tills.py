"""Tills at the end of a wire: a serial line (pty), a socket, the simulated one; and the lines that they exchange."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.coupons.basket import Basket
from kiosk.coupons.verdict import Goods
from kiosk.events import Bus
from kiosk.hardware import till as till_module
from kiosk.hardware.factory import open_till
from kiosk.hardware.ports import HardwareError, Till
from kiosk.hardware.signals import BasketPushed
from kiosk.hardware.sim import SimBench
from kiosk.hardware.till_line import LONGEST, Line, Lines, read, write
from simulators.panels_wire import PtyWire, TcpWire
from tests.hardware.conftest import Watch, until

WORDS = 'write {"total": 2500} or TOTAL=2500, in fen.'


class TestLines:
    @pytest.mark.parametrize(
        ("raw", "line"),
        [
            (b"TOTAL=2500", Line("words", Basket(total=2500))),
            (b" total=2500  ref=A-17 ", Line("words", Basket(total=2500, ref="A-17"))),
            (b"cancel", Line("words")),
            (b'{"total": 0}', Line("json", Basket(total=0))),
            (b'{"cancel": true}', Line("json")),
            (
                b'{"total":700,"ref":"7","goods":[{"id":"6901","quantity":2,"price":350}],"own_coupon_applied":true}',
                Line(
                    "json",
                    Basket(total=700, ref="7", goods=(Goods("6901", 2, 350),), own_coupon_applied=True),
                ),
            ),
        ],
    )
    def test_are_read_in_both_forms(self, raw: bytes, line: Line) -> None:
        assert read(raw) == line

    @pytest.mark.parametrize(
        "raw",
        [
            b"TOTAL=", b"TOTAL=-1", b"TOTAL=25.00", b"TOTAL=1_0", b"TOTAL=1 TOTAL=x", b"TOTAL=\xff5", b"REF=A", b"2500", b"TOTAL=1 PRICE=2", b"\x00\xff\x1b",
            b"TOTAL=" + b"9" * 40, b"TOTAL=1 REF=" + b"x" * 33, b"{", b"{}", b'{"total": "2500"}', b'{"total": -1}',
            b'{"total": 1.5}', b'{"cancel": false}', b'{"cancel": 1}', b'{"total": 1, "goods": [{"id": 5}]}',
            b'{"total":1,"ref":"\xff"}', b"[" * 5000, b"{" + b'"a":{' * 5000,
        ],
    )  # fmt: skip
    def test_that_make_no_sense_get_one_sentence(self, raw: bytes) -> None:
        line = read(raw)
        assert line.basket is None
        assert line.trouble.endswith(WORDS) or "cancel" in line.trouble
        assert b"\n" not in write({"error": line.trouble}, line.form).rstrip()

    @given(st.binary(max_size=300))
    def test_of_noise_are_never_more_than_no_sense(self, raw: bytes) -> None:
        line = read(raw)
        assert line.trouble or line.basket is not None or b"cancel" in raw.lower()

    @given(st.lists(st.binary(max_size=20)))
    def test_do_not_depend_on_how_bytes_arrive(self, parts: list[bytes]) -> None:
        pieces, whole = Lines(), Lines()
        assert [line for p in parts for line in pieces.feed(p)] == whole.feed(b"".join(parts))

    def test_that_are_too_long_are_dropped_whole(self) -> None:
        lines = Lines()
        assert lines.feed(b"x" * LONGEST) == []
        assert lines.feed(b"xTOTAL=1") == []
        assert lines.feed(b"\r\nTOTAL=2\r\n") == [None, b"TOTAL=2"]
        assert "send fewer goods" in read(None).trouble

    def test_answer_in_the_form_that_was_used(self) -> None:
        told: dict[str, object] = {
            "basket": "done", "ref": "7", "verdict": "confirmed", "reason": "", "discount": 300, "message": "云端已确认"
        }  # fmt: skip
        assert write(told, "words") == b"BASKET=done REF=7 VERDICT=confirmed DISCOUNT=300\r\n"
        raw = write(told, "json")
        assert raw.endswith(b"}\n")
        assert json.loads(raw) == told


class Far:
    """The till itself, at the far end of the wire."""

    def __init__(self, wire: Any) -> None:
        self.wire, self.raw = wire, b""
        wire.on_data = self._hear

    def _hear(self, data: bytes) -> None:
        self.raw += data


@pytest.fixture(params=["serial", "socket"])
async def line(request: pytest.FixtureRequest, bus: Bus, tmp_path: Path) -> AsyncIterator[tuple[Far, Till]]:
    wire = PtyWire(tmp_path / "till") if request.param == "serial" else TcpWire()
    far = Far(wire)
    await wire.plug()
    till = open_till("front", wire.address, SimBench(bus), bus)
    await till.start()
    await until(lambda: till.state == "ok")
    yield far, till
    await till.stop()
    await wire.unplug()


def baskets(watch: Watch) -> list[Basket | None]:
    return [e.basket for e in watch.of(BasketPushed)]


class TestWires:
    async def test_a_sale_is_heard_and_answered(self, line: tuple[Far, Till], watch: Watch) -> None:
        far, till = line
        far.wire.write(b"TOTAL=25")
        far.wire.write(b"00\r\n")
        await until(lambda: baskets(watch) == [Basket(total=2500)])
        assert till.answer({"basket": "held", "seconds": 60})
        await until(lambda: far.raw == b"BASKET=held SECONDS=60\r\n", "the answer")
        far.wire.write(b'{"cancel": true}\n')
        await until(lambda: baskets(watch)[-1] is None)
        assert till.answer({"basket": "cancelled"})
        await until(lambda: far.raw.endswith(b'{"basket":"cancelled"}\n'))

    async def test_noise_is_answered_and_the_next_sale_is_heard(
        self, line: tuple[Far, Till], watch: Watch
    ) -> None:
        far, till = line
        far.wire.write(random.Random(7).randbytes(300).replace(b"\n", b"") + b"\n")
        await until(lambda: b"no basket" in far.raw)
        assert (till.state, "not understood" in till.detail) == ("ok", True)
        far.wire.write(b"TOTAL=5\n")
        await until(lambda: Basket(total=5) in baskets(watch))
        assert till.detail == ""

    async def test_it_comes_back_and_hears_nothing_of_the_sale_before(
        self, line: tuple[Far, Till], watch: Watch
    ) -> None:
        far, till = line
        far.wire.write(b"TOTAL=77")
        await far.wire.unplug()
        await until(lambda: till.state == "absent")
        assert not till.answer({"basket": "expired"}), "nobody is there to hear it"
        await far.wire.plug()
        await until(lambda: till.state == "ok")
        far.wire.write(b"TOTAL=8\n")
        await until(lambda: baskets(watch))
        assert baskets(watch) == [Basket(total=8)], "half a line from before is no part of it"
        assert far.raw == b""

    async def test_one_that_takes_no_answers_is_let_go_and_taken_again(
        self, bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(till_module, "WRITE_S", 0.05)
        wire = PtyWire(tmp_path / "till")
        await wire.plug()
        till = open_till("front", wire.address, SimBench(bus), bus)
        await till.start()
        try:
            await until(lambda: till.state == "ok")
            wire.deaf = True
            for _ in range(till_module.WAITING + 5):
                assert till.answer({"error": "x" * 20_000})
            await until(lambda: "absent" in watch.states)
            wire.deaf = False
            await until(lambda: till.state == "ok")
            wire.write(b"TOTAL=1\n")
            await until(lambda: baskets(watch))
        finally:
            await till.stop()
            await wire.unplug()
        assert till.state == "absent"


def test_another_address_is_named(bus: Bus) -> None:
    with pytest.raises(HardwareError, match=r"till front: tcp://h:1 is no till address; there are serial"):
        open_till("front", "tcp://h:1", SimBench(bus), bus)


async def test_nothing_is_left_behind(bus: Bus, tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    till = open_till("front", f"serial://{tmp_path}/none", SimBench(bus), bus)
    await till.start()
    await until(lambda: till.state == "absent")
    await till.stop()
    assert asyncio.all_tasks() == before
