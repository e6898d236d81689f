"""The ladder: one rung after another, each with its time and its budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kiosk.counter.ladder import BUDGET, PATIENCE_S, RUNGS, Climb, Rung, settled, step


def climb_for(seconds: int) -> list[Rung]:
    ladder, taken = Climb("boot"), []
    for now in range(seconds):
        ladder, rung = step(ladder, float(now))
        if rung:
            taken.append(rung)
    return taken


def test_trouble_that_stays_climbs_every_rung_once_and_then_only_reports() -> None:
    assert climb_for(100) == ["reload", "browser", "compositor", "report"]
    assert set(climb_for(3000)[3:]) == {"report"}


def test_a_rung_is_given_time_to_help() -> None:
    ladder, first = step(Climb(), 0.0)
    assert first == "reload"
    assert step(ladder, PATIENCE_S["reload"] - 0.1)[1] is None
    assert step(ladder, PATIENCE_S["reload"])[1] == "browser"


def test_trouble_that_went_begins_at_the_bottom_again_but_budgets_stay_used() -> None:
    ladder = Climb()
    for now in range(0, 1000, 10):
        ladder, rung = step(settled(ladder), float(now))
        assert rung == ("reload" if ladder.used["reload"] <= BUDGET["reload"] and rung == "reload" else rung)
    assert ladder.used["reload"] == BUDGET["reload"]
    assert ladder.used["browser"] == BUDGET["browser"]


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=300))
def test_no_budget_is_ever_exceeded(events: list[tuple[float, bool]]) -> None:
    ladder, now = Climb(), 0.0
    for wait, well in events:
        now += wait
        ladder = settled(ladder) if well else step(ladder, now)[0]
    assert all(ladder.used.get(rung, 0) <= BUDGET[rung] for rung in RUNGS)
