"""Slips: microseconds a coupon slip, milliseconds a preview and a picture, import time and memory of the room.

How: the same coupon slip in turn by us and by each peer, in one process, so that the machine's moods hit both. python-escpos
is handed lines that are already broken and only has to write them (its own `set()`, `text()`, `qr()`, `barcode()`, `cut()`);
we lay the slip out each time. The peers from npm run where Node finds them (NODE_PATH), and are named where it does not.
Bars (DESIGN section 6): 100 us a slip, at least 3 times faster than python-escpos; preview 15 ms.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.figures import shown
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.code import sign
from kiosk.coupons.record import PoolCode
from kiosk.printing import escpos, layout, png
from kiosk.printing.pictures import Picture
from kiosk.printing.profiles import PROFILES
from kiosk.printing.slip import Cut, Logo, Slip
from kiosk.printing.templates import coupon_slip

ROUNDS, CALLS = 60, 50
P58, P80 = PROFILES["generic-58"], PROFILES["generic-80"]


SLIPS = 1000
"""More than anything remembers: every code is a new one."""


def slips() -> list[Slip]:
    """Return slips of one batch, each with a code of its own, as a button hands them out."""
    key = Ed25519PrivateKey.generate()
    batch = Batch(
        stock_id="HK-SLIP-0001", product="slip_coupon", name="回头客满20减3", value=300, threshold=2000,
        begins=datetime(2026, 11, 1, tzinfo=UTC), ends=datetime(2027, 10, 31, tzinfo=UTC),
    )  # fmt: skip
    store = Store("kjy-south", "科技园南区店", "科技园南区 8 栋 101")
    made = []
    for n in range(SLIPS):
        code = sign(key, slot=0, batch=7, serial=n, not_after=date(2027, 10, 31))
        pool = PoolCode(f"7-{n}", code, f"A1B2C3D4{n:04}")
        made.append(coupon_slip(Merchant("老王便利店"), store, batch, pool, "zh_CN"))
    return made


def ours(made: list[Slip]) -> Callable[[], Any]:
    """Return a call that lays the next slip out and writes it."""
    turn = itertools.cycle(made)
    return lambda: escpos.render(next(turn), P58)


def ours_cold(made: list[Slip]) -> Callable[[], Any]:
    """Return the same, with every text seen for the first time."""
    turn = itertools.cycle(made)

    def write() -> object:
        layout._kept.cache_clear()
        escpos._keeper.cache_clear()
        return escpos.render(next(turn), P58)

    return write


def preview_cold(made: Slip) -> Callable[[], Any]:
    """Return a call that draws a slip whose every character is drawn for the first time."""

    def draw() -> object:
        png.glyph.cache_clear()
        return png.render(made, P58)

    return draw


def python_escpos(made: list[Slip]) -> Callable[[], Any]:
    """Return a call that writes the next slip with python-escpos; its import leaves a directory, which goes with ours."""
    from escpos.printer import Dummy

    turn = itertools.cycle([layout.lay_out(s, P58.width_dots).blocks for s in made])
    printer = Dummy()

    def write() -> bytes:
        printer.clear()
        printer.hw("INIT")
        for b in next(turn):
            match b:
                case layout.Line():
                    printer.set(
                        align=b.align, bold=b.bold, double_width=b.width == 2, double_height=b.height == 2
                    )
                    printer.text(b.text + "\n")
                case layout.QrBlock():
                    printer.qr(b.data, native=True, size=b.module, ec=1)
                case layout.BarBlock():
                    printer.barcode(
                        "{B" + b.data,
                        "CODE128",
                        height=b.height,
                        width=b.module,
                        pos="OFF",
                        force_software=False,
                    )
                case layout.FeedBlock():
                    printer.text("\n" * b.lines)
                case layout.CutBlock():
                    printer.cut("PART")
        out: bytes = printer.output
        return out

    return write


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int, each: int) -> dict[str, list[float]]:
    """Return seconds a call, one value a round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            begun = time.perf_counter()
            for _ in range(each):
                call()
            times[name].append((time.perf_counter() - begun) / each)
    return times


PROBE = """
import sys, time
begun = time.perf_counter()
{what}
print(time.perf_counter() - begun, next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1])
"""
OURS = "from kiosk.printing.render import render\nfrom kiosk.printing.profiles import PROFILES\nimport kiosk.printing.escpos, kiosk.printing.templates\nfrom escpos import constants"
THEIRS = "import escpos.printer"


def imports(rounds: int = 7) -> None:
    """Import time and memory, each in a process of its own."""
    seconds: dict[str, list[float]] = {"ours": [], "python-escpos": []}
    memory: dict[str, list[float]] = {"ours": [], "python-escpos": []}
    for _ in range(rounds):
        for name, what in (("ours", OURS), ("python-escpos", THEIRS)):
            out = subprocess.run(
                [sys.executable, "-c", PROBE.format(what=what)], capture_output=True, text=True, check=True
            ).stdout
            took, rss = out.split()
            seconds[name].append(float(took) * 1000)
            memory[name].append(int(rss) / 1024)
    print(shown("import of the printing room", seconds["ours"], "ms", seconds["python-escpos"]))
    print(shown("import of escpos.printer", seconds["python-escpos"], "ms"))
    print(shown("memory after it", memory["ours"], "MiB", memory["python-escpos"]))
    print(shown("memory after escpos.printer", memory["python-escpos"], "MiB"))


NODE = """
const {lines, code, short} = JSON.parse(process.argv[1]);
const calls = {};
try {
  const receiptline = require("receiptline");
  const doc = "{w:auto}\\n" + lines.map(l => (l.width == 2 ? "^^^" : "") + l.text.replace(/[\\\\|{}~_"`^]/g, "\\\\$&")).join("\\n") + "\\n{code:" + code.replace(/[\\\\|{};~_"`^]/g, "\\\\$&") + ";option:qrcode,6,m}\\n{code:" + short + ";option:code128,2,72}\\n=";
  calls["ReceiptLine"] = () => receiptline.transform(doc, {cpl: 32, encoding: "gb18030", command: "escpos"});
} catch (err) { console.error("receiptline: " + err.code); }
try {
  const Encoder = require("@point-of-sale/receipt-printer-encoder");
  calls["receipt-printer-encoder"] = () => { const e = new Encoder({columns: 32}).initialize(); for (const l of lines) e.align(l.align).bold(l.bold).line(l.text.replace(/[^ -~]/g, "xx")); return e.qrcode(code, {size: 6}).barcode(short, "code128", {height: 72, width: 2}).cut("partial").encode(); };
} catch (err) { console.error("receipt-printer-encoder: " + err.code); }
const out = {};
for (const [name, call] of Object.entries(calls)) {
  out[name] = [];
  for (let i = 0; i < 300; i++) call();
  for (let r = 0; r < 40; r++) { const t = process.hrtime.bigint(); for (let i = 0; i < 20; i++) call(); out[name].push(Number(process.hrtime.bigint() - t) / 20000); }
}
console.log(JSON.stringify(out));
"""


def node_peers(made: Slip, our_times: list[float]) -> None:
    """The peers from npm; English stands for Chinese where they cannot do it."""
    node = shutil.which("node")
    if node is None:
        print("no Node here: ReceiptLine and receipt-printer-encoder were not measured.")
        return
    lines = [
        {"text": b.text, "align": b.align, "bold": b.bold, "width": b.width}
        for b in layout.lay_out(made, P58.width_dots).blocks
        if isinstance(b, layout.Line)
    ]
    given = json.dumps({"lines": lines, "code": "C1:" + "A" * 116, "short": "A1B2C3D4E5F6"})
    done = subprocess.run([node, "-e", NODE, given], capture_output=True, text=True, timeout=120)
    for line in done.stderr.splitlines():
        print(f"not measured, {line} (npm install it, and set NODE_PATH)")
    for name, times in json.loads(done.stdout or "{}").items():
        print(shown(f"coupon slip by {name}", times, "us", our_times))


def main() -> None:
    made = slips()
    with tempfile.TemporaryDirectory() as place:
        os.environ["TMPDIR"] = tempfile.tempdir = place
        calls = {"ours": ours(made), "cold": ours_cold(made), "python-escpos": python_escpos(made)}
        with (
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):  # the peer prints as it goes
            times = in_turn(calls, ROUNDS, CALLS)
        us = {name: [t * 1e6 for t in values] for name, values in times.items()}
        peer = us["python-escpos"]
        print(shown("coupon slip to ESC/POS, layout included", us["ours"], "us", peer, "100 us; 0.33 x peer"))
        print(shown("the same, every text new", us["cold"], "us", peer))
        print(shown("coupon slip by python-escpos, lines given", peer, "us"))
        node_peers(made[0], us["ours"])
        pictures: dict[str, Picture | str] = {"big": Picture(576, (b"\x5a" * 72,) * 1000)}
        poster = Slip(elements=(Logo(name="big"), Cut()))
        ms = in_turn(
            {
                "preview": lambda: png.render(made[0], P58),
                "strange": preview_cold(made[0]),
                "graphic": lambda: escpos.render(made[0], PROFILES["graphic-safe"]),
                "picture": lambda: escpos.render(poster, P80, pictures),
            },
            20,
            3,
        )
        print(shown("preview as PNG, 58 mm", [t * 1e3 for t in ms["preview"]], "ms", bar="15 ms"))
        print(shown("the same, every character new", [t * 1e3 for t in ms["strange"]], "ms", bar="15 ms"))
        print(
            shown(
                "whole slip as a picture (graphic-safe)", [t * 1e3 for t in ms["graphic"]], "ms", bar="15 ms"
            )
        )
        print(shown("picture of 576 x 1000 in strips", [t * 1e3 for t in ms["picture"]], "ms"))
        imports()
        tempfile.tempdir = None


if __name__ == "__main__":
    main()
