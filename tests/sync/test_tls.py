"""A8, T7: the hub is reached over TLS although the calendar is wrong, and no certificate that has ended is believed."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.sync import protocol as p
from kiosk.sync.client import HubAway, HubClient
from kiosk.sync.identity import Identity
from tests.sync.shop import Skewed

YEAR = timedelta(days=365)
Serve = Callable[[datetime, datetime], Awaitable[str]]


Span = tuple[datetime, datetime]
Signer = tuple[x509.Name, ec.EllipticCurvePrivateKey]


def _made(name: str, span: Span, issuer: Signer | None, *, ca: bool) -> tuple[bytes, Signer]:
    """Return a certificate, and by what the next one can be signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signer = issuer or (subject, key)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(_usage(ca), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return cert.public_bytes(serialization.Encoding.PEM), (subject, key)


def _usage(ca: bool) -> x509.KeyUsage:
    """Return what a key is for; Python 3.13 asks for it in the strict way of RFC 5280."""
    off = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(digital_signature=True, key_cert_sign=ca, **dict.fromkeys(off, False))


Listen = Callable[[bytes, bytes, Signer], Awaitable[str]]


@pytest.fixture
async def listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listen]:
    """Serve the wake-up by TLS: the machine's list of authorities, the hub's certificates, its key."""
    runners = []

    async def handler(_: web.Request) -> web.Response:
        told = p.Wake(False, datetime.now(UTC))
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def up(trusted: bytes, own: bytes, signer: Signer) -> str:
        secret = signer[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for name, content in (("trusted.crt", trusted), ("hub.crt", own), ("hub.key", secret)):
            (tmp_path / name).write_bytes(content)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.crt"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "hub.crt", tmp_path / "hub.key")
        app = web.Application()
        app.router.add_get("/v1/device/wake", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
        return f"https://localhost:{runner.addresses[0][1]}"

    yield up
    for runner in runners:
        await runner.cleanup()


@pytest.fixture(params=["localhost"])
def serve(listen: Listen, request: pytest.FixtureRequest) -> Serve:
    """Serve with one certificate of some span, which vouches for itself."""

    async def up(begins: datetime, ends: datetime) -> str:
        cert, signer = _made(request.param, (begins, ends), None, ca=True)
        return await listen(cert, cert, signer)

    return up


async def ask(url: str, clock: Skewed, folder: Path) -> None:
    client = HubClient(url, Identity.load_or_create(folder), clock)
    await client.start()
    try:
        await client.call("GET", "/v1/device/wake", p.Wake)
    finally:
        await client.stop()


def kept(ahead: timedelta) -> Skewed:
    """Return the clock of a machine whose last known time lies ahead of its calendar."""
    clock = Skewed(timedelta(0))
    clock.raise_floor(datetime.now(UTC) + ahead)
    return clock


async def test_a_calendar_that_lags_does_not_shut_the_kiosk_out(serve: Serve, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    url = await serve(now + YEAR, now + 2 * YEAR)
    await ask(url, kept(YEAR + timedelta(days=30)), tmp_path)


async def test_a_lower_bound_does_not_tell_that_a_certificate_is_too_young(
    serve: Serve, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    url = await serve(now + YEAR, now + 2 * YEAR)
    await ask(url, kept(timedelta(days=100)), tmp_path)


async def test_a_certificate_that_has_ended_by_then_is_not_believed(serve: Serve, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    url = await serve(now - YEAR, now + YEAR)
    with pytest.raises(HubAway, match="ended on"):
        await ask(url, kept(2 * YEAR), tmp_path)


async def test_a_time_from_the_hub_tells_both_ends(serve: Serve, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    url = await serve(now + YEAR, now + 2 * YEAR)
    clock = Skewed(timedelta(0))
    clock.learn(now + timedelta(days=100), 0.1)
    with pytest.raises(HubAway, match="begins on"):
        await ask(url, clock, tmp_path)
    clock = Skewed(timedelta(0))
    clock.learn(now + YEAR + timedelta(days=1), 0.1)
    await ask(url, clock, tmp_path)


async def test_a_right_calendar_is_openssls_affair(serve: Serve, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with pytest.raises(HubAway):
        await ask(await serve(now - 2 * YEAR, now - YEAR), Skewed(timedelta(0)), tmp_path)


@pytest.mark.parametrize("serve", ["hub.example.cn"], indirect=True)
async def test_another_name_stays_another_name(serve: Serve, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    url = await serve(now + YEAR, now + 2 * YEAR)
    with pytest.raises(HubAway):
        await ask(url, kept(YEAR + timedelta(days=30)), tmp_path)


@pytest.mark.parametrize(("ended", "name"), [(0, "Authority"), (1, "Between"), (2, "localhost"), (None, "")])
async def test_every_certificate_of_the_chain_has_to_be_valid(
    listen: Listen, tmp_path: Path, ended: int | None, name: str
) -> None:
    """An authority that has ended, or one in between, vouches for nobody: whoever has its old key could be the hub."""
    now = datetime.now(UTC)
    spans = [(now - YEAR, now + YEAR * (1 if n == ended else 4)) for n in range(3)]
    top, by = _made("Authority", spans[0], None, ca=True)
    between, by = _made("Between", spans[1], by, ca=True)
    own, signer = _made("localhost", spans[2], by, ca=False)
    url = await listen(top, own + between, signer)
    if ended is None:
        await ask(url, kept(2 * YEAR), tmp_path)
        return
    with pytest.raises(HubAway, match=f"{name}: it ended on"):
        await ask(url, kept(2 * YEAR), tmp_path)
