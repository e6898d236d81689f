"""Slips and values that the tests of this room share; strategies that make any text a shop or a customer could send."""

from __future__ import annotations

from hypothesis import strategies as st

from kiosk.printing.profiles import PROFILES
from kiosk.printing.slip import Cell, Code128, Cut, Drawer, Element, Feed, Qr, Row, Rule, Slip, Text
from simulators.paper import Interpreter, Printed

P58, P80, SAFE = PROFILES["generic-58"], PROFILES["generic-80"], PROFILES["graphic-safe"]

# What hurts: brackets of both markups, the enlarging sign, separators, commands of ESC/POS, names of tags.
NASTY = [
    "<CUT>", "</CB>", "<BR>", "<MN>9</MN>", "<JSON>{}</JSON>", "<PLUGIN>", "@@2", "a,b", "\x1b@", "\x1dV\x00", "\x10\x14\x01",
    "\x1bp\x00\x19\xfa", "\n@@2", "\r\n", "\u2028", "\x00", "\x7f", "\x85", "👨‍👩‍👧", "𠮷", "￥", "¥", "——", "①", "é", "中", "<", ">", "@", "{", "{C",
]  # fmt: skip
anything = st.text(max_size=60) | st.lists(st.sampled_from(NASTY) | st.text(max_size=5), max_size=8).map(
    "".join
)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=48)

texts = st.builds(
    Text,
    text=anything,
    align=st.sampled_from(["left", "center", "right"]),
    width=st.integers(1, 2),
    height=st.integers(1, 2),
    bold=st.booleans(),
    underline=st.booleans(),
)
rows = st.builds(
    Row,
    cells=st.lists(
        st.builds(
            Cell,
            text=anything,
            columns=st.integers(1, 48),
            align=st.sampled_from(["left", "center", "right"]),
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    bold=st.booleans(),
)
rules = st.builds(Rule, char=st.characters(min_codepoint=0x21, max_codepoint=0x7E))
qrs = st.builds(
    Qr, data=anything.filter(bool), level=st.sampled_from("LMQH"), module=st.none() | st.integers(3, 12)
)
bars = st.builds(Code128, data=printable, height=st.integers(24, 255))
plain_elements = st.sampled_from(
    [Feed(lines=1), Feed(lines=3), Cut(), Cut(kind="full"), Drawer(pin=2), Drawer(pin=5)]
)
elements: st.SearchStrategy[Element] = texts | rows | rules | qrs | bars | plain_elements
slips = st.builds(Slip, elements=st.lists(elements, max_size=8).map(tuple))


def slip(*made: Element, copies: int = 1) -> Slip:
    """Return a slip of some elements."""
    return Slip(elements=made, copies=copies)


def printed(data: bytes, width_dots: int = 384) -> Printed:
    """Return what a printer makes of bytes: one slip."""
    paper = Interpreter(width_dots)
    paper.feed(data)
    paper.end()
    assert len(paper.slips) == 1, f"{len(paper.slips)} slips came out"
    return paper.slips[0]
