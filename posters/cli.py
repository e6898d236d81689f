"""The command kiosk-posters. Exit codes: 0 done, 1 refused, 2 usage or configuration, 4 failed and nothing happened."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from posters.arguments import joined, offset_of, output_of, parser
from posters.errors import FailedError, PosterError, UsageError
from posters.profiles import Output
from posters.result import Result
from posters.words import aligned, locale, say

if TYPE_CHECKING:
    from posters.catalog import TemplateInfo

BAR = 30  # characters of the progress bar
VERDICTS = {"printable": "printable", "confirm": "to be confirmed", "refuse": "not printable"}


def _templates(options: argparse.Namespace) -> int:
    from posters.catalog import templates

    found = templates()
    if options.json:
        _print_json({"templates": msgspec.to_builtins(found)})
        return 0
    rows = []
    for info in found:
        title = info.title.zh if locale() == "zh_CN" else info.title.en
        size = f"{info.width_mm:g} × {info.height_mm:g} mm"
        looks = ", ".join(look for look in info.looks if not look.endswith("-en"))
        rows.append([info.id, title, size, str(info.faces), looks])
    print("\n".join(aligned(rows)))
    plain = min(found, key=lambda info: len(_names(info, required=True)))
    needed, optional = _names(plain, required=True), _names(plain, required=False)
    sentence = "Fields: {needed}; optional: {optional}"
    print(say(sentence, locale(), needed=", ".join(needed), optional=", ".join(optional)))
    offers = [info for info in found if _names(info, required=True) != needed]
    if offers:
        more = [name for name in _names(offers[0], required=True) if name not in needed]
        sentence = "With an offer ({templates}) these are required too: {needed}"
        ids = ", ".join(info.id for info in offers)
        print(say(sentence, locale(), templates=ids, needed=", ".join(more)))
    return 0


def _names(info: TemplateInfo, *, required: bool) -> list[str]:
    return [str(f["name"]) for f in info.fields if bool(f["required"]) == required]


def _make(options: argparse.Namespace) -> int:
    from posters.making import make
    from posters.storefile import read_store

    data = read_store(options.data)
    result = make(
        options.template,
        data,
        options.output,
        look=options.look,
        profile=options.profile,
        icc=options.icc,
        sheet=options.sheet,
        flip=options.flip,
        offset=offset_of(options),
        tile=options.tile,
        ledger=options.ledger,
        proof=options.proof,
        preview=options.preview,
        guides=options.guides,
        base=options.data.parent,
    )
    _show(result, options.json, str(options.data), str(options.output))
    return 1 if result.verdict == "refuse" else 0


def _check(options: argparse.Namespace) -> int:
    from posters.checking import check

    result = check(options.file, options.expect)
    _show(result, options.json, str(options.file), str(options.file))
    return 1 if result.verdict == "refuse" else 0


def _print(options: argparse.Namespace) -> int:
    from posters.checking import check
    from posters.office import send

    if not _is_calibration(options.file):
        result = check(options.file)
        _show(result, False, str(options.file), str(options.file))
        if result.verdict == "refuse":
            return 1
    answer = send(options.file, options.queue, options.copies)
    print(say("handed to the queue {queue}: {answer}", locale(), queue=options.queue, answer=answer))
    return 0


def _is_calibration(path: Path) -> bool:
    from posters.calibration import MOST_BYTES, is_sheet
    from posters.storefile import read_bytes

    data = read_bytes(path)
    return len(data) < MOST_BYTES and b"%PDF" in data[:16] and is_sheet(data)


def _offset(options: argparse.Namespace) -> int:
    from posters import queues

    path = queues.file()
    if options.value is not None:
        queues.keep(options.queue, options.value, path)
    dx, dy = queues.offset_of(options.queue, path)
    sentence = "{queue}: backs move {dx} mm right and {dy} mm down"
    print(say(sentence, locale(), queue=options.queue, dx=f"{dx:g}", dy=f"{dy:g}"))
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from posters.calibration import calibrate

    calibrate(options.output, options.sheet, options.flip, locale())
    print(
        say(
            "{file}: print it on both sides, hold it to the light, read the two figures",
            locale(),
            file=options.output,
        )
    )
    return 0


def _show(result: Result, as_json: bool, source: str, target: str) -> None:
    """Print the verdict; findings go to stderr, one sentence each."""
    if as_json:
        _print_json(result.as_json(locale()))
        return
    for finding in result.findings:
        print(f"{source}: {finding.say(locale())}", file=sys.stderr)
    if result.verdict != "refuse":
        print(f"{target}: {say(VERDICTS[result.verdict], locale())}")


def _batch(options: argparse.Namespace) -> int:
    from posters.batch import REPORT, Order, run
    from posters.storefile import read_table

    table = read_table(options.stores)
    for name in table.ignored:
        print(
            say(
                "{file}: the column {name} is no field and was not printed",
                locale(),
                file=options.stores,
                name=name,
            ),
            file=sys.stderr,
        )
    output = output_of(options)
    if options.together is not None and not output.sheet:
        raise UsageError("--together puts all stores on common sheets: name them with --sheet")
    alone = msgspec.structs.replace(output, sheet="") if options.together is not None else output
    order = Order(options.template, options.look, alone, options.stores.parent, options.output, locale())
    outcomes = run(order, table, options.jobs, _progress)
    for outcome in outcomes:
        if outcome.verdict != "printable":
            print(f"{options.stores} {outcome.reason}", file=sys.stderr)
    counts = {name: sum(o.verdict == name for o in outcomes) for name in VERDICTS}
    sentence = "Stores: {n} ({printable} printable, {confirm} to be confirmed, {refuse} not printable); {fresh} made now; see {report}"
    fresh = sum(outcome.fresh for outcome in outcomes)
    print(say(sentence, locale(), n=len(outcomes), fresh=fresh, report=options.output / REPORT, **counts))
    if options.zip is not None:
        from posters.gang import archive

        archive(
            [options.output / o.file for o in outcomes if o.file] + [options.output / REPORT], options.zip
        )
    if options.together is None:
        return 0
    good = [row for row, outcome in zip(table.rows, outcomes, strict=True) if outcome.file]
    return _together(options, output, [row.data for row in good])


def _together(options: argparse.Namespace, output: Output, rows: list[dict[str, str]]) -> int:
    """Put every good row on common sheets; 1 when a file failed its proof."""
    from posters.gang import jobs_of, together

    jobs = jobs_of(options.template, options.look, output, options.stores.parent, rows)
    parts = together(jobs, options.together) if jobs else []
    for part in parts:
        for finding in part.findings:
            print(f"{part.file}: {finding.say(locale())}", file=sys.stderr)
        print(f"{part.file}: {say(VERDICTS[part.verdict], locale())}")
    return int(any(part.verdict == "refuse" for part in parts))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        filled = BAR * done // max(total, 1)
        bar = "█" * filled + "░" * (BAR - filled)
        print(f"\r{bar} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "templates": _templates,
    "make": _make,
    "batch": _batch,
    "check": _check,
    "print": _print,
    "calibrate": _calibrate,
    "offset": _offset,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        options = parser().parse_args(joined(given))
        return RUN[options.command](options)
    except PosterError as error:
        if debug:
            raise
        print(f"kiosk-posters: {error.say(locale())}", file=sys.stderr)
        return error.exit_code
    except (OSError, MemoryError) as error:
        if debug:
            raise
        print(
            f"kiosk-posters: {FailedError('the machine refused: {why}', why=error).say(locale())}",
            file=sys.stderr,
        )
        return FailedError.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
