"""What ESC/POS printers answer: real-time status and the barrier after a job (facts: printing 2.5, 6.3)."""

from __future__ import annotations

from kiosk.printing.printers.port import Status

ASK_OFFLINE = b"\x10\x04\x02"
ASK_ERROR = b"\x10\x04\x03"
ASK_PAPER = b"\x10\x04\x04"
BARRIER = b"\x1dr\x01"
"""GS r 1 waits in the queue behind the job: its answer means that the job was consumed."""


def is_realtime(byte: int) -> bool:
    """Tell whether a byte is an answer to DLE EOT: bits 1 and 4 set, bits 0 and 7 clear."""
    return byte & 0b10010011 == 0b00010010


def from_offline(byte: int) -> Status | None:
    """Read the answer to DLE EOT 2; None when nothing is wrong."""
    if byte & 0x04:
        return Status("cover", "cover open")
    if byte & 0x20:
        return Status("out", "no paper")
    if byte & 0x40:
        return Status("error", "error")
    return None


def from_paper(byte: int) -> Status:
    """Read the answer to DLE EOT 4."""
    if byte & 0x60:
        return Status("out", "no paper")
    if byte & 0x0C:
        return Status("near_end", "paper near its end")
    return Status("ok")


def from_barrier(byte: int) -> Status:
    """Read the answer to GS r 1."""
    if byte & 0x0C:
        return Status("out", "no paper")
    return Status("near_end") if byte & 0x03 else Status("ok")
