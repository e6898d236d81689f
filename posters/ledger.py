"""What was printed for whom: a store's material opens one address, and another only as a newer revision.

The code on paper outlives every campaign; two stands of one store that open different pages cannot be told apart.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from posters import terms
from posters.errors import FailedError, RefusedError
from posters.schema import Template


class Printed(Struct, frozen=True):
    """One material of one store as it was last made."""

    store_id: str
    material: str
    payload: str
    revision: int
    terms: str = ""  # amount and last day of a versioned one


class Ledger:
    """The file of all that was made: a line each, the last of a store and material counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str], Printed] = {}
        if path.is_file():
            for line in path.read_text("utf-8", errors="replace").splitlines():
                try:
                    entry = msgspec.json.decode(line, type=Printed)
                except msgspec.DecodeError:
                    continue  # a line cut off by a power failure
                self._known[entry.store_id, entry.material] = entry

    def check(self, asked: Printed) -> None:
        """Refuse a second address for a material that was printed, unless the revision is newer."""
        known = self.last(asked)
        if known is None or asked.revision > known.revision:
            return
        if known.payload == asked.payload:
            if known.terms == asked.terms:
                return
            raise RefusedError(
                "second-terms",
                "amount",
                "{material} of {store} was printed with {old} (revision {revision}): set revision to {next} to print other terms",
                material=asked.material,
                store=asked.store_id,
                old=known.terms,
                revision=known.revision,
                next=known.revision + 1,
            )
        raise RefusedError(
            "second-payload",
            "url",
            "{material} of {store} was printed with {old} (revision {revision}): set revision to {next} to print another link",
            material=asked.material,
            store=asked.store_id,
            old=known.payload,
            revision=known.revision,
            next=known.revision + 1,
        )

    def last(self, asked: Printed) -> Printed | None:
        """Return how that material of that store was made last; None: never."""
        return self._known.get((asked.store_id, asked.material))

    def record(self, made: Printed) -> None:
        """Add what was made."""
        if self._known.get((made.store_id, made.material)) == made:
            return
        self._known[made.store_id, made.material] = made
        try:
            with self.path.open("a+b") as file:
                # Behind a line that a power failure cut off this one would be lost too.
                cut = file.tell() > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
                file.write(b"\n" * cut + msgspec.json.encode(made) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise FailedError(
                "{file} could not be written: {why}", file=self.path, why=error.strerror or error
            ) from error


def printed(template_id: str, template: Template, merged: dict[str, str]) -> Printed:
    """Return the entry of a piece."""
    revision = int(merged["revision"] or template.revision)
    return Printed(merged["store_id"], template_id, merged["url"], revision, terms.of(template, merged))
