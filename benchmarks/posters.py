"""One A6 two-sided stand beside the same page by Typst and WeasyPrint; 200 pages in one file; 1,000 stores with proof.

The peers are installed from the package index into an environment that is thrown away, and run in a process of their own
with the same font, texts and code; what cannot be had is named. Warm: the first piece is not counted. Ours is measured
twice: drawn and finished alone, which is all that the peers do, and with every code read back through all gates, which
none of them does. Bars (DESIGN section 6 and docs/stands-and-posters.md): faster than both peers; 1,000 stores with a PDF
and a proof each in less than 90 s on 2 cores, with less than 200 MB in any process.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from benchmarks.figures import shown

PEERS = ("typst", "weasyprint")
ROUNDS = 15
STORES = 1000
STORE = {
    "store_id": "S0001",
    "merchant": "老王便利店",
    "store": "科技园南区店",
    "url": "https://q.example.cn/c/S0001",
    "category": "便利店",
    "phone": "0755-8888 6666",
}


def ours(proof: bool) -> tuple[list[float], int]:
    """Return the milliseconds of each warm stand, and its size."""
    from posters import catalog, drawing, making
    from posters.profiles import Output

    chosen = catalog.choose("stand-a6", "warm")
    times, size = [], 0
    for n in range(ROUNDS + 1):
        data = {**STORE, "store_id": f"S{n:04d}", "url": f"https://q.example.cn/c/{int(proof)}{n:03d}"}
        job = drawing.Job(chosen, data, Output("press-x1a"))
        begin = time.perf_counter()
        size = len(making.build(job).pdf if proof else drawing.draw(job).pdf)
        times.append((time.perf_counter() - begin) * 1000)
    return times[1:], size


def preview() -> list[float]:
    """Return the milliseconds a face of a preview with its lines at 96 dpi, as a page shows it."""
    from posters import catalog, drawing, guides, making, raster
    from posters.profiles import Output

    made = making.build(drawing.Job(catalog.choose("stand-a6", "warm"), STORE, Output("press-x1a")))
    times = []
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        raster.png(raster.contact(guides.guided(made.pdf, made.boxes, 5.0, 96)), 96)
        times.append((time.perf_counter() - begin) * 1000 / 2)
    return times[1:]


def one_file(stands: int) -> tuple[float, int]:
    """Return the seconds and bytes of one file with two pages a stand, each with its own code; no peer's pages differ."""
    from posters import catalog, drawing
    from posters.finish import Finish, finish
    from posters.profiles import Output

    chosen = catalog.choose("stand-a6", "warm")
    begin = time.perf_counter()
    data = [
        {**STORE, "store_id": f"S{n:04d}", "url": f"https://q.example.cn/c/M{n:03d}"} for n in range(stands)
    ]
    jobs = [drawing.Job(chosen, one, Output("press-x1a")) for one in data]
    raw, draft, _ = drawing.art_of_many(jobs)
    boxes = drawing.route_of(jobs[0], draft).boxes(2) * stands
    whole = finish(raw, Finish("stands", chosen.template.revised, boxes, "x1a"))
    return time.perf_counter() - begin, len(whole)


def peer(name: str, folder: Path) -> dict[str, Any] | str:
    """Return a peer's figures, or why there are none."""
    home = folder / name
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    got = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", name],
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode:
        return f"cannot be installed: {(got.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    done = subprocess.run(
        [python, Path(__file__).with_name("_posters_peers.py"), name, _font(), _code(folder), str(ROUNDS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"does not run here: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _font() -> Path:
    from ui.fonts import packaged_font

    return packaged_font()


def _code(folder: Path) -> Path:
    """Write the code as the SVG that a peer would place."""
    from posters.symbol import encode, merged

    symbol = encode(STORE["url"])
    path = "".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in merged(symbol))
    side = symbol.modules + 8
    out = folder / "code.svg"
    out.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {side} {side}"><path d="{path}"/></svg>',
        "utf-8",
    )
    return out


def many(folder: Path, stores: int, *more: str) -> tuple[float, float, float]:
    """Run a batch as a user would; return seconds, the largest process in MB, and the bytes of a PDF."""
    table, out = folder / f"stores-{stores}.csv", folder / f"out-{stores}-{len(more)}"
    rows = [f"S{n:05d},老王便利店{n},科技园南区店,https://q.example.cn/c/{n:05d}" for n in range(stores)]
    table.write_text("store_id,merchant,store,url\n" + "\n".join(rows) + "\n", "utf-8")
    begin = time.perf_counter()
    command = [sys.executable, "-m", "posters.cli", "batch", "stand-a6", str(table), "-o", str(out)]
    subprocess.run(
        [*command, "--profile", "press-x1a", "--jobs", str(min(2, os.cpu_count() or 1)), *more],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    files = list(out.glob("*.pdf"))
    return took, peak, sum(path.stat().st_size for path in files) / len(files)


def main() -> None:
    """Print the figures."""
    drawn, size = ours(proof=False)
    proven, _ = ours(proof=True)
    pages, size_of_all = one_file(100)
    with tempfile.TemporaryDirectory(prefix="posters-bench-") as place:
        folder = Path(place)
        took, peak, each = many(folder, STORES)  # before the peers: the largest child must be ours
        found = {name: peer(name, folder) for name in PEERS}
    measured = {name: figures for name, figures in found.items() if not isinstance(figures, str)}
    print(shown("ours: drawn and finished", drawn, "ms"), f"{size} bytes")
    print(shown("ours: with all gates on both faces", proven, "ms"))
    print(shown("ours: preview with guides, a face", preview(), "ms", bar="15"))
    for name, figures in found.items():
        if isinstance(figures, str):
            print(f"{name}: skipped, {figures}")
            continue
        print(
            shown(f"{name}: the same page", figures["ms"], "ms"),
            f"{figures['bytes']} bytes, {figures['peak_mb']:.0f} MB",
        )
        print(shown(f"ours, drawn, beside {name}", drawn, "ms", figures["ms"], "< 1"))
        print(shown(f"ours, with proof, beside {name}", proven, "ms", figures["ms"]))
        print(
            f"{name}: 200 pages in one file in {figures['many_s']:.2f} s, {figures['many_s'] * 5:.1f} ms a page"
        )
    print(
        f"ours: 200 pages, 100 different codes, in one file in {pages:.2f} s, {pages * 5:.1f} ms a page, {size_of_all} bytes"
    )
    print(
        f"{STORES} stores, own PDF and proof each: {took:.1f} s (bar 90), largest process {peak:.0f} MB (bar 200), "
        f"{each / 1000:.1f} kB a PDF, {took / STORES * 500:.1f} ms a page"
    )
    if not measured:
        print("no peer could be measured: there is no ratio")


if __name__ == "__main__":
    main()
