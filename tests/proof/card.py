"""A memory card that forgets: every step of a program's files, and what a power cut may leave of them.

What was flushed stays. Of the later writes to a file any may be missing, each sector of 512 bytes by itself, and a sector may
be half new, half old. Names (a file made, moved, removed) hold once their directory was flushed; before that they are lost
from the last one backwards, since file systems keep the order of names in a log of their own, but whatever the writes do:
a file may be found under its new name without its content. Not modelled: bits that rot, sectors that were not written and
change, and the name of the data directory itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SECTOR = 512
TORN = 0.1
"""Share of the sectors that are half new, half old."""
Image = dict[str, bytes]
Loss = Literal["none", "all", "some", "torn"]
"""What is kept of what was not flushed: nothing, all, any of the writes, any of the sectors."""
LOSSES: tuple[Loss, ...] = ("none", "all", "some", "torn")


@dataclass(frozen=True)
class Write:
    file: int
    at: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    file: int
    size: int


@dataclass(frozen=True)
class Flush:
    file: int


@dataclass(frozen=True)
class Named:
    """A name now stands for a file, or (None) for none."""

    changes: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class FlushNames:
    pass


@dataclass(frozen=True)
class Told:
    """So many transactions were acknowledged; or something else is promised from now on, or ("") not any more."""

    what: int | str


Step = Write | Truncate | Flush | Named | FlushNames | Told


def lay(directory: Path, image: Image) -> None:
    """Put files into a new directory."""
    directory.mkdir(parents=True)
    for name, content in image.items():
        (directory / name).write_bytes(content)


class Card:
    """The log of a directory's files, from what is in it now."""

    def __init__(self, directory: Path, image: Image) -> None:
        self.directory, self.begin = directory, dict(image)
        self.log: list[Step] = []
        self.names = {name: n for n, name in enumerate(sorted(image))}
        self._files = len(image)
        lay(directory, image)

    def name(self, path: str | Path | None) -> str | None:
        """Return the name of a path that is directly on this card."""
        found = Path(path) if path is not None else None
        return found.name if found is not None and found.parent == self.directory else None

    def made(self, name: str) -> int:
        """Return the number of a file, noting it when it is new."""
        if name not in self.names:
            self.names[name] = self._files
            self._files += 1
            self.log.append(Named(((name, self.names[name]),)))
        return self.names[name]

    def removed(self, name: str) -> None:
        if self.names.pop(name, None) is not None:
            self.log.append(Named(((name, None),)))

    def moved(self, old: str, new: str) -> None:
        """Note a move; what is not on the card (shared memory) is none of its affair."""
        if old in self.names:
            file = self.names[new] = self.names.pop(old)
            self.log.append(Named(((old, None), (new, file))))


@dataclass
class File:
    flushed: bytearray
    loose: list[Write | Truncate] = field(default_factory=list)

    def flush(self) -> None:
        for step in self.loose:
            _apply(self.flushed, step)
        self.loose.clear()

    def after(self, loss: Loss, rng: random.Random) -> bytes:
        """Return what a power cut leaves of it."""
        found = bytearray(self.flushed)
        for step in self.loose if loss != "none" else ():
            for part in _sectors(step, rng) if loss == "torn" else (step,):
                if loss == "all" or rng.random() < 0.5:
                    _apply(found, part)
        return bytes(found)


def _sectors(step: Write | Truncate, rng: random.Random) -> Iterator[Write | Truncate]:
    if isinstance(step, Truncate):
        yield step
        return
    at, end = step.at, step.at + len(step.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        cut = rng.randrange(at + 1, stop + 1) if rng.random() < TORN else stop
        yield Write(step.file, at, step.data[at - step.at : cut - step.at])
        at = stop


def _apply(content: bytearray, step: Write | Truncate) -> None:
    if isinstance(step, Truncate):
        del content[step.size :]
        return
    if len(content) < step.at:
        content.extend(bytes(step.at - len(content)))
    content[step.at : step.at + len(step.data)] = step.data


class Replay:
    """A card's log played up to some step; the flushes in `lies` are acknowledged and not done."""

    def __init__(self, card: Card, lies: frozenset[int] = frozenset()) -> None:
        self.card, self.lies = card, lies
        self.files = {n: File(bytearray(card.begin[name])) for n, name in enumerate(sorted(card.begin))}
        self.names = {name: n for n, name in enumerate(sorted(card.begin))}
        self.loose: list[Named] = []
        self.acked = 0
        self.promised = ""
        self.done = 0

    def step(self) -> Step:
        """Play the next step."""
        n, step = self.done, self.card.log[self.done]
        self.done += 1
        match step:
            case Write() | Truncate():
                self.files[step.file].loose.append(step)
            case Named():
                for _, file in step.changes:
                    if file is not None:
                        self.files.setdefault(file, File(bytearray()))
                self.loose.append(step)
            case Flush() if n not in self.lies:
                self.files[step.file].flush()
            case FlushNames() if n not in self.lies:
                self.names = self._named(len(self.loose))
                self.loose.clear()
            case Told(what=int(acked)):
                self.acked = acked
            case Told(what=str(word)):
                self.promised = word
        return step

    def _named(self, count: int) -> dict[str, int]:
        names = dict(self.names)
        for step in self.loose[:count]:
            for name, file in step.changes:
                if file is None:
                    names.pop(name, None)
                else:
                    names[name] = file
        return names

    def cut(self, loss: Loss, rng: random.Random) -> Image:
        """Return the files after a power cut now."""
        count = {"none": 0, "all": len(self.loose)}.get(loss)
        names = self._named(rng.randint(0, len(self.loose)) if count is None else count)
        return {name: self.files[file].after(loss, rng) for name, file in sorted(names.items())}


def flushes(card: Card, end: int) -> list[int]:
    """Return which of the first steps of a log are flushes."""
    return [n for n, step in enumerate(card.log[:end]) if isinstance(step, Flush | FlushNames)]


@dataclass(frozen=True)
class Cut:
    """One crash state: what a power cut after a number of steps left, and what had been promised by then."""

    at: int
    loss: str
    image: Image
    acked: int
    promised: str


def cuts(card: Card, rng: random.Random, promised: str = "", share: float = 1.0) -> Iterator[Cut]:
    """Return every different crash state of a log, or a share of them: after each step, with each kind of loss."""
    replay = Replay(card)
    seen: set[object] = set()
    replay.promised = promised
    while True:
        for loss in LOSSES:
            if rng.random() >= share:
                continue
            image = replay.cut(loss, rng)
            mark = (
                replay.acked,
                replay.promised,
                *((name, hash(content)) for name, content in image.items()),
            )
            if mark not in seen:
                seen.add(mark)
                yield Cut(replay.done, loss, image, replay.acked, replay.promised)
        if replay.done == len(card.log):
            return
        replay.step()
