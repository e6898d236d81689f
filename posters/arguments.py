"""The words of the command line: options and what they mean. What they do is in cli.py."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from posters.errors import UsageError
from posters.profiles import Output


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence; no option may be cut short, lest a new one change what an old script means."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError("{message}; see {program} --help", message=message, program=self.prog)


def parser() -> argparse.ArgumentParser:
    """Return the parser of kiosk-posters."""
    whole = _Parser(
        prog="kiosk-posters", description="Print-ready QR stands and posters, each proven before it leaves."
    )
    whole.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("templates", help="what there is, with size, faces, looks and fields")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    _add_make(commands)
    _add_batch(commands)
    _add_sheets(commands)
    return whole


def _add_make(commands: Any) -> None:
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


def _add_batch(commands: Any) -> None:
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
    batch.add_argument(
        "--together", type=Path, metavar="FILE.pdf", help="all stores on common sheets too; with --sheet"
    )
    batch.add_argument("--zip", type=Path, metavar="FILE.zip", help="all files in one archive too")


def _add_sheets(commands: Any) -> None:
    check = commands.add_parser("check", help="read the codes of a PDF back; 0 printable, 1 not")
    check.add_argument("file", type=Path, metavar="FILE.pdf")
    check.add_argument("--expect", metavar="URL", help="what the codes must open")
    check.add_argument("--json", action="store_true", help="print the proof")
    printing = commands.add_parser("print", help="check a PDF and hand it to a CUPS queue, unscaled")
    printing.add_argument("file", type=Path, metavar="FILE.pdf")
    printing.add_argument("--queue", required=True, metavar="NAME")
    printing.add_argument("--copies", type=_positive, default=1, metavar="N")
    calibrate = commands.add_parser("calibrate", help="a sheet that shows how far a printer's backs are off")
    calibrate.add_argument("-o", "--output", type=Path, required=True, metavar="SHEET.pdf")
    calibrate.add_argument("--sheet", default="a4", metavar="NAME", help="a4 (default), a3 or sra3")
    calibrate.add_argument("--flip", default="long", metavar="EDGE", help="long (default) or short")

    offset = commands.add_parser("offset", help="keep how far the backs of a printer are off, or show it")
    offset.add_argument("queue", metavar="QUEUE", help="its name in CUPS")
    offset.add_argument(
        "value", nargs="?", type=_offset, metavar="DX,DY", help="right and down in mm, as the sheet shows"
    )


def _add_looks(parser: argparse.ArgumentParser) -> None:
    from posters.imposition import SHEETS
    from posters.profiles import PROFILES

    parser.add_argument(
        "--look",
        metavar="NAME",
        help="warm, fresh or plain; with -en at the end in English, with -both the front in Chinese and again in English behind",
    )
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
        type=_offset_or_queue,
        default=(0.0, 0.0),
        metavar="DX,DY",
        help="move the backs right and down by mm, or as kept for the queue of that name; see calibrate and offset",
    )
    parser.add_argument("--tile", default="", metavar="NAME", help=f"a poster on many sheets: {sheets}")


def joined(words: Sequence[str]) -> list[str]:
    """Return the words with two lengths below zero told from options, which argparse takes -0.5,1 for."""
    tied: list[str] = []
    for word in words:
        if tied and tied[-1] == "--offset" and re.match(r"-[\d.]", word):
            tied[-1] += f"={word}"
        elif re.match(r"-[\d.]+,", word):
            tied.append(f" {word}")
        else:
            tied.append(word)
    return tied


def output_of(options: argparse.Namespace) -> Output:
    """Return how the pieces leave."""
    return Output(options.profile, options.icc, options.sheet, options.flip, offset_of(options), options.tile)


def offset_of(options: argparse.Namespace) -> tuple[float, float]:
    """Return the offset in mm: as given, or as it is kept for the queue that is named."""
    from posters import queues

    if isinstance(options.offset, str):
        return queues.offset_of(options.offset, queues.file())
    dx, dy = options.offset
    return dx, dy


def _offset_or_queue(text: str) -> tuple[float, float] | str:
    """Return two lengths, or the name of a queue: none has a comma."""
    return _offset(text) if "," in text else text


def _offset(text: str) -> tuple[float, float]:
    try:
        dx, dy = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not two lengths such as 0.5,-1") from error
    return dx, dy


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 256")
    return number
