"""What staff may change in kiosk.toml: hours, holidays, look, language."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from kiosk.config import ConfigError, load
from kiosk.web.services import Services

Look = Literal["warm", "fresh", "plain"]
Locale = Literal["zh_CN", "en"]


class ShopAsk(msgspec.Struct, frozen=True):
    """The settings that staff write; holidays are days or spans of days, one a line."""

    hours: Annotated[str, msgspec.Meta(max_length=20)]
    holidays: Annotated[str, msgspec.Meta(max_length=4000)]
    look: Look
    locale: Locale
    by_day: dict[str, Annotated[str, msgspec.Meta(max_length=20)]] | None = None
    """Other hours by weekday, 1 is Monday; an empty one goes. Null: they stay as they are."""
    colour: Annotated[str, msgspec.Meta(pattern=r"^(#[0-9a-fA-F]{6})?$")] | None = None
    """The merchant's colour, empty for the look's own. Null: it stays as it is."""


class ShopState(msgspec.Struct, frozen=True, kw_only=True):
    """The same as the file says it now."""

    hours: str
    holidays: str
    look: Look
    locale: Locale
    by_day: dict[str, str]
    colour: str
    waits: bool
    """The kiosk still runs with what the file said at its start."""


def current(services: Services) -> ShopState:
    """Return what the file says now; where it is broken, what is in use: the doctor names the broken file."""
    used = s = services.settings
    if services.config is not None:
        try:
            s = load(services.config).value
        except ConfigError:
            s = used
    return ShopState(
        hours=s.shop.hours,
        holidays="\n".join(s.shop.holidays),
        look=s.screen.look,
        locale=s.locale,
        by_day=s.shop.by_day,
        colour=s.screen.colour,
        waits=s.shop != used.shop or s.screen != used.screen or s.locale != used.locale,
    )


async def write(config: Path, ask: ShopAsk) -> None:
    """Write the settings, checked before they take the old ones' place; ConfigError in one sentence."""
    from kiosk.web.staff import toml_edit

    values: dict[tuple[str, str], toml_edit.Value] = {
        ("shop", "hours"): ask.hours.strip(),
        ("shop", "holidays"): tuple(ask.holidays.split()),
        ("screen", "look"): ask.look,
        ("", "locale"): ask.locale,
    }
    if ask.colour is not None:
        values["screen", "colour"] = ask.colour
    for day, hours in (ask.by_day or {}).items():
        values["shop.by_day", day] = hours.strip() or None
    await asyncio.to_thread(toml_edit.change, config, values)
