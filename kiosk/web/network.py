"""The console in the shop's network: opened and closed by a manager, under a certificate of the kiosk's own."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path

import msgspec

from kiosk.config import ConfigError, Settings, TlsFiles, load
from kiosk.counter.notdone import NotDone
from kiosk.web import fit_out
from kiosk.web.lan import addresses
from kiosk.web.services import Services
from kiosk.web.tls import CA, own_certificate, split, wants_tls
from ui.marks import N_

LAN = "0.0.0.0:8443"
EVERY = ("0.0.0.0", "::")  # noqa: S104  (compared, not bound)
BY_HAND = N_("kiosk.toml opens this kiosk to the network itself, in web.listen; change it there.")
TAKEN = N_(
    "Another program of this machine uses port {port}; stop it first, or write another one in web.lan."
)
NO_CERTIFICATE = N_("The certificate cannot be written into {dir}; make room there, then try again.")


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How phones in the shop reach the console."""

    open: bool
    """As kiosk.toml says it now."""
    switch: bool
    """It can be opened and closed here; else `web.listen` is open to the network itself, or there is no kiosk.toml."""
    waits: bool
    """The kiosk still runs with what the file said at its start."""
    addresses: tuple[str, ...]
    """Where a phone opens the console now, or after the restart that it waits for."""
    fingerprint: str
    """SHA-256 of the certificate of this kiosk's authority; empty: there is none."""


def is_here(host: str) -> bool:
    """Tell whether a host is this machine as it sees itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reached(settings: Settings) -> tuple[str, ...]:
    """Return under which addresses others in the network reach the pages (`https://192.168.1.20:8443`); none: nobody does."""
    web = settings.web
    host, port = split(web.lan or web.listen)
    if is_here(host):
        return ()
    scheme = "https" if web.lan or wants_tls(web) else "http"
    named = [f"[{host}]" if ":" in host else host]
    return tuple(f"{scheme}://{own}:{port}" for own in (addresses() if host in EVERY else named))


def _written(services: Services) -> Settings:
    """Return what the file says; where it cannot be read, what is in use: the doctor names the file."""
    if services.config is None:
        return services.settings
    try:
        return load(services.config).value
    except ConfigError:
        return services.settings


def state(services: Services) -> Network:
    """Return how phones reach the console, as the file says it."""
    now = _written(services)
    beyond = not is_here(split(now.web.listen)[0])
    return Network(
        open=beyond or bool(now.web.lan),
        switch=services.config is not None and not beyond,
        waits=(now.web.lan, now.web.listen) != (services.settings.web.lan, services.settings.web.listen),
        addresses=tuple(f"{origin}/staff" for origin in reached(now)),
        fingerprint=_fingerprint(services.data_dir / CA),
    )


def _fingerprint(path: Path) -> str:
    """Return the SHA-256 of a certificate as phones show it."""
    if not path.is_file():
        return ""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex(" ").upper()


async def switch(services: Services, opened: bool) -> None:
    """Open the console to the network from the next start, or close it; NotDone or ConfigError says why not."""
    now = _written(services)
    if not is_here(split(now.web.listen)[0]):
        raise NotDone("bad_setting", BY_HAND)
    if opened == bool(now.web.lan):
        return
    if opened and not services.settings.web.lan:
        await asyncio.to_thread(_make_ready, services)
    await fit_out.change(services, {("web", "lan"): LAN if opened else None})


def _make_ready(services: Services) -> None:
    """Make the certificate that phones are to trust, and see that nobody else has the port."""
    host, port = split(LAN)
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            raise NotDone("bad_setting", TAKEN, port=port) from None
    if isinstance(services.settings.web.tls, TlsFiles):
        return
    try:
        own_certificate(services.data_dir)
    except (OSError, ValueError, TypeError):
        raise NotDone("bad_setting", NO_CERTIFICATE, dir=services.data_dir) from None
