"""Settings that staff change, and copies of the whole kiosk."""

from __future__ import annotations

import asyncio
import base64
import binascii
import tempfile
from typing import Annotated, Literal

import msgspec

from kiosk.config import ConfigError
from kiosk.counter import backup
from kiosk.counter.backup import BackupError
from kiosk.counter.notdone import NotDone
from kiosk.health.model import as_is, told
from kiosk.web import network, shop
from kiosk.web.api.operation import OCTETS, Call, File, operation
from kiosk.web.api.people import problem
from kiosk.web.api.problems import Problem
from kiosk.web.network import Network
from kiosk.web.shop import ShopAsk, ShopState
from kiosk.web.tls import CA
from ui.money import local

SHORTEST = 8
CERTIFICATE = "application/x-x509-ca-cert"
PHRASE_HEADER = "X-Passphrase"
Phrase = Annotated[str, msgspec.Meta(max_length=200)]


class BackupAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/backup."""

    passphrase: Phrase


class NetworkAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/settings/network."""

    open: bool


class Restarting(msgspec.Struct, frozen=True):
    """The kiosk begins anew."""

    ok: bool


class Staged(msgspec.Struct, frozen=True):
    """A backup that was checked and lies ready for the next start."""

    files: list[str]
    rights: Literal["kept", "ended"]
    """`kept`: people, PINs, tokens and phones stay as they are now. `ended`: it is another kiosk's, or this one's journal was lost since; its tokens and phones end."""


@operation("GET", "settings/shop", "read")
async def shop_settings(call: Call) -> ShopState:
    """Give hours, holidays, look and language as kiosk.toml says them, and whether the kiosk waits for a restart."""
    return shop.current(call.services)


@operation("POST", "settings/shop", "manage", "no_config", "bad_setting", again="repeat")
async def put_shop(call: Call, body: ShopAsk) -> ShopState:
    """Write hours, holidays, look and language into kiosk.toml; they hold from the next start."""
    if call.services.config is None:
        raise Problem(
            "no_config", told("This kiosk runs without a kiosk.toml; there is nothing to write into.")
        )
    try:
        await shop.write(call.services.config, body)
    except ConfigError as err:
        raise Problem("bad_setting", as_is(str(err))) from None
    await call.note("settings")
    return shop.current(call.services)


@operation("GET", "settings/network", "read")
async def shop_network(call: Call) -> Network:
    """Tell whether phones in the shop's network reach the staff console, where, and under which certificate."""
    return await asyncio.to_thread(network.state, call.services)


@operation("POST", "settings/network", "manage", "no_config", "bad_setting", again="repeat")
async def switch_network(call: Call, body: NetworkAsk) -> Network:
    """Open the staff console to the shop's network from the next start, with a certificate of the kiosk's own, or close it."""
    try:
        await network.switch(call.services, body.open)
    except NotDone as err:
        raise problem(err) from None
    except ConfigError as err:
        raise Problem("bad_setting", as_is(str(err))) from None
    await call.note("network_open" if body.open else "network_closed")
    return await asyncio.to_thread(network.state, call.services)


@operation("GET", "settings/certificate", "read", "unknown_file", media=(CERTIFICATE,))
async def certificate(call: Call) -> File:
    """Give the certificate of this kiosk's authority, which phones and tills are to trust."""
    path = call.services.data_dir / CA
    if not await asyncio.to_thread(path.is_file):
        raise Problem("unknown_file", told("This kiosk has no certificate of its own."))
    return File(path, CERTIFICATE, "kiosk-ca.crt")


@operation("POST", "backup", "manage", "short", again="repeat", secret=True, media=(OCTETS,))
async def make_backup(call: Call, body: BackupAsk) -> File:
    """Give an encrypted copy of everything that makes this kiosk itself."""
    if len(body.passphrase) < SHORTEST:
        raise Problem("short", told("The passphrase has at least {n} characters.", n=SHORTEST))
    services = call.services
    made = await backup.make(services.journal, services.data_dir, services.config, body.passphrase)
    await call.note("backup")
    return File(made, OCTETS, f"kiosk-{local(services.clock.trusted().at).date()}.backup")


@operation("PUT", "restore", "manage", "bad_backup", "too_large", takes=OCTETS, headers=(PHRASE_HEADER,))
async def restore(call: Call) -> Staged:
    """Check a backup and lay it ready for the next start; its passphrase comes as base64url in X-Passphrase."""
    services = call.services
    try:
        phrase = base64.urlsafe_b64decode(call.request.headers.get(PHRASE_HEADER, "")).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        sentence = told("X-Passphrase holds the passphrase in UTF-8 as base64url (RFC 4648).")
        raise Problem("bad_request", sentence) from None
    with tempfile.TemporaryFile(dir=services.data_dir) as kept:
        size = 0
        async for chunk in call.request.content.iter_chunked(65536):
            size += len(chunk)
            if size > backup.MOST:
                raise Problem("too_large", told("That file is too large for a backup of a kiosk."))
            await asyncio.to_thread(kept.write, chunk)
        kept.seek(0)
        try:
            files = await asyncio.to_thread(backup.stage, kept.read(), phrase, services.data_dir)
        except BackupError as err:
            raise Problem("bad_backup", as_is(str(err))) from None
    await call.note("restore")
    own = await asyncio.to_thread(backup.is_own, services.data_dir)
    return Staged(files, "kept" if own else "ended")


@operation("POST", "restart", "manage", "no_restart")
async def restart(call: Call) -> Restarting:
    """Begin anew with kiosk.toml as it is now; what is under way is finished first."""
    if not call.services.restart():
        sentence = told("Nobody restarts this kiosk by a button; restart its service by hand.")
        raise Problem("no_restart", sentence)
    await call.note("restart")
    return Restarting(True)
