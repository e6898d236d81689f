"""The printer inside the USB printer gadget: /dev/g_printer0, read and answered by a thread."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time

from simulators.paper import Interpreter

SET_STATUS = 0xC0016722  # linux/usb/g_printer.h: _IOWR('g', 0x22, unsigned char)
PAPER_OUT, SELECTED, NO_ERROR = 0x20, 0x10, 0x08
FINE = SELECTED | NO_ERROR
QUIET = 10


def _open() -> int:
    """Open the gadget's side, which is there a moment after the device was plugged in."""
    end = time.monotonic() + 20
    while True:
        try:
            return os.open("/dev/g_printer0", os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class FarEnd:
    """Reads what comes, `most` bytes of it, draws it, answers `GS r` and, unless told otherwise, `DLE EOT`."""

    def __init__(self, *, answers: bool = True, most: int = 1 << 30) -> None:
        self.answers, self.most = answers, most
        self.paper = Interpreter()
        self.got = 0
        self._fd = _open()
        self.status(FINE)
        self._stop = False
        self._thread = threading.Thread(target=self._work, name="far end")
        self._thread.start()

    def status(self, bits: int) -> None:
        """Set what the port says of the printer."""
        fcntl.ioctl(self._fd, SET_STATUS, bits)  # the driver takes the value itself, whatever the macro says

    def _work(self) -> None:
        quiet = 0
        while not self._stop or quiet < QUIET:
            if (self.got >= self.most and not self._stop) or not select.select([self._fd], [], [], 0.02)[0]:
                time.sleep(0.005)
                quiet += 1
                continue
            quiet = 0
            try:
                raw = os.read(self._fd, 4096)
            except OSError:
                return  # the cable is out
            if not self._stop:
                self._take(raw)

    def _take(self, raw: bytes) -> None:
        self.got += len(raw)
        if self.answers:
            at = raw.find(b"\x10\x04")
            while at >= 0:
                self._say(b"\x12")
                at = raw.find(b"\x10\x04", at + 2)
        self.paper.feed(raw)
        if self.paper.answers:
            self._say(bytes(len(self.paper.answers)))
            self.paper.answers.clear()

    def _say(self, raw: bytes) -> None:
        while raw and not self._stop:
            try:
                raw = raw[os.write(self._fd, raw) :]
            except BlockingIOError:
                time.sleep(0.005)

    def close(self) -> None:
        """Read what is left, then let go.

        The gadget's driver (6.1) corrupts memory when it is unplugged while it is open or while an answer waits to be
        fetched; so nothing is answered here that nobody reads.
        """
        self._stop = True
        self._thread.join()
        os.close(self._fd)
