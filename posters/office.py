"""Hand a finished PDF to a CUPS queue with the options that keep it true: no scaling, the right edge to turn on.

The options are those of IPP (RFC 8011 and PWG 5100.13): sides, print-scaling, media. Taken by the queue is not printed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from posters.errors import FailedError
from posters.imposition import SHEETS
from posters.queues import checked_name
from posters.units import PT_PER_MM

DEADLINE_S = 30.0
SIDES = {
    "/DuplexFlipLongEdge": "two-sided-long-edge",
    "/DuplexFlipShortEdge": "two-sided-short-edge",
}
MEDIA = {"a4": "A4", "a3": "A3", "sra3": "SRA3"}


def options(path: Path) -> list[str]:
    """Return the options for a PDF: what its own wishes and the size of its pages say."""
    import pikepdf

    with pikepdf.Pdf.open(path) as pdf:
        wish = str(pdf.Root.get("/ViewerPreferences", pikepdf.Dictionary()).get("/Duplex", ""))
        x0, y0, x1, y1 = (float(v) for v in pdf.pages[0].mediabox)
    size = tuple(sorted(((x1 - x0) / PT_PER_MM, (y1 - y0) / PT_PER_MM)))
    return [
        f"sides={SIDES.get(wish, 'one-sided')}",
        "print-scaling=none",
        f"media={_media((size[0], size[1]))}",
    ]


def _media(size: tuple[float, float]) -> str:
    for name, sheet in SHEETS.items():
        if all(abs(a - b) < 1 for a, b in zip(size, sorted(sheet), strict=True)):
            return MEDIA[name]
    return f"Custom.{size[0]:.0f}x{size[1]:.0f}mm"


def send(path: Path, queue: str, copies: int = 1) -> str:
    """Hand the file to the queue and return what CUPS answers, such as the number of the request."""
    checked_name(queue)
    program = shutil.which("lp")
    if program is None:
        raise FailedError("there is no lp on this machine: install cups-client, or print the file by hand")
    wishes = [word for option in options(path) for word in ("-o", option)]
    command = [program, "-d", queue, "-n", str(copies), *wishes, "--", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise FailedError(
            "the queue {queue} did not answer within {s} s", queue=queue, s=DEADLINE_S
        ) from error
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[0]
        raise FailedError("the queue {queue} did not take the file: {why}", queue=queue, why=why)
    return done.stdout.strip()
