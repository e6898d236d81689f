"""One file a store: only what is missing or changed is made; a bad row is a row of the report."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec
from msgspec import Struct

from posters import catalog, making, profiles
from posters.drawing import Job
from posters.errors import FailedError, RefusedError
from posters.files import sweep, write_all
from posters.ledger import Ledger, printed
from posters.merge import FIELDS, merged
from posters.profiles import Output
from posters.result import Finding, Result, Verdict
from posters.storefile import Row, Table
from posters.words import say

MANIFEST = ".kiosk-posters.jsonl"
LEDGER = ".kiosk-posters-printed.jsonl"
REPORT = "report.csv"
ENGINE = 6  # raise it when the same input gives different bytes
QUEUE = 4  # rows waiting per worker: enough to keep it busy, few enough to stop soon


class Entry(Struct, frozen=True):
    """What the manifest remembers of a store."""

    store_id: str
    input: str
    sha256: str
    verdict: Verdict
    reason: str


class Outcome(Struct, frozen=True):
    """One row of the report."""

    store_id: str
    verdict: Verdict
    file: str
    reason: str
    fresh: bool = False


class Order(Struct, frozen=True):
    """What a batch makes of every row."""

    template_id: str
    look: str | None
    output: Output
    base: Path
    out: Path
    locale: str = "en"


def run(order: Order, table: Table, jobs: int, tell: Callable[[int, int], None]) -> list[Outcome]:
    """Make every row, write the report, and return its rows in the order of the table."""
    chosen = catalog.choose(order.template_id, order.look)
    profiles.check(order.output, len(chosen.faces))
    _make_directory(order.out)
    known = _manifest(order.out)
    ledger = Ledger(order.out / LEDGER)
    outcomes: dict[int, Outcome] = {}
    work: list[tuple[int, Row, str]] = []
    for index, (row, refused) in enumerate(_screened(table, order, chosen, ledger)):
        key = _key(order, chosen, row)
        if refused:
            outcomes[index] = refused
        elif (kept := _kept(order, known.get(row.data["store_id"].strip()), key)) is not None:
            outcomes[index] = kept
        else:
            work.append((index, row, key))
    tell(len(outcomes), len(table.rows))
    try:
        with (order.out / MANIFEST).open("a", encoding="utf-8") as log:
            for index, key, outcome, digest in _made(order, work, jobs):
                outcomes[index] = outcome
                if outcome.file:
                    entry = Entry(outcome.store_id, key, digest, outcome.verdict, outcome.reason)
                    known[outcome.store_id] = entry
                    ledger.record(printed(chosen.id, chosen.template, merged(table.rows[index].data)))
                    log.write(json.dumps(msgspec.to_builtins(entry), ensure_ascii=False) + "\n")
                    log.flush()
                tell(len(outcomes), len(table.rows))
    except OSError as error:
        raise FailedError(
            "{file} could not be written: {why}", file=order.out / MANIFEST, why=error.strerror or error
        ) from error
    ordered = [outcomes[index] for index in range(len(table.rows))]
    write_all({order.out / REPORT: _report(ordered), order.out / MANIFEST: _lines(known)})
    return ordered


def _make_directory(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        sweep(out)
    except OSError as error:
        raise FailedError("{file} cannot be made: {why}", file=out, why=error.strerror or error) from error


def _screened(
    table: Table, order: Order, chosen: catalog.Chosen, ledger: Ledger
) -> Iterator[tuple[Row, Outcome | None]]:
    """Yield each row with the refusal its form earns: ragged, a store that came before, a bad id, another link."""
    locale = order.locale
    first: dict[str, int] = {}
    for row in table.rows:
        store = row.data.get("store_id", "").strip()
        problem: Finding | None = None
        if row.extra:
            sentence = "the row has more cells than the head ({n} too many): put a text with commas in quotes"
            problem = Finding.of("refuse", "ragged", "", sentence, n=row.extra)
        else:
            problem = _bad_fields(row, chosen, ledger)
        if problem is None and store.lower() in first:
            sentence = "store_id {id} stands on line {line} already"
            problem = Finding.of("refuse", "twice", "store_id", sentence, id=store, line=first[store.lower()])
        first.setdefault(store.lower(), row.line)
        yield row, _refusal(store, row, [problem], locale) if problem else None


def _bad_fields(row: Row, chosen: catalog.Chosen, ledger: Ledger) -> Finding | None:
    try:
        ledger.check(printed(chosen.id, chosen.template, merged(row.data)))
    except RefusedError as error:
        return Finding.refusal(error)
    return None


def _refusal(store: str, row: Row, findings: list[Finding], locale: str) -> Outcome:
    return Outcome(store, "refuse", "", _reason(row, findings, locale))


def _reason(row: Row, findings: list[Finding], locale: str) -> str:
    """Return the findings that matter as one text that begins with the line."""
    told = [f.say(locale) for f in findings if f.level != "note"]
    return say("line {line}: {why}", locale, line=row.line, why="; ".join(told)) if told else ""


def _key(order: Order, chosen: catalog.Chosen, row: Row) -> str:
    """Return a hash of all that the bytes of a row's file depend on."""
    files = [name for name, rule in FIELDS.items() if rule.kind == "file"]
    pictures = [_file_hash(order.base, row.data.get(name, "")) for name in files]
    parts = [
        ENGINE,
        chosen.digest,
        chosen.langs,
        msgspec.to_builtins(order.output, str_keys=True),
        _file_hash(Path(), str(order.output.icc or "")),
        order.locale,
        sorted(row.data.items()),
        pictures,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, default=str).encode()).hexdigest()


def _file_hash(base: Path, name: str) -> str:
    path = base / name.strip()
    return hashlib.sha256(path.read_bytes()).hexdigest() if name.strip() and path.is_file() else ""


def _kept(order: Order, entry: Entry | None, key: str) -> Outcome | None:
    """Return the outcome of an earlier run when input and file are still the same."""
    if entry is None or entry.input != key:
        return None
    path = order.out / f"{entry.store_id}.pdf"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
        return None
    return Outcome(entry.store_id, entry.verdict, path.name, entry.reason)


def _made(
    order: Order, work: list[tuple[int, Row, str]], jobs: int
) -> Iterator[tuple[int, str, Outcome, str]]:
    """Yield each made row as it is done, by this process or by workers."""
    if jobs <= 1 or len(work) < 2:
        for index, row, key in work:
            yield (index, key, *make_row(order, row))
        return
    context = multiprocessing.get_context("spawn")
    waiting = iter(work)
    running: dict[Future[tuple[Outcome, str]], tuple[int, str]] = {}
    with ProcessPoolExecutor(min(jobs, len(work)), mp_context=context) as pool:
        try:
            while True:
                for index, row, key in waiting:
                    running[pool.submit(make_row, order, row)] = (index, key)
                    if len(running) >= jobs * QUEUE:
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield (*running.pop(future), *future.result())
        except BrokenProcessPool as error:
            sentence = (
                "a worker process died; what was made is kept: run the same command again with --jobs 1"
            )
            raise FailedError(sentence) from error
        finally:
            for future in running:
                future.cancel()


def make_row(order: Order, row: Row) -> tuple[Outcome, str]:
    """Make one row's file; return its line of the report and the file's hash."""
    chosen = catalog.choose(order.template_id, order.look)
    made = making.build(Job(chosen, row.data, order.output, order.base))
    result: Result = made.result
    store = row.data["store_id"].strip()
    if not made.pdf:
        return _refusal(store, row, result.findings, order.locale), ""
    name = f"{store}.pdf"
    write_all({order.out / name: made.pdf})
    return Outcome(
        store, result.verdict, name, _reason(row, result.findings, order.locale), True
    ), result.sha256


def _manifest(out: Path) -> dict[str, Entry]:
    """Return what earlier runs made; a line cut off by a power failure is passed over."""
    entries: dict[str, Entry] = {}
    path = out / MANIFEST
    if path.is_file():
        for line in path.read_text("utf-8", errors="replace").splitlines():
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError:
                continue
            entries[entry.store_id] = entry
    return entries


def _lines(entries: dict[str, Entry]) -> bytes:
    return b"".join(msgspec.json.encode(entries[name]) + b"\n" for name in sorted(entries))


def _report(outcomes: list[Outcome]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["store_id", "verdict", "file", "reason"])
    writer.writerows([o.store_id, o.verdict, o.file, o.reason] for o in outcomes)
    return out.getvalue().encode()
