"""What libraries and printers are known to get wrong and no other test looks at; and that every trap has a test (`traps`)."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

from hypothesis import given
from PIL import Image, ImageDraw

from kiosk.printing import escpos, png
from kiosk.printing import layout as lay
from kiosk.printing.columns import clean
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.slip import Code128, Cut, Qr, Slip, Text
from simulators.escpos import EscposPrinterSim
from tests.cloud_printers.rig import until
from tests.printing.conftest import Rig
from tests.printing.made import P58, slip, slips
from tests.printing.test_templates import every
from tests.printing.traps import TRAPS

ROOT = Path(__file__).parents[2]


def test_every_trap_has_a_test() -> None:
    tests: dict[str, set[str]] = {}
    for trap, named in TRAPS.items():
        assert named, trap
        for one in named:
            file, name = one.split("::")
            if file not in tests:
                tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
                kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
                tests[file] = {n.name for n in ast.walk(tree) if isinstance(n, kinds)}
            assert name.startswith("test_"), one
            assert name in tests[file], f"{trap}: {one} is gone"


@given(slips)
def test_every_reset_is_followed_by_the_two_byte_mode(made: Slip) -> None:
    """ESC @ falls back to what a DIP switch says; ours begins a job and each copy, nothing else."""
    data = escpos.render(made, P58).data
    resets = data.count(b"\x1b@")
    assert data.count(b"\x1b@\x1c&") == resets == 1


def test_the_content_of_a_code_holds_no_command_for_a_printer_without_codes() -> None:
    """Such a printer reads on after a command that it does not know; a real-time one is obeyed inside of it too."""
    made = escpos.render(slip(Qr(data="https://q.example.cn/\x10\x14\x01\x00\x01"), Text(text="rest")), P58)
    assert "control characters" in made.report.lost[0]
    assert b"\x10\x14" not in made.data
    assert b"\x1d(k" not in made.data
    assert made.data.endswith(b"rest\n")


def test_copies_reset_each() -> None:
    data = escpos.render(slip(Text(text="a"), copies=3), P58).data
    assert data.count(b"\x1b@\x1c&") == 3


def test_commands_that_clones_read_differently_are_not_sent() -> None:
    """ESC ! is font and size at once, ESC R 15 makes a yen sign of the dollar, ESC t leaves the two-byte mode, ESC * leaves gaps."""
    for name, made in every("zh_CN"):
        data = escpos.render(made, P58).data
        for command in (b"\x1b!", b"\x1bR", b"\x1bt", b"\x1b*", b"\x1c."):
            assert command not in data, (name, command)


def test_a_dollar_stays_a_dollar() -> None:
    assert b"$5\n" in escpos.render(slip(Text(text="$5")), P58).data


def test_signs_that_gb2312_refuses_are_kept() -> None:
    assert clean("—·①").text == "—·①"
    assert escpos.render(slip(Text(text="—·")), P58).data.endswith(b"\xa1\xaa\xa1\xa4\n")


def test_dots_that_spell_a_pulse_open_no_drawer() -> None:
    """Some printers act on DLE DC4 among dots too."""
    rows = [bytes([n]) + b"\x10\x14\x01\x00\x01" + b"\x10\x14\x02\x01\x08" + bytes(37) for n in range(48)]
    made = escpos.raster(rows, 24)
    assert b"\x10\x14" not in made
    assert made == escpos.raster([row.replace(b"\x10\x14", b"\x10\x16") for row in rows], 24), "a dot each"
    harmless = [b"\x10\x14\x05\x00" * 12] * 24
    assert b"".join(harmless) in escpos.raster(harmless, 24)


def test_text_is_never_dithered() -> None:
    """47 % of glyphs lose strokes by Pillow's default; ours are cut at one grey."""
    for char in "老王便利店券领打":
        drawn = png.glyph(char, 1, 1, bold=False)
        assert drawn is not None
        grey = Image.new("L", (png.CELL, png.CELL), 255)
        ImageDraw.Draw(grey).text((0, png.BASELINE), char, font=png._font(False), fill=0, anchor="ls")
        cut = bytes(255 if v < png.THRESHOLD else 0 for v in grey.tobytes())
        assert drawn.convert("L").tobytes() == cut
    png._font.cache_clear()


def test_the_codes_of_our_slips_are_ascii() -> None:
    """python-escpos sends UTF-8 into QR codes, clones read GBK: plain ASCII is the same everywhere."""
    found = [e.data for _, made in every("zh_CN") for e in made.elements if isinstance(e, Qr | Code128)]
    assert found
    assert all(data.isascii() for data in found)


def test_a_cut_follows_a_line_end() -> None:
    """Without one the cut is ignored, or cuts above the knife."""
    data = escpos.render(slip(Text(text="a"), Cut()), P58).data
    assert data.endswith(b"a\n\x1bd\x03\x1dV\x01")


def test_a_printed_quiet_zone_is_four_modules_and_more() -> None:
    laid = lay.lay_out(slip(Qr(data="https://q.example.cn/c/S0001")), 384)
    (block,) = laid.blocks
    assert isinstance(block, lay.QrBlock)
    side = 29 * block.module
    assert (384 - side) / 2 >= 4 * block.module
    assert lay.QUIET_DOTS >= 24


async def test_each_job_has_a_connection_of_its_own(sim: EscposPrinterSim) -> None:
    """Printers hang up on connections that idle."""
    printer = NetworkPrinter("p", f"tcp://127.0.0.1:{sim.port}", P58, "127.0.0.1", sim.port)
    for n in range(2):
        job = escpos.render(slip(Text(text=f"slip {n}"), Cut()), P58).data
        assert (await printer.send(job, rid=f"R{n}", deadline_s=10)).ended == "printed"
        await until(lambda: not sim._links)
    assert len(sim.slips) == 2


async def test_a_status_is_not_asked_of_a_printer_that_prints(rig: Rig) -> None:
    """Opening some devices resets them: a poll in the middle of a slip would cut it off."""
    rig.sim.set_fault("no_barrier")
    job = escpos.render(slip(Text(text="a")), P58).data
    sending = asyncio.create_task(rig.printer.send(job, rid="R1", deadline_s=30))
    await until(lambda: rig.printer.sent == len(job))
    asked = rig.sim.asked
    assert (await rig.printer.status()).state == "ok", "what was known last"
    assert rig.sim.asked == asked
    sending.cancel()
    await asyncio.wait([sending])


async def test_an_answer_ends_the_wait_for_it(rig: Rig) -> None:
    """python-escpos asks for 16 bytes, gets one, and waits its whole timeout for the rest."""
    rig.printer.answer_s = rig.printer.silence_s = 600
    async with asyncio.timeout(30):
        assert (await rig.printer.status()).state == "ok"
