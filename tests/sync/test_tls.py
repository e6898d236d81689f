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


@pytest.fixture(params=["localhost"])
async def serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Serve]:
    """Serve the wake-up by TLS, with a certificate of some span that the machine's list of authorities vouches for."""
    runners = []

    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(p.Wake(False, datetime.now(UTC))), content_type="application/json"
        )

    async def up(begins: datetime, ends: datetime) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.param)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(request.param)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        cert, secret = tmp_path / "hub.crt", tmp_path / "hub.key"
        cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, secret)
        app = web.Application()
        app.router.add_get("/v1/device/wake", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
        await site.start()
        return f"https://localhost:{runner.addresses[0][1]}"

    yield up
    for runner in runners:
        await runner.cleanup()


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
