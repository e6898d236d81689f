"""What the kiosk says at the counter: a recording for each outcome and language, `LOCALE/KIND.wav`."""

from pathlib import Path

HERE = Path(__file__).parent
