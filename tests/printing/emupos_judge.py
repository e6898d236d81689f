"""Run by a Python that has emupos (>= 3.13): jobs as hex lines on stdin, what it made of each as JSON lines on stdout.

emupos (Apache-2.0) is somebody else's reading of Epson's reference: it knows nothing of this project.
"""

import base64
import json
import sys

from emupos.config import FontCell, PrinterProfile
from emupos.printer.printer import Printer


def profile(width: int) -> PrinterProfile:
    # Code page 437 is lossless: the dump encoded back to it is the bytes that were sent.
    return PrinterProfile(
        type="printer", name=f"{width} dots", dpi=203, width_dots=width, font_a=FontCell(width=12, height=24),
        font_b=FontCell(width=9, height=17), code_pages={0: "PC437"}, default_code_page=0, drawer_sensor_open_level="high",
    )  # fmt: skip


def judge(width: int, parts: list[bytes]) -> dict[str, object]:
    printer = Printer("p", profile(width), sensor_open_level="high", job_idle_timeout_ms=60_000)
    made = printer.open_connection("c", 0.0)
    for part in parts:
        made = made + printer.receive("c", part, 0.0)
    made = made + printer.close_connection("c", 0.0)
    return {
        "receipts": [
            {
                "text": r.text,
                "width": r.width_dots,
                "height": r.height_dots,
                "end": r.boundary,
                "png": base64.b64encode(r.png).decode(),
            }
            for r in made.receipts
        ],
        "events": [
            {"type": str(e.type), "data": {k: str(v) for k, v in e.data.items()}} for e in made.events
        ],
        "answers": "".join(w.data.hex() for w in made.writes),
    }


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(judge(asked["width"], [bytes.fromhex(p) for p in asked["parts"]])), flush=True)
