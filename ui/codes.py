"""QR codes and barcodes as SVG for pages: crisp at any size, one path, with a text for those who cannot see them."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any, Literal

Level = Literal["L", "M", "Q", "H"]
QUIET = 4
"""Modules of quiet zone on each side (ISO/IEC 18004)."""

# Bar and space widths of CODE128 symbols 0-106 (ISO/IEC 15417, table 1), the stop with its final bar.
_PATTERNS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
).split()
START_B, START_C, CODE_C, CODE_B, STOP = 104, 105, 99, 100, 106


@lru_cache(maxsize=64)
def modules(data: str, level: Level = "M") -> tuple[str, ...]:
    """Return the rows of a QR code as texts of 0 and 1, without the quiet zone, in the smallest version.

    zxing draws in 0.2 ms what takes qrcode 7 ms, and qrcode loads Pillow: 8 MiB in a daemon that draws no picture. But zxing
    marks other than ASCII in ways that printers' own codes do not; there qrcode's plain UTF-8 bytes stand.
    """
    if not data.isascii():
        return _plain_bytes(data, level)
    import zxingcpp

    made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture: list[list[int]] = memoryview(made.to_image(scale=1, add_quiet_zones=False)).tolist()  # type: ignore[arg-type, assignment]
    return tuple("".join("1" if dot == 0 else "0" for dot in row) for row in picture)


def _plain_bytes(data: str, level: Level) -> tuple[str, ...]:
    import qrcode
    from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q

    levels = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
    code: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=levels[level], border=0)
    code.add_data(data)
    code.make(fit=True)
    return tuple("".join("1" if dark else "0" for dark in row) for row in code.get_matrix())


def qr_svg(data: str, level: Level = "M", label: str = "") -> str:
    """Return a QR code as inline SVG, quiet zone included."""
    rows = modules(data, level)
    path = []
    for y, row in enumerate(rows):
        x = row.find("1")
        while x >= 0:
            end = row.find("0", x)
            end = len(row) if end < 0 else end
            path.append(f"M{x + QUIET} {y + QUIET}h{end - x}v1h{x - end}z")
            x = row.find("1", end)
    side = len(rows) + 2 * QUIET
    return (
        f'<svg class="qr" role="img" aria-label="{escape(label)}" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{"".join(path)}"/></svg>'
    )


def code128(text: str) -> list[int]:
    """Return the symbols of a text, start, check and stop included; subset C for runs of digits where it is shorter."""
    if not text or not all(" " <= c <= "~" for c in text):
        raise ValueError("CODE128 here holds printable ASCII only")
    if text.isdigit() and len(text) % 2 == 0:
        symbols = [START_C, *(int(text[i : i + 2]) for i in range(0, len(text), 2))]
    elif text.isdigit() and len(text) > 3:
        symbols = [
            START_C,
            *(int(text[i : i + 2]) for i in range(0, len(text) - 1, 2)),
            CODE_B,
            ord(text[-1]) - 32,
        ]
    else:
        symbols = [START_B, *(ord(c) - 32 for c in text)]
    check = (symbols[0] + sum(i * s for i, s in enumerate(symbols[1:], 1))) % 103
    return [*symbols, check, STOP]


def bars(text: str) -> list[tuple[int, int]]:
    """Return (start, width) of each bar in modules, without the quiet zone."""
    found, x = [], 0
    for symbol in code128(text):
        for i, width in enumerate(map(int, _PATTERNS[symbol])):
            if i % 2 == 0:
                found.append((x, width))
            x += width
    return found


def code128_svg(text: str, label: str = "", height: int = 40) -> str:
    """Return a CODE128 barcode as inline SVG with 10 modules of quiet zone on each side."""
    drawn = bars(text)
    width = drawn[-1][0] + drawn[-1][1] + 20
    path = "".join(f"M{x + 10} 0h{w}v{height}h{-w}z" for x, w in drawn)
    return (
        f'<svg class="barcode" role="img" aria-label="{escape(label or text)}" viewBox="0 0 {width} {height}"'
        f' preserveAspectRatio="none" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{width}v{height}H0z"/>'
        f'<path fill="#000" d="{path}"/></svg>'
    )
