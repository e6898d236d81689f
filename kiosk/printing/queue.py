"""The queue of slips: which job is next, which one waits, which one is too old. Pure; seconds are monotonic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from kiosk.printing.slip import Slip

CAP = 50
"""Jobs that may wait: 50 slips are some 5 minutes of printing; more means that something is wrong."""
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class Rule(Struct, frozen=True):
    """How one kind of slip is treated."""

    deadline_s: float
    """Age after which it is not printed any more: whoever wanted it has gone."""
    patience_s: float
    """How long it is tried again while no printer takes the first byte."""
    priority: int
    """Lower goes first."""
    survives: bool
    """Whether a slip that still waited when the kiosk stopped is printed after the next start."""


RULES = {
    "coupon": Rule(120, 3, 0, survives=False),
    "receipt": Rule(120, 30, 1, survives=False),
    "claim": Rule(120, 3, 1, survives=False),
    "enrolment": Rule(900, 60, 2, survives=True),
    "day": Rule(900, 30, 2, survives=True),
    "conflict": Rule(86_400, 86_400, 3, survives=True),
}
OTHERS = Rule(300, 3, 2, survives=False)


def rule_of(kind: str) -> Rule:
    """Return the rule of a kind of slip."""
    return RULES.get(kind, OTHERS)


@dataclass
class Waiting:
    """A job that waits."""

    id: str
    rid: str
    kind: str
    slip: Slip
    rule: Rule
    since: float
    number: int
    not_before: float = 0.0
    tries: int = 0
    first_failure: float | None = None
    done: Any = field(default=None, compare=False)
    """Set when it has ended: the asyncio.Future of whoever waits."""

    def expires(self) -> float:
        """Return when it is too old."""
        return self.since + self.rule.deadline_s

    def may_try_again(self, now: float) -> bool:
        """Note a failure and tell whether it is tried again; `not_before` says when."""
        if self.first_failure is None:
            self.first_failure = now
        wait = BACKOFF_S[min(self.tries, len(BACKOFF_S) - 1)]
        self.tries += 1
        self.not_before = now + wait
        return now + wait <= min(self.first_failure + self.rule.patience_s, self.expires())


class Queue:
    """Jobs by priority, then in the order they came; one that waits for its next try lets the others pass."""

    def __init__(self) -> None:
        self._jobs: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def all(self) -> list[Waiting]:
        """Return what waits, the next one first."""
        return sorted(self._jobs, key=lambda j: (j.rule.priority, j.number))

    def put(self, job: Waiting) -> None:
        """Add a job; `CAP` is for the caller to keep."""
        self._jobs.append(job)

    def take(self, now: float) -> Waiting | None:
        """Take the next job that may be tried now."""
        for job in self.all():
            if job.not_before <= now:
                self._jobs.remove(job)
                return job
        return None

    def take_expired(self, now: float) -> list[Waiting]:
        """Take the jobs that are too old."""
        old = [j for j in self._jobs if j.expires() <= now]
        self._jobs = [j for j in self._jobs if j.expires() > now]
        return old

    def take_all(self) -> list[Waiting]:
        """Take everything."""
        jobs, self._jobs = self.all(), []
        return jobs

    def next_event(self) -> float | None:
        """Return when something changes by itself: a next try or an expiry; None when the queue is empty."""
        times = [t for j in self._jobs for t in (j.not_before, j.expires())]
        return min(times, default=None)
