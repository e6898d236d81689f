"""Recordings played by the board's own sound card: ALSA's `aplay` (alsa-utils), one at a time, the latest wins.

A board without a card is no fault: nothing is said and nobody is troubled.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path

from kiosk.config import Sound
from kiosk.events import Bus
from kiosk.hardware.factory import shop_time
from kiosk.hardware.outputs import quiet
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.stated import Stated

log = logging.getLogger(__name__)
CARDS = Path("/proc/asound/cards")
LONGEST_S = 15.0
"""No sentence at a counter is longer; a card that never ends must not hold the next one."""
LARGEST = 4 * 1024 * 1024
STOP_S = 1.0


def has_card(cards: Path = CARDS) -> bool:
    """Tell whether the kernel knows a sound card (its list says `--- no soundcards ---` otherwise)."""
    try:
        told = cards.read_text("ascii", "replace")
    except OSError:
        return False
    return "no soundcards" not in told and bool(told.strip())


def is_recording(path: Path) -> bool:
    """Tell whether a file is a WAV of a sensible size: `aplay` would play anything else as noise."""
    try:
        if not 44 < path.stat().st_size <= LARGEST:
            return False
        with path.open("rb") as f:
            head = f.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"WAVE"


def find(clip: str, places: Sequence[Path]) -> Path | None:
    """Return the first usable recording of that name: the shop's own directory comes before the kiosk's."""
    return next((p for place in places if is_recording(p := place / f"{clip}.wav")), None)


class LocalSpeaker(Stated):
    """A loudspeaker at the board's sound card."""

    kind = "speaker"
    can: frozenset[Can] = frozenset({"clips"})

    def __init__(
        self,
        name: str,
        places: Sequence[Path],
        bus: Bus,
        *,
        device: str = "default",
        program: str = "aplay",
        cards: Path = CARDS,
    ) -> None:
        super().__init__(name, f"alsa:{device}", bus)
        self._places, self._device, self._program, self._cards = tuple(places), device, program, cards
        self._next: Path | None = None
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; a card that is plugged in later is used then."""
        self._task = asyncio.create_task(self._for_ever(), name=f"speaker-{self.name}")
        if self._ready():
            self._go("ok")

    async def stop(self) -> None:
        """Say nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._go("absent", "stopped")

    def say(self, announcement: Announcement) -> bool:
        """Play a recording at once, in place of the one that plays; False when there is none or no card."""
        if self._task is None or not announcement.clip or not self._ready():
            return False
        self._next = find(announcement.clip, self._places)
        if self._next is None:
            return False
        self._told.set()
        return True

    def _ready(self) -> bool:
        if not has_card(self._cards):
            self._go("absent", "there is no sound card; nothing is said.")
            return False
        if shutil.which(self._program) is None:
            self._go("absent", f"{self._program} is not installed (apt install alsa-utils); nothing is said.")
            return False
        return True

    async def _for_ever(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            if self._next is not None:
                await self._play(self._next)

    async def _play(self, path: Path) -> None:
        words = (self._program, "-q", "-D", self._device, str(path))
        pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(*words, stdin=none, stdout=none, stderr=pipe)
        except OSError as err:
            self._fail(f"{self._program} cannot be started ({err.strerror}).")
            return
        try:
            told = await self._until_done_or_later(process)
        finally:
            await _end(process)
        if told is None:
            return  # a later one has its place, or it took too long
        if process.returncode:
            self._fail(f"{self._device} does not play ({told}); name a card of `aplay -L` in sound.device.")
        else:
            self._go("ok")

    async def _until_done_or_later(self, process: asyncio.subprocess.Process) -> str | None:
        """Wait for the end of the sentence and return what aplay complained of; None when it was cut short."""
        talk = asyncio.create_task(process.communicate())
        later = asyncio.create_task(self._told.wait())
        try:
            await asyncio.wait((talk, later), timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
            if not talk.done():
                return None
            complaint = talk.result()[1].decode("utf-8", "replace").strip().splitlines()
            return complaint[-1] if complaint else ""
        finally:
            talk.cancel()
            later.cancel()
            await asyncio.gather(talk, later, return_exceptions=True)

    def _fail(self, detail: str) -> None:
        if self._state != "error":
            log.warning("speaker %s: %s", self.name, detail)
        self._go("error", detail)


def places(shop: str, locale: str) -> list[Path]:
    """Return where recordings are looked for; a directory that is not there is named in the log and left out."""
    from kiosk.sounds import HERE

    own = HERE / locale
    if not shop:
        return [own]
    if not Path(shop).is_dir():
        log.warning("sound.clips: %s is no directory; the kiosk's own recordings are played.", shop)
        return [own]
    for path in sorted(Path(shop).glob("*.wav")):
        if not is_recording(path):
            log.warning("sound.clips: %s is no WAV file below 4 MB; the kiosk's own is played.", path)
    return [Path(shop), own]


def quiet_hours(sound: Sound, now: Callable[[], datetime] = shop_time) -> Callable[[], bool]:
    """Return what tells whether the hours without any sound are now."""
    begin, end = (time.fromisoformat(text) if text else None for text in (sound.quiet_from, sound.quiet_to))
    return lambda: quiet(now().time(), begin, end)


def open_local(sound: Sound, locale: str, bus: Bus) -> LocalSpeaker | None:
    """Build the speaker of the sound card; None where there is none and nobody asked for a certain one."""
    if not sound.speech or (sound.device == "default" and not has_card()):
        return None
    return LocalSpeaker("sound", places(sound.clips, locale), bus, device=sound.device)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program that may have ended by itself."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
