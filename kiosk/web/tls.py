"""Whether the pages are served with TLS, and with which certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from kiosk.config import TlsFiles, Web
from kiosk.web.lan import addresses

CA, CA_KEY = "tls-ca.pem", "tls-ca-key.pem"
CERT, KEY = "tls-cert.pem", "tls-key.pem"
SCREEN = "127.0.0.1:8080"
"""Where the counter's own screen asks for its page, without TLS: nobody trusts a certificate for it."""


def split(listen: str) -> tuple[str, int]:
    """Return host and port of `host:port`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def wants_tls(settings: Web) -> bool:
    """Tell whether the address is served with TLS: `auto` means beyond loopback."""
    if settings.tls == "off":
        return False
    return settings.tls != "auto" or split(settings.listen)[0] not in ("127.0.0.1", "::1", "localhost")


def beside(settings: Web) -> tuple[str, bool] | None:
    """Return the second address, and whether it has TLS: the shop's network, or the screen where the first one has TLS."""
    if settings.lan:
        return settings.lan, True
    if not wants_tls(settings) or split(settings.listen)[1] in (0, split(SCREEN)[1]):
        return None
    return SCREEN, False


def own_certificate(data_dir: Path, own: Callable[[], tuple[str, ...]] = addresses) -> TlsFiles:
    """Return the kiosk's own certificate for its addresses of now; make what is missing, of other addresses or soon over."""
    from kiosk.web.authority import keep

    files = TlsFiles(str(data_dir / CERT), str(data_dir / KEY))
    keep(files, data_dir / CA, data_dir / CA_KEY, own())
    return files


def context(files: TlsFiles) -> ssl.SSLContext:
    """Return what a server needs; OSError or ssl.SSLError when the files are not right."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(files.cert, files.key)
    return made


def own_context(data_dir: Path, own: Callable[[], tuple[str, ...]] = addresses) -> ssl.SSLContext:
    """Return a server's context that follows this machine's addresses: Wi-Fi often comes after the start, and leases change."""
    known = [own()]
    made = context(own_certificate(data_dir, own))

    def follow(socket: ssl.SSLObject, _name: str | None, used: ssl.SSLContext) -> None:
        if (now := own()) != known[0]:
            known[0] = now
            files = own_certificate(data_dir, own)
            used.load_cert_chain(files.cert, files.key)
            socket.context = context(files)

    made.sni_callback = follow
    return made
