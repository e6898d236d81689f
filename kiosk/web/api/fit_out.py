"""Fitting a kiosk out: printers found, tried and kept, the logo, the queues of the office printer."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec

from kiosk.config import ConfigError
from kiosk.counter.notdone import NotDone
from kiosk.health.model import as_is, told
from kiosk.printing.printers.port import PrinterError
from kiosk.web import fit_out, office, own_stands
from kiosk.web.api.operation import OCTETS, Call, File, operation
from kiosk.web.api.people import problem
from kiosk.web.api.printing import Ended
from kiosk.web.api.problems import Problem
from kiosk.web.api.stands import FilePath

LOGO_MOST = 1024 * 1024
"""What WeChat's campaigns take (merchants' manuals, 1.3)."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z][0-9a-z-]{0,19}$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9+]{2,20}://[!-~]{1,200}$")]
Paper = Literal["generic-58", "generic-80", "graphic-safe"]


class FoundPrinters(msgspec.Struct, frozen=True):
    """Addresses of printers that answer on the network and are not set up yet."""

    urls: list[str]


class TryAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/settings/try-printer."""

    url: Address
    profile: Paper = "generic-58"


class PrinterAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/settings/printers: one of that name is changed."""

    name: Name
    url: Address
    profile: Paper = "generic-58"


class PrinterPath(msgspec.Struct, frozen=True):
    """A printer of kiosk.toml."""

    name: Name


class Written(msgspec.Struct, frozen=True):
    """What was written holds from the next start."""

    restart: bool


class Queues(msgspec.Struct, frozen=True):
    """Queues of the office printer (CUPS)."""

    queues: list[str]


class OfficeAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/stands/made/{file}/print."""

    queue: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][0-9A-Za-z_.-]{0,126}$")]
    copies: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1


class Taken(msgspec.Struct, frozen=True):
    """Whether the queue has taken the file, and what it said; taken is not printed."""

    ok: bool
    said: str


def _wrong(err: Exception) -> Problem:
    """Return why kiosk.toml was not changed."""
    if isinstance(err, NotDone):
        return problem(err)
    return Problem("bad_setting", as_is(str(err)))


@operation("POST", "settings/find-printers", "manage", again="repeat")
async def find_printers(call: Call) -> FoundPrinters:
    """Look for printers on the shop's network; those that are set up already are left out."""
    return FoundPrinters(await fit_out.find_printers(call.services))


@operation("POST", "settings/try-printer", "manage", "bad_setting")
async def try_printer(call: Call, body: TryAsk) -> Ended:
    """Print a test slip on a printer that is not in use yet."""
    try:
        outcome = await fit_out.try_printer(call.services, body.url, body.profile)
    except (PrinterError, ConfigError, NotDone) as err:
        raise _wrong(err) from None
    await call.note("test")
    return Ended(outcome.ended, outcome.trouble, outcome.detail, outcome.sent)


@operation("POST", "settings/printers", "manage", "no_config", "bad_setting", again="repeat")
async def keep_printer(call: Call, body: PrinterAsk) -> Written:
    """Write a printer into kiosk.toml."""
    try:
        await fit_out.keep_printer(call.services, body.name, body.url, body.profile)
    except (PrinterError, ConfigError, NotDone) as err:
        raise _wrong(err) from None
    await call.note("printer")
    return Written(True)


@operation("DELETE", "settings/printers/{name}", "manage", "unknown_printer", "no_config", "bad_setting")
async def drop_printer(call: Call, path: PrinterPath) -> Written:
    """Take a printer out of kiosk.toml; it prints until the next start."""
    try:
        await fit_out.drop_printer(call.services, path.name)
    except (ConfigError, NotDone) as err:
        raise _wrong(err) from None
    await call.note("printer_gone")
    return Written(True)


@operation("GET", "settings/logo", "read", "unknown_file", media=("image/png",))
async def logo(call: Call) -> File:
    """Give the shop's logo."""
    path = fit_out.logo_of(call.services)
    if not await asyncio.to_thread(path.is_file):
        raise Problem("unknown_file", told("There is no logo."))
    return File(path, "image/png")


@operation("PUT", "settings/logo", "manage", "bad_picture", "bad_setting", takes=OCTETS)
async def put_logo(call: Call) -> Written:
    """Take a picture as the logo: on slips at once, on the counter page from the next start."""
    from kiosk.web.staff.camera import PROBLEMS, READER

    parts, size = [], 0
    async for chunk in call.request.content.iter_chunked(65536):
        size += len(chunk)
        if size > LOGO_MOST:
            raise Problem("too_large", told("A logo has at most 1 MB; save it smaller."))
        parts.append(chunk)
    try:
        wrong = await fit_out.keep_logo(call.services, call.request.app[READER], b"".join(parts))
    except ConfigError as err:
        raise _wrong(err) from None
    if wrong:
        raise Problem("bad_picture", told(PROBLEMS[wrong]))
    await call.note("logo")
    return Written(call.services.config is not None)


@operation("DELETE", "settings/logo", "manage", "unknown_file", "bad_setting")
async def drop_logo(call: Call) -> Written:
    """Take the logo away."""
    try:
        gone = await fit_out.drop_logo(call.services)
    except ConfigError as err:
        raise _wrong(err) from None
    if not gone:
        raise Problem("unknown_file", told("There is no logo."))
    await call.note("logo_gone")
    return Written(call.services.config is not None)


@operation("GET", "office", "read")
async def office_queues(call: Call) -> Queues:
    """List the queues of the office printer."""
    return Queues(await office.queues())


@operation("POST", "stands/made/{file}/print", "print", "unknown_file", "unknown_printer")
async def office_print(call: Call, path: FilePath, body: OfficeAsk) -> Taken:
    """Hand a PDF that was made to the office printer, which checks it first."""
    found = await own_stands.file_of(call.services, path.file)
    if found is None or found.suffix != ".pdf":
        raise Problem("unknown_file", told("there is no file {name}; make it first.", name=path.file))
    known = await office.queues()
    if body.queue not in known:
        sentence = told(
            "there is no printer {name}; there are: {known}.", name=body.queue, known=", ".join(known) or "-"
        )
        raise Problem("unknown_printer", sentence)
    taken, said = await office.send(found, body.queue, body.copies, call.t.locale)
    if taken:
        await call.note("office_print")
    return Taken(taken, said)
