"""Certificates of the kiosk's own, for the staff's phones on the shop's network (RFC 5280).

A phone trusts the kiosk's authority once, for ten years. The authority may speak for private addresses, `.local` names and
this machine's name alone (RFC 5280, 4.2.1.10): whoever steals the card cannot pose as a bank before those phones. Under it
stands a certificate that names the addresses of the moment, for at most 820 days: iPhones take none of more than 825.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.clock import FLOOR
from kiosk.config import TlsFiles

CA_LIFE, LIFE, RENEW = timedelta(days=3650), timedelta(days=820), timedelta(days=60)
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10")
"""RFC 1918, 3927, 1122, 6598."""


def keep(files: TlsFiles, ca: Path, ca_key: Path, own: tuple[str, ...]) -> None:
    """Make the certificate, and the authority above it, where what is kept does not fit the addresses or is soon over."""
    names = _names(own)
    if not _fits(files, ca, names):
        _issue(files, *_authority(ca, ca_key), names)


def _names(own: tuple[str, ...]) -> list[x509.GeneralName]:
    host = socket.gethostname()
    private = [ipaddress.ip_network(n) for n in PRIVATE]
    fitting = [a for text in own if any((a := ipaddress.ip_address(text)) in n for n in private)]
    return [
        *(x509.DNSName(n) for n in dict.fromkeys(("localhost", host, f"{host}.local"))),
        *(x509.IPAddress(a) for a in (ipaddress.ip_address("127.0.0.1"), *fitting)),
    ]


def _fits(files: TlsFiles, ca: Path, names: list[x509.GeneralName]) -> bool:
    """Tell whether the certificate that is kept is under our authority, names what it should and lasts."""
    try:
        kept = x509.load_pem_x509_certificate(Path(files.cert).read_bytes())
        above = x509.load_pem_x509_certificate(ca.read_bytes())
        kept.verify_directly_issued_by(above)
        named = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    return list(named) == names and Path(files.key).is_file() and kept.not_valid_after_utc - _now() > RENEW


def _now() -> datetime:
    """Return the time, never before the first release: the clock may still stand in the past."""
    return max(FLOOR, datetime.now(UTC))


def _authority(cert: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the kiosk's authority; make it when there is none."""
    if cert.is_file() and key.is_file():
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return x509.load_pem_x509_certificate(cert.read_bytes()), private
    private = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Kiosk {host}"[:64])])
    allowed = [
        *(x509.DNSName(n) for n in dict.fromkeys(("localhost", host, "local"))),
        *(x509.IPAddress(ipaddress.ip_network(n)) for n in PRIVATE),
    ]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _begun(name, name, private, FLOOR, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=allowed, excluded_subtrees=None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    _write(key, _pem(private), 0o600)
    _write(cert, made.public_bytes(serialization.Encoding.PEM), 0o644)
    return made, private


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    private: ec.EllipticCurvePrivateKey,
    since: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + life)
    )


def _issue(
    files: TlsFiles,
    above: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, socket.gethostname()[:64])])
    # A phone whose clock is a little behind must not find it too young.
    since = max(FLOOR, _now() - timedelta(days=1))
    made = (
        _begun(subject, above.subject, private, since, LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _write(Path(files.key), _pem(private), 0o600)
    _write(Path(files.cert), made.public_bytes(pem) + above.public_bytes(pem), 0o644)


def _pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, raw: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
        f.write(raw)
        f.flush()
        os.fsync(f.fileno())
    os.replace(fresh, path)
