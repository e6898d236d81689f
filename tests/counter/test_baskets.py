"""A sale is held for one scan, and never for the next customer's."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.counter import baskets as baskets_module
from kiosk.counter.baskets import Baskets, Sale
from kiosk.counter.result import RedeemResult
from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.signals import BasketPushed
from tests.hardware.conftest import until


class Till:
    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.there = True

    def answer(self, message: dict[str, object]) -> bool:
        if self.there:
            self.told.append(message)
        return self.there

    @property
    def states(self) -> list[object]:
        return [m["basket"] for m in self.told]


@pytest.fixture
def tills() -> dict[str, Any]:
    return {"front": Till(), "back": Till()}


@pytest.fixture
async def baskets(tills: dict[str, Any]) -> Any:
    made = Baskets(Bus(), tills, {"front": "till", "back": ""})
    made.start()
    yield made
    made.stop()


def push(baskets: Baskets, till: str, basket: Basket | None) -> None:
    baskets._bus.publish(BasketPushed(till=till, basket=basket))


async def test_a_sale_goes_with_one_scan(baskets: Baskets, tills: dict[str, Any]) -> None:
    push(baskets, "front", Basket(total=2500, ref="S1"))
    assert baskets.take("door") is None, "this till is another scanner's"
    held = baskets.take("till")
    assert held is not None
    assert held.basket.total == 2500
    assert baskets.take("till") is None
    baskets.done(held, RedeemResult(rid="R", verdict="confirmed", discount=300))
    assert tills["front"].states == ["held", "scanned", "done"]
    assert tills["front"].told[0] == {"basket": "held", "ref": "S1", "seconds": 60}
    done = tills["front"].told[2]
    assert (done["ref"], done["verdict"], done["discount"]) == ("S1", "confirmed", 300)


async def test_a_sale_for_any_scanner_gives_way_to_the_scanners_own(
    baskets: Baskets, tills: dict[str, Any]
) -> None:
    push(baskets, "back", Basket(total=1))
    push(baskets, "front", Basket(total=2))
    took = [baskets.take("till"), baskets.take("till"), baskets.take("till")]
    assert [h.basket.total if h else None for h in took] == [2, 1, None]


async def test_the_next_sale_takes_the_place_of_the_last(baskets: Baskets, tills: dict[str, Any]) -> None:
    push(baskets, "back", Basket(total=1, ref="a"))
    baskets.put(Basket(total=2, ref="b"))
    assert tills["back"].states == ["held", "replaced"]
    assert (baskets.sale.state, baskets.sale.ref, baskets.sale.seconds) == ("held", "b", 60)
    held = baskets.take("door")
    assert held is not None
    assert held.basket.total == 2


async def test_a_sale_that_is_taken_back_or_old_meets_no_scan(
    baskets: Baskets, tills: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    push(baskets, "front", Basket(total=1))
    push(baskets, "front", None)
    assert baskets.take("till") is None
    push(baskets, "front", None)
    assert tills["front"].states == ["held", "cancelled"]
    monkeypatch.setattr(baskets_module, "HELD_S", 0.01)
    push(baskets, "front", Basket(total=3))
    await until(lambda: tills["front"].states[-1] == "expired")
    assert baskets.take("till") is None


async def test_what_became_of_an_earlier_sale_is_not_told_as_the_newest(baskets: Baskets) -> None:
    assert baskets.sale == Sale()
    baskets.put(Basket(total=1, ref="a"))
    first = baskets.take("till")
    assert first is not None
    baskets.put(Basket(total=2, ref="b"))
    baskets.done(first, RedeemResult(rid="R", verdict="confirmed"))
    assert (baskets.sale.state, baskets.sale.ref, baskets.sale.result) == ("held", "b", None)
    assert baskets.cancel()
    assert not baskets.cancel()
    assert baskets.sale.state == "cancelled"


async def test_a_till_that_went_away_breaks_nothing(
    baskets: Baskets, tills: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    push(baskets, "front", Basket(total=1))
    tills["front"].there = False
    held = baskets.take("till")
    assert held is not None
    baskets.failed(held)
    assert "till front is away and was not told that its basket is failed" in caplog.text


async def test_after_the_end_nothing_is_held(baskets: Baskets, tills: dict[str, Any]) -> None:
    push(baskets, "front", Basket(total=1))
    baskets.stop()
    assert baskets.take("till") is None
    push(baskets, "front", Basket(total=1))
    assert tills["front"].states == ["held"]
