"""`python -m kiosk.sounds.make`: speaks the sentences of the table of outcomes into kiosk/sounds, with espeak-ng and sox.

8 kHz mono mu-law (ITU-T G.711): 8 KB a second, and any card plays it through ALSA's converter. A quarter of a second of
silence comes first, because a display that takes its sound from HDMI swallows the beginning. spoken.json holds what each
recording says, so that a test can tell when a sentence was changed and its recording was not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from kiosk.counter.feedback import TABLE
from kiosk.counter.words import counter_texts
from kiosk.sounds import HERE

VOICES = {"zh_CN": ("cmn-latn-pinyin", "165"), "en": ("en-us", "160")}
"""Voice and words a minute. The other Mandarin voice of espeak-ng 1.51 spells Chinese characters as English letters."""
LEAD_S, TAIL_S = "0.25", "0.1"
FORM = ("-r", "8000", "-c", "1", "-e", "mu-law")
TRIM = ("silence", "1", "0.01", "0.5%", "reverse", "silence", "1", "0.01", "0.5%", "reverse")


def spoken() -> dict[str, dict[str, str]]:
    """Return what is to be said, by locale and kind of outcome."""
    return {
        locale: {kind: counter_texts(locale)(s.speech) for kind, s in TABLE.items() if s.speech}
        for locale in VOICES
    }


def make(locale: str, text: str, path: Path) -> None:
    """Speak one sentence into a file."""
    voice, speed = VOICES[locale]
    with tempfile.TemporaryDirectory() as place:
        raw = str(Path(place) / "raw.wav")
        speak = ["espeak-ng", "-v", voice, "-s", speed, "-w", raw, text]
        subprocess.run(speak, check=True)
        shape = ["sox", "-D", raw, *FORM, str(path), *TRIM, "norm", "-2", "pad", LEAD_S, TAIL_S]
        subprocess.run(shape, check=True)


def main() -> int:
    """Make every recording anew."""
    for locale, sentences in spoken().items():
        (HERE / locale).mkdir(exist_ok=True)
        for kind, text in sentences.items():
            make(locale, text, HERE / locale / f"{kind}.wav")
    told = json.dumps(spoken(), ensure_ascii=False, indent=2)
    (HERE / "spoken.json").write_text(told + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
