"""What ESC/POS printers answer: real-time status and the barrier after a job (facts: printing 2.5, 6.3)."""

from __future__ import annotations

from kiosk.printing.printers.port import Status

ASK_PRINTER = b"\x10\x04\x01"
ASK_OFFLINE = b"\x10\x04\x02"
ASK_ERROR = b"\x10\x04\x03"
ASK_PAPER = b"\x10\x04\x04"
BARRIER = b"\x1dr\x01"
"""GS r 1 waits in the queue behind the job: its answer means that the job was consumed."""


def is_realtime(byte: int) -> bool:
    """Tell whether a byte is an answer to DLE EOT: bits 1 and 4 set, bits 0 and 7 clear."""
    return byte & 0b10010011 == 0b00010010


def is_barrier(byte: int) -> bool:
    """Tell whether a byte is an answer to GS r: bits 4 and 7 clear."""
    return byte & 0b10010000 == 0


def is_automatic(byte: int) -> bool:
    """Tell whether a byte begins an automatic status of four bytes (GS a): bit 4 set, bits 0, 1 and 7 clear."""
    return byte & 0b10010011 == 0b00010000


def is_offline(byte: int) -> bool:
    """Read the answer to DLE EOT 1."""
    return bool(byte & 0x08)


def from_offline(byte: int) -> Status | None:
    """Read the answer to DLE EOT 2; None when nothing is wrong."""
    if byte & 0x04:
        return Status("cover", "the cover is open")
    if byte & 0x20:
        return Status("out", "no paper")
    if byte & 0x40:
        return Status("error", "the printer reports an error")
    return None


def from_error(byte: int) -> Status | None:
    """Read the answer to DLE EOT 3; None when nothing is wrong."""
    if byte & 0x08:
        return Status("error", "the knife is jammed")
    if byte & 0x20:
        return Status("error", "the printer is broken; switch it off and on")
    if byte & 0x44:
        return Status("error", "the head is too hot or the printer is jammed")
    return None


def from_paper(byte: int) -> Status:
    """Read the answer to DLE EOT 4."""
    if byte & 0x60:
        return Status("out", "no paper")
    if byte & 0x0C:
        return Status("near_end", "the paper is near its end")
    return Status("ok")


def from_barrier(byte: int) -> Status:
    """Read the answer to GS r 1."""
    if byte & 0x0C:
        return Status("out", "no paper")
    return Status("near_end", "the paper is near its end") if byte & 0x03 else Status("ok")
