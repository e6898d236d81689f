"""Choose a renderer by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from kiosk.printing.pictures import Pictures
from kiosk.printing.printers import clouds
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered
from kiosk.printing.slip import Slip, SlipError, parse_slip

RENDERERS = {"escpos": "escpos", "png": "png", "text": "plain"}
"""Form -> module of this package; the other forms are those of the clouds (`printers.clouds`)."""


def forms() -> tuple[str, ...]:
    """Return every form that a slip can be rendered to."""
    return ("escpos", *clouds.MODULES, "png", "text")


def render(slip: Slip, to: str, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Render a slip to one of `forms`; KeyError for any other. Pure: pictures come from `load_pictures`."""
    if (cloud := clouds.driver(to)) is not None:
        return cloud.render(slip, profile, pictures)
    made: Rendered = import_module(f"kiosk.printing.{RENDERERS[to]}").render(slip, profile, pictures)
    return made


def read_slip(path: Path) -> Slip:
    """Read a slip from a file; SlipError names the file."""
    try:
        return parse_slip(path.read_bytes())
    except OSError as err:
        raise SlipError(f"{path}: cannot be read ({err.strerror}); check the path.") from err
    except SlipError as err:
        raise SlipError(f"{path}: {err}") from err
