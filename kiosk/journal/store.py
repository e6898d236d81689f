"""The journal: the kiosk's durable record, one row per fact. Every method is one transaction."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from pathlib import Path

import msgspec

from kiosk.coupons.record import Ended
from kiosk.journal import ended, files, items, mend, revisions, salvage
from kiosk.journal.answers import Answers
from kiosk.journal.attempts import Attempts
from kiosk.journal.clients import Clients
from kiosk.journal.errors import explain
from kiosk.journal.figures import Figures
from kiosk.journal.jobs import Jobs
from kiosk.journal.leases import Leases
from kiosk.journal.objects import Objects
from kiosk.journal.people import People
from kiosk.journal.pool import Pool
from kiosk.journal.rows import Recovery, first_use
from kiosk.journal.search import Search
from kiosk.journal.upload import MAX_BYTES, MAX_ITEMS, RETENTION_DAYS, Upload
from kiosk.journal.voids import Voids

__all__ = ["MAX_BYTES", "MAX_ITEMS", "RETENTION_DAYS", "Journal", "first_use"]


log = logging.getLogger(__name__)


class Tip(msgspec.Struct, frozen=True):
    """How far the journal had come at its last clean end."""

    epoch: str
    seq: int


def _end(tip: Tip | None, saved: salvage.Saved | None) -> Ended:
    """Return how the epoch ended whose journal was damaged or is gone."""
    epoch = (saved.epoch if saved is not None else "") or (tip.epoch if tip is not None else "")
    kept = saved.kept.get(epoch, {}) if saved is not None else {}
    marks = (
        tuple((item.seq, item.hash) for item in saved.waiting if kept.get(item.seq) == item.hash)
        if saved is not None
        else ()
    )
    return Ended(
        epoch,
        ended.runs(kept),
        tip.seq if tip is not None and tip.epoch == epoch else 0,
        marks[-ended.MARKS :],
    )


class Journal(
    Attempts, Leases, Pool, Voids, Jobs, Upload, Objects, Figures, People, Search, Clients, Answers
):
    """The durable record of one kiosk: it opens, mends what was left open, and closes."""

    unclean = False
    """The last run did not end by itself."""

    async def start(self) -> Recovery:
        """Open the file, mend what was left open, and say what was found."""
        await self._db.open(items.damage)
        try:
            flag, tip = self.dir / "running", self._tip_file()
            self.unclean = flag.exists()
            recovery = await self._db.run(lambda db: self._recover(db, tip))
            files.remove(self.dir / files.PUT_BACK)
            files.mark(flag)
            if recovery.told:
                log.error("%s", recovery.told)
            return recovery
        except OSError as err:
            await self._db.close()
            raise explain(err, self.path) from err
        except BaseException:
            await self._db.close()
            raise

    async def stop(self) -> None:
        """Close the file; a clean end is noted."""
        try:
            if self.epoch:
                seq, _ = await self._db.read(lambda db: items.tip(db, self.epoch))
                self._write_tip(seq)
        except OSError as err:
            raise explain(err, self.path) from err
        finally:
            await self._db.close()
        files.remove(self.dir / "running")

    def set_aside(self) -> tuple[str, ...]:
        """Return the paths of damaged journals that were set aside and are still there; reads the directory."""
        return tuple(str(path) for path in self._db.damaged())

    def _tip_file(self) -> Tip | None:
        """Return epoch and sequence number at the last clean end, kept in a second file as a witness."""
        try:
            return msgspec.json.decode((self.dir / "tip").read_bytes(), type=Tip)
        except (OSError, msgspec.DecodeError):
            return None

    def _write_tip(self, seq: int) -> None:
        tip = Tip(self.epoch, seq)
        if self._tip_file() != tip:
            files.put(self.dir / "tip", msgspec.json.encode(tip))

    def _recover(self, db: sqlite3.Connection, tip: Tip | None) -> Recovery:
        old = self.epoch = self._fact(db, "epoch") or ""
        aside = self._to_save()
        told = self._gone_backwards(db, tip, aside)
        new = bool(told) or not self.epoch
        if new:
            fresh = secrets.token_hex(8)
            if told:
                self._move(db, fresh, tip.seq if tip is not None and tip.epoch == self.epoch else 0)
            else:
                self._put(db, "epoch", fresh)
            self.epoch = fresh
        saved = None
        if aside is not None:
            saved = self._read(aside)
            told += self._save(db, saved)
        if told and not old:
            ended.note(db, _end(tip, saved))
        if not revisions.fit(db):
            log.warning("what came down from the hub is not all there any more: it is asked for again")
            revisions.ask_again(db)
        if count := mend.mend(db):
            log.warning("rows of the journal that did not agree with its items were put right: %d", count)
        open_rows = db.execute("SELECT rid FROM attempt WHERE state = 'open'").fetchall()
        for row in open_rows:
            self._void(db, row["rid"], "the kiosk was restarted before the attempt had ended")
        return Recovery(len(open_rows), self.unclean, new, told)

    def _to_save(self) -> Path | None:
        """Return the damaged file that the rows of this journal have to come from.

        A journal without an epoch was only just begun: beside a damaged file the power went before its rows had come over.
        """
        left = self._db.damaged() if not self.epoch else []
        return self._db.set_aside or (left[-1] if left else None)

    @staticmethod
    def _read(aside: Path) -> salvage.Saved | None:
        try:
            return salvage.read(aside)
        except (OSError, sqlite3.Error) as err:
            log.warning("nothing could be read from %s: %s", aside, err)
            return None

    def _save(self, db: sqlite3.Connection, saved: salvage.Saved | None) -> str:
        """Take over what could be read from a damaged journal; return a sentence of what that was."""
        if saved is None:
            return " Nothing could be saved from it."
        salvage.restore(db, saved)
        for item in saved.waiting:
            items.append(db, self.epoch, item.t, item.kind, item.rid, item.body)
        return f" Saved from it: rows for the hub {len(saved.waiting)}, uses {len(saved.tables['used'])}."

    def _gone_backwards(self, db: sqlite3.Connection, tip: Tip | None, aside: Path | None) -> str:
        """Return one sentence when the journal was damaged, restored or lost; empty when it goes on where it ended."""
        if aside is not None:
            return f"The journal was damaged and set aside as {aside.name}; a new one was begun."
        if self.epoch and (self.dir / files.PUT_BACK).exists():
            return "A backup was put back, whose journal lacks what happened since; a new epoch was begun."
        if tip is None:
            return ""
        if not self.epoch:
            return "The journal is gone, but this kiosk had one; a new one was begun."
        if tip.epoch == self.epoch and items.tip(db, self.epoch)[0] < tip.seq:
            return f"The journal ends before item {tip.seq}, which it had; an older copy was restored or the card lost writes."
        return ""
