"""The bus hands events on in order and one bad handler does not stop the others."""

from __future__ import annotations

import logging

import pytest

from kiosk.events import Bus, Event, HubLost, HubReached


def test_handlers_get_their_type_in_order_and_event_gets_all() -> None:
    bus, lost, everything = Bus(), [], []
    bus.on(HubLost, lost.append)
    off = bus.on(Event, everything.append)
    first, second = HubLost(why="1"), HubLost(why="2")
    for event in (first, HubReached(), second):
        bus.publish(event)
    off()
    bus.publish(HubReached())
    assert lost == [first, second]
    assert len(everything) == 3


def test_a_handler_that_fails_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    bus, seen = Bus(), []

    def bad(_: HubReached) -> None:
        raise ValueError("broken")

    bus.on(HubReached, bad)
    bus.on(HubReached, seen.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(HubReached())
    assert seen == [HubReached()]
    assert "HubReached" in caplog.text


async def test_a_slow_reader_loses_the_oldest_never_the_newest() -> None:
    bus = Bus()
    async with bus.queue(HubLost, maxsize=2) as queue:
        for n in range(5):
            bus.publish(HubLost(why=str(n)))
        assert [queue.get_nowait().why for _ in range(2)] == ["3", "4"]
    bus.publish(HubLost(why="after"))
    assert queue.empty()
