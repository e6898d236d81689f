"""Whether the pages are served with TLS, and a certificate of the kiosk's own, for the staff's phones on the shop's network (RFC 5280; self-signed, 10 years)."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from datetime import timedelta
from pathlib import Path

from kiosk.clock import FLOOR
from kiosk.config import TlsFiles, Web

LIFE = timedelta(days=3650)
CERT, KEY = "tls-cert.pem", "tls-key.pem"


def split(listen: str) -> tuple[str, int]:
    """Return host and port of `host:port`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def wants_tls(settings: Web) -> bool:
    """Tell whether the address is served with TLS: `auto` means beyond loopback."""
    if settings.tls == "off":
        return False
    return settings.tls != "auto" or split(settings.listen)[0] not in ("127.0.0.1", "::1", "localhost")


def own_certificate(data_dir: Path) -> TlsFiles:
    """Return the kiosk's own certificate; make it when there is none."""
    files = TlsFiles(str(data_dir / CERT), str(data_dir / KEY))
    if not (Path(files.cert).is_file() and Path(files.key).is_file()):
        _make(files)
    return files


def _make(files: TlsFiles) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"kiosk {host}"[:64])])
    names: list[x509.GeneralName] = [
        x509.DNSName(n) for n in dict.fromkeys(("localhost", host, f"{host}.local"))
    ]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    # The clock may still stand in the past: the certificate begins with the first release, not with now.
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FLOOR)
        .not_valid_after(FLOOR + LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(Path(files.key), key, 0o600)
    _write(Path(files.cert), cert.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, raw: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
        f.write(raw)
        f.flush()
        os.fsync(f.fileno())
    os.replace(fresh, path)


def context(files: TlsFiles) -> ssl.SSLContext:
    """Return what a server needs; OSError or ssl.SSLError when the files are not right."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(files.cert, files.key)
    return made
