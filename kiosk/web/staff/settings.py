"""Settings: people, hours, look, language; printers and offline rules to read; backup, putting back, diagnostics."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from kiosk.config import ConfigError
from kiosk.counter import backup, records
from kiosk.counter.backup import BackupError
from kiosk.counter.dress import version
from kiosk.counter.opening import HoursError, opening
from kiosk.printing.templates.coupon import DAYS
from kiosk.web import network
from kiosk.web.door import Refused
from kiosk.web.shop import ShopAsk, current, write
from kiosk.web.staff import diagnostics, toml_edit
from kiosk.web.staff.coupons import allowance
from kiosk.web.staff.frame import Visit, done, show
from kiosk.web.staff.logo import path_of
from kiosk.web.staff.stands import LOOKS
from ui.marks import N_
from ui.money import local
from ui.texts import Texts

ROLES = {"clerk": N_("Clerk"), "manager": N_("Manager")}
LANGUAGES = {"zh_CN": "中文", "en": "English"}
SHORTEST = 8
WEEKDAYS = "1234567"


class Backup(msgspec.Struct, frozen=True):
    """POST /staff/backup."""

    passphrase: Annotated[str, msgspec.Meta(max_length=200)]


async def settings_page(visiting: Visit) -> web.StreamResponse:
    """Show the settings; a clerk reads them."""
    services, t = visiting.services, visiting.t
    s, journal = services.settings, services.journal
    known = await journal.people()
    locked = [a for a in await journal.acts("locked", 10) if visiting.manages]
    return await show(
        visiting,
        "staff_settings.html.jinja",
        "settings",
        people=[{"id": p.id, "name": p.name, "role": p.role, "told": t(ROLES[p.role])} for p in known],
        roles=[{"id": i, "title": t(title)} for i, title in ROLES.items()],
        owned=any(p.owner == "hub" for p in known),
        locked=[{"at": a.at, "name": a.name} for a in locked],
        shop=current(services),
        network=await asyncio.to_thread(network.state, services),
        editable=services.config is not None,
        looks=[{"id": i, "title": t(title)} for i, title in LOOKS.items()],
        days=[{"n": str(n), "title": t(title)} for n, title in enumerate(DAYS, 1)],
        logo=_logo(visiting),
        languages=[{"id": i, "title": title} for i, title in LANGUAGES.items()],
        printers=[
            {"name": n, "url": diagnostics.redacted(p.url, ()), "profile": p.profile}
            for n, p in s.printers.items()
        ],
        offline=[
            {"name": b.batch.name, "told": allowance(b, t)}
            for b in await records.standings(journal, services.clock)
        ],
        version=services.version,
        device=services.device,
        config=str(services.config or "-"),
        shortest=SHORTEST,
    )


def _logo(visiting: Visit) -> str:
    """Return what changes with the logo; empty without one."""
    path = path_of(visiting)
    return version(path) if path.is_file() else ""


def _wrong(ask: ShopAsk, t: Texts) -> str:
    """Return what is wrong with hours or closed days, in the words of the page; empty: nothing."""
    for day in ask.by_day or {}:
        if day not in set(WEEKDAYS):
            return t('"{day}" is no day of the week; 1 is Monday, 7 Sunday.', day=day[:20])
    for text in (ask.hours, *(ask.by_day or {}).values()):
        if not _reads(text.strip(), ()):
            return t('"{text}" is not opening hours; write them as 08:00-22:30.', text=text)
    for text in ask.holidays.split():
        if not _reads("", (text,)):
            return t(
                '"{text}" is not a closed day; write 2027-02-16, or 2027-02-16..2027-02-22 for several.',
                text=text,
            )
    return ""


def _reads(hours: str, holidays: tuple[str, ...]) -> bool:
    try:
        opening(hours, {}, holidays)
    except HoursError:
        return False
    return True


async def shop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Write hours, holidays, look and language into kiosk.toml, checked before it takes the old one's place."""
    ask, t, config = msgspec.json.decode(raw, type=ShopAsk), visiting.t, visiting.services.config
    if config is None:
        return done(False, t("This kiosk runs without a kiosk.toml; there is nothing to write into."))
    if wrong := _wrong(ask, t):
        return done(False, wrong)
    try:
        await write(config, ask)
    except ConfigError as err:
        return done(False, toml_edit.said(err, t))
    await visiting.note("settings")
    return done(
        True, t("Written. It holds from the kiosk's next start; the file before is kept."), restart=True
    )


async def backup_file(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Give an encrypted copy of everything that makes this kiosk itself."""
    ask, services, t = msgspec.json.decode(raw, type=Backup), visiting.services, visiting.t
    if len(ask.passphrase) < SHORTEST:
        raise Refused(422, "short", t("The passphrase has at least {n} characters.", n=SHORTEST))
    made = await backup.make(services.journal, services.data_dir, services.config, ask.passphrase)
    await visiting.note("backup")
    day = local(services.clock.trusted().at).date()
    return _file(made, f"kiosk-{day}.backup", "application/octet-stream")


def _file(body: bytes, name: str, kind: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=kind, headers=headers)


async def restore(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Check a backup and lay it ready for the next start."""
    services, t, request = visiting.services, visiting.t, visiting.request
    try:
        passphrase = base64.urlsafe_b64decode(request.headers.get("X-Passphrase", "")).decode()
    except ValueError:
        raise Refused(400, "bad_request", t("The passphrase did not arrive whole; try again.")) from None
    with tempfile.TemporaryFile(dir=services.data_dir) as kept:
        size = 0
        async for chunk in request.content.iter_chunked(65536):
            size += len(chunk)
            if size > backup.MOST:
                raise Refused(413, "large", t("That file is too large for a backup of a kiosk."))
            await asyncio.to_thread(kept.write, chunk)
        kept.seek(0)
        try:
            await asyncio.to_thread(backup.stage, kept.read(), passphrase, services.data_dir)
        except BackupError as err:
            return done(False, err.say(t))
    await visiting.note("restore")
    ready = t("Checked and laid ready. Restart the kiosk to put it back; what is here now is kept beside it.")
    rights = (
        t("People, PINs, tokens of programs and paired phones stay as they are now.")
        if await asyncio.to_thread(backup.is_own, services.data_dir)
        else t(
            "This kiosk cannot know who was let out since that backup: its tokens and paired phones end. Look at the people after the restart."
        )
    )
    return done(True, f"{ready} {rights}", restart=True)


async def bundle(visiting: Visit) -> web.StreamResponse:
    """Give the diagnostics bundle, without secrets."""
    services = visiting.services
    parts = await diagnostics.gather(services)
    known = await asyncio.to_thread(diagnostics.secrets_of, services.settings, Path(services.data_dir))
    made = await asyncio.to_thread(diagnostics.pack, parts, known)
    await visiting.note("diagnostics")
    return _file(made, "kiosk-diagnostics.zip", "application/zip")
