"""A file of merchant, stores and batches: read, judged, and moved to today for demonstrations."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from hub.errors import HubError
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Batch, Hours, Merchant, Offline, Store

YEARS = range(2020, 2199)
"""A signed code counts days from 2020 in two bytes."""
LEAD, DAY = timedelta(days=7), timedelta(days=1)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Judged(msgspec.Struct, frozen=True):
    """A file and what is odd about it without being wrong."""

    file: BatchFile
    warnings: tuple[str, ...]


def read_file(path: Path) -> Judged:
    """Read and judge a file; HubError says in one sentence what is wrong and where."""
    plain = _plain(path)
    try:
        file = msgspec.convert(plain, BatchFile)
    except msgspec.ValidationError as err:
        what, _, where = str(err).partition(" - at `$")
        raise HubError(
            f"{path}: {where.strip('`').lstrip('.') or 'the file'}: {what[0].lower()}{what[1:]}; correct it."
        ) from None
    for fault in faults(file):
        raise HubError(f"{path}: {fault}")
    return Judged(file, tuple(f"{path}: {w}" for w in (*_unknown(plain), *_risks(file))))


def _plain(path: Path) -> Any:
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise HubError(f"{path}: cannot be read ({err.strerror}); check the path.") from err
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_constant)
    except UnicodeDecodeError as err:
        raise HubError(f"{path}: not UTF-8 at byte {err.start}; save it as UTF-8.") from None
    except json.JSONDecodeError as err:
        raise HubError(
            f"{path}: not valid JSON at line {err.lineno} column {err.colno} ({err.msg}); correct it."
        ) from None
    except (ValueError, RecursionError) as err:
        raise HubError(f"{path}: not a file of batches ({str(err).split(':')[0]}); correct it.") from None


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


# -- faults: what no type can say --


def faults(file: BatchFile) -> list[str]:
    """Return what is wrong with a file although each value has its type."""
    found = _words("merchant", name=file.merchant.name, short_name=file.merchant.short_name)
    ids = [b.stock_id for b in file.batches]
    names = [s.id for s in file.stores]
    found += [f"batches: {i} stands there twice; remove one." for i in _twice(ids)]
    found += [f"stores: {i} stands there twice; remove one." for i in _twice(names)]
    for store in file.stores:
        found += _words(f"stores {store.id}", name=store.name, address=store.address, image=store.image or "")
        if not store.name.strip():
            found.append(f"stores {store.id}: name is empty; customers read it.")
    for n, batch in enumerate(file.batches):
        at = f"batches[{n}] {batch.stock_id}"
        found += _words(at, name=batch.name, **{f"goods {i}": g for i, g in enumerate(batch.goods)})
        found += [f"{at}: {fault}" for fault in (*_period_faults(batch), *_rule_faults(batch, names))]
    return found


def _twice(words: list[str]) -> list[str]:
    return [w for w in dict.fromkeys(words) if words.count(w) > 1]


def _words(where: str, **texts: str) -> list[str]:
    return [
        f"{where}: {name} holds a character that cannot be shown; remove it."
        for name, text in texts.items()
        if _CONTROL.search(text)
    ]


def _period_faults(batch: Batch) -> Iterator[str]:
    for name, at in (("begins", batch.begins), ("ends", batch.ends)):
        if at.year not in YEARS:
            yield f"{name} {at.isoformat()} is not within {YEARS[0]} to {YEARS[-1]}; correct the year."
            return
    if batch.ends <= batch.begins:
        yield f"ends {batch.ends.isoformat()} is not after begins {batch.begins.isoformat()}; correct the period."
    for name in ("weekdays", "hours", "stores"):
        if getattr(batch, name) == ():
            yield f"{name} is an empty list, so the coupon is never good; leave it out or name some."
    for window in batch.hours or ():
        if window.start == window.end:
            yield f"hours from {window.start} to {window.end} are no time at all; correct one of them."


def _rule_faults(batch: Batch, stores: list[str]) -> Iterator[str]:
    for store in batch.stores or ():
        if store not in stores:
            yield f"stores names {store}, which is not in the file; add it or correct it."
    if batch.kind == "discount" and batch.value == 0:
        yield "a discount of 0 fen gives nothing; set value, or kind = exchange."
    if batch.kind == "exchange" and not batch.goods:
        yield "an exchange coupon needs goods; name at least one."
    if batch.kind == "discount" and 0 < batch.threshold < batch.value:
        yield f"threshold {batch.threshold} is below value {batch.value}; the till would pay out."
    if batch.per_user == 0:
        yield "per_user is 0, so nobody can claim it; set a number, or null for no limit."


# -- warnings --


def _risks(file: BatchFile) -> Iterator[str]:
    for batch in file.batches:
        if any(window.end == "23:59" for window in batch.hours or ()):
            yield f"batch {batch.stock_id}: hours that end at 23:59 leave the day's last minute out; write 24:00."
        rule = batch.offline
        if rule.policy == "capped" and None in (rule.count, rule.value, rule.max_age_s):
            missing = [n for n in ("count", "value", "max_age_s") if getattr(rule, n) is None]
            yield (
                f"batch {batch.stock_id}: offline.{' and offline.'.join(missing)} is not set, so that part of the offline risk "
                "of a kiosk has no bound."
            )


def _unknown(plain: dict[str, Any]) -> Iterator[str]:
    """Say which keys mean nothing; those that begin with `_` are remarks."""
    yield from _keys(plain, BatchFile, "")
    yield from _keys(plain["merchant"], Merchant, "merchant.")
    for n, store in enumerate(plain["stores"]):
        yield from _keys(store, Store, f"stores[{n}].")
    for n, batch in enumerate(plain["batches"]):
        yield from _keys(batch, Batch, f"batches[{n}].")
        yield from _keys(batch.get("offline", {}), Offline, f"batches[{n}].offline.")
        for i, window in enumerate(batch.get("hours") or ()):
            yield from _keys(window, Hours, f"batches[{n}].hours[{i}].")


def _keys(plain: dict[str, Any], kind: type[msgspec.Struct], at: str) -> Iterator[str]:
    known = kind.__struct_fields__
    for key in plain:
        if key in known or key.startswith("_"):
            continue
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
        yield f"{at}{key} is not known and is ignored; {hint}"


# -- demonstrations --


def shifted(file: BatchFile, today: datetime) -> BatchFile:
    """Move every period by whole days so that it lies around `today`; hours of the day and lengths stay.

    A batch begins a week ago, a shorter one so that today is about its middle; one of a day or less begins today.
    """
    return msgspec.structs.replace(file, batches=tuple(_around(b, today) for b in file.batches))


def _around(batch: Batch, today: datetime) -> Batch:
    lead = min(LEAD, max(timedelta(0), (batch.ends - batch.begins - DAY) / 2))
    move = (today - lead - batch.begins) // DAY * DAY
    return msgspec.structs.replace(batch, begins=batch.begins + move, ends=batch.ends + move)
