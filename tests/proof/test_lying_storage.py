"""T4: the last flushes of a card are lies, then the power goes: the kiosk starts, and at the next contact the loss has a name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from tests.proof.cuts import SECONDS, fail, seeds
from tests.proof.lies import LIES, Aftermath, OldHub, Story, first_look, lies, record
from tests.proof.loop import run, seeded
from tests.proof.template import Template
from tests.proof.world import Violation

HERE = "tests/proof/test_lying_storage.py"
NAMED = ("lost what the hub has", "lost what the witness names", "set aside")
Note = Callable[[str, object], None]


@pytest.fixture
def template(shelf: Path) -> Template:
    return Template(shelf / "template", 1)


@pytest.fixture
def hub(shelf: Path, template: Template) -> Iterator[OldHub]:
    hub = OldHub(shelf / "hub", template)
    yield hub
    hub.parts.close()


def judge_all(
    story: Story, shelf: Path, hub: OldHub, clock: ManualClock, share: float, test: str
) -> Counter[str]:
    """Judge a share of what the card may have left; return what it had done, and how often."""
    tally: Counter[str] = Counter()
    for count, cut in lies(story, random.Random(story.seed), share):
        try:
            if not run(first_look(story, cut, shelf / "alone", clock)):
                tally["lost nothing"] += 1
                continue
            with seeded(1000 * story.seed + cut.at) as rng:
                tally[run(Aftermath(story, cut, shelf / "after", hub).judge(rng))] += 1
        except Exception as err:  # noqa: BLE001  (told with what replays it)
            fail(
                Violation(f"{err!r}; the last {count} flushes were lies"),
                cut,
                story.seed,
                f"{HERE} -k {test}",
            )
    return tally


def test_what_a_lying_card_has_lost_is_named(
    shelf: Path, template: Template, hub: OldHub, clock: ManualClock
) -> None:
    tally = judge_all(record(1, shelf / "story", template), shelf, hub, clock, 0.02, "lying")
    assert tally["lost nothing"] > 5
    assert sum(tally[word] for word in NAMED) > 3


@pytest.mark.prove
def test_what_lying_cards_have_lost_is_named(
    shelf: Path,
    template: Template,
    hub: OldHub,
    clock: ManualClock,
    record_property: Note,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally: Counter[str] = Counter()
    for seed in seeds(SECONDS / 2):
        story = record(seed, shelf / f"story-{seed}", template)
        tally += judge_all(story, shelf, hub, clock, 0.1, "cards")
    record_property("cases", sum(tally.values()))
    with capsys.disabled():
        print(f"\n{sum(tally.values())} cards whose last {LIES} flushes were lies: {dict(tally)}")
    if sum(tally.values()) > 400:
        assert min(tally[word] for word in ("lost nothing", "lost what the hub has", "set aside")) > 0
