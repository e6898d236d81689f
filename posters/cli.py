"""The command kiosk-posters. Exit codes: 0 done, 1 refused, 2 usage or configuration, 4 failed and nothing happened."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from posters.errors import FailedError, PosterError, UsageError
from posters.profiles import Output
from posters.result import Result
from posters.words import locale, say

VERDICTS = {"printable": "printable", "confirm": "to be confirmed", "refuse": "not printable"}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence; no option may be cut short, lest a new one change what an old script means."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError("{message}; see {program} --help", message=message, program=self.prog)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kiosk-posters", description="Print-ready QR stands and posters, each proven before it leaves."
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("templates", help="what there is, with size, faces, looks and fields")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    listing.set_defaults(run=_templates)
    make = commands.add_parser("make", help="make one stand or poster")
    make.add_argument("template", metavar="TEMPLATE")
    make.add_argument(
        "--data", type=Path, required=True, metavar="STORE.toml", help="the fields of the store"
    )
    make.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.pdf")
    _add_looks(make)
    make.add_argument(
        "--proof",
        type=Path,
        metavar="PROOF.json",
        help="write what was read back; named .pdf, as a page for the print shop",
    )
    make.add_argument("--preview", type=Path, metavar="OUT.png", help="write a picture of the faces")
    make.add_argument("--guides", action="store_true", help="show bleed, trim and safe area in the preview")
    make.add_argument("--json", action="store_true", help="print the proof")
    make.add_argument(
        "--ledger", type=Path, metavar="FILE", help="remember what each material opens; refuse a second link"
    )
    make.set_defaults(run=_make)
    batch = commands.add_parser(
        "batch", help="make one file a store; again makes only what is missing or changed"
    )
    batch.add_argument("template", metavar="TEMPLATE")
    batch.add_argument("stores", type=Path, metavar="STORES.csv")
    batch.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    _add_looks(batch)
    batch.add_argument(
        "--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="worker processes"
    )
    batch.set_defaults(run=_batch)
    check = commands.add_parser("check", help="read the codes of a PDF back; 0 printable, 1 not")
    check.add_argument("file", type=Path, metavar="FILE.pdf")
    check.add_argument("--expect", metavar="URL", help="what the codes must open")
    check.add_argument("--json", action="store_true", help="print the proof")
    check.set_defaults(run=_check)
    calibrate = commands.add_parser("calibrate", help="a sheet that shows how far a printer's backs are off")
    calibrate.add_argument("-o", "--output", type=Path, required=True, metavar="SHEET.pdf")
    calibrate.add_argument("--sheet", default="a4", metavar="NAME", help="a4 (default), a3 or sra3")
    calibrate.add_argument("--flip", default="long", metavar="EDGE", help="long (default) or short")
    calibrate.set_defaults(run=_calibrate)
    return parser


def _add_looks(parser: argparse.ArgumentParser) -> None:
    from posters.imposition import SHEETS
    from posters.profiles import PROFILES

    parser.add_argument("--look", metavar="NAME", help="warm, fresh or plain; with -en at the end in English")
    parser.add_argument(
        "--profile", default="office", metavar="NAME", help=f"one of {', '.join(PROFILES)} (default: office)"
    )
    parser.add_argument("--icc", type=Path, metavar="FILE", help="the shop's CMYK profile, for press-x4")
    sheets = ", ".join(SHEETS)
    parser.add_argument("--sheet", default="", metavar="NAME", help=f"as many as fit a sheet: {sheets}")
    parser.add_argument(
        "--flip", default="long", metavar="EDGE", help="the edge that the paper turns on: long or short"
    )
    parser.add_argument(
        "--offset",
        type=_offset,
        default=(0.0, 0.0),
        metavar="DX,DY",
        help="move the backs right and down by mm; see calibrate; write --offset=-0.5,1 when the first is negative",
    )
    parser.add_argument("--tile", default="", metavar="NAME", help=f"a poster on many sheets: {sheets}")


def _output(options: argparse.Namespace) -> Output:
    return Output(options.profile, options.icc, options.sheet, options.flip, options.offset, options.tile)


def _offset(text: str) -> tuple[float, float]:
    try:
        dx, dy = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not two lengths such as 0.5,-1") from error
    return dx, dy


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not a number of processes from 1 to 256")
    return number


def _templates(options: argparse.Namespace) -> int:
    from posters.catalog import templates

    found = templates()
    if options.json:
        _print_json({"templates": msgspec.to_builtins(found)})
        return 0
    for info in found:
        title = info.title.zh if locale() == "zh_CN" else info.title.en
        size = f"{info.width_mm:g}×{info.height_mm:g} mm"
        looks = ", ".join(look for look in info.looks if not look.endswith("-en"))
        print(f"{info.id:<12} {title}  {size}  {info.faces}  {looks}")
    needed = ", ".join(str(f["name"]) for f in found[0].fields if f["required"])
    optional = ", ".join(str(f["name"]) for f in found[0].fields if not f["required"])
    print(say("Fields: {needed}; optional: {optional}", locale(), needed=needed, optional=optional))
    return 0


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
        offset=options.offset,
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
    order = Order(
        options.template, options.look, _output(options), options.stores.parent, options.output, locale()
    )
    outcomes = run(order, table, options.jobs, _progress)
    for outcome in outcomes:
        if outcome.verdict != "printable":
            print(f"{options.stores} {outcome.reason}", file=sys.stderr)
    counts = {name: sum(o.verdict == name for o in outcomes) for name in VERDICTS}
    sentence = "{n} stores: {printable} printable, {confirm} to be confirmed, {refuse} not printable; {fresh} made now; see {report}"
    fresh = sum(outcome.fresh for outcome in outcomes)
    print(say(sentence, locale(), n=len(outcomes), fresh=fresh, report=options.output / REPORT, **counts))
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        options = _parser().parse_args(given)
        return int(options.run(options))
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
