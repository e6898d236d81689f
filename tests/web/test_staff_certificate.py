"""The kiosk's own certificate: phones trust its authority once, whatever address the router gives; it speaks for no one else."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from kiosk.web import authority
from kiosk.web.lan import addresses
from kiosk.web.tls import CA, CA_KEY, own_certificate, own_context
from tests.web.rig import PIN, rig
from tests.web.test_staff import Staff


def leaf(data: Path, own: tuple[str, ...]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(own_certificate(data, lambda: own).cert).read_bytes())


async def shake(port: int, ca: Path, name: str) -> bytes:
    """Connect as a phone that trusts the authority; return the certificate shown."""
    trust = ssl.create_default_context(cafile=ca)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=name)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


def test_a_new_address_gives_a_new_certificate_under_the_same_authority(tmp_path: Path) -> None:
    first = leaf(tmp_path, ("192.168.1.20",))
    assert leaf(tmp_path, ("192.168.1.20",)) == first, "nothing is made anew without need"
    ca = (tmp_path / CA).read_bytes()
    second = leaf(tmp_path, ("10.0.0.7",))
    assert second != first
    assert (tmp_path / CA).read_bytes() == ca
    second.verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
    assert second.not_valid_after_utc - second.not_valid_before_utc <= timedelta(days=825), (
        "iPhones take no more"
    )
    for name in (CA_KEY, "tls-key.pem"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_one_that_is_soon_over_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = leaf(tmp_path, ())
    now = authority._now()
    monkeypatch.setattr(authority, "_now", lambda: now + authority.LIFE - timedelta(days=30))
    second = leaf(tmp_path, ())
    assert second.not_valid_after_utc > first.not_valid_after_utc


def test_a_public_address_is_not_named(tmp_path: Path) -> None:
    named = (
        leaf(tmp_path, ("203.0.113.9",)).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
    assert [str(a) for a in named.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


async def test_the_certificate_follows_the_addresses_while_the_pages_are_served(tmp_path: Path) -> None:
    now = [()]
    server = await asyncio.start_server(
        lambda r, w: w.close(), "127.0.0.1", 0, ssl=own_context(tmp_path, lambda: now[0])
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        before = await shake(port, tmp_path / CA, "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake(port, tmp_path / CA, "192.168.1.20")
        now[0] = ("192.168.1.20",)  # type: ignore[assignment]  # Wi-Fi comes up
        after = await shake(port, tmp_path / CA, "192.168.1.20")
        assert before != after
        assert await shake(port, tmp_path / CA, "localhost") == after


async def test_whoever_steals_the_card_cannot_pose_as_another_site(tmp_path: Path) -> None:
    own_certificate(tmp_path, tuple)
    forged = [x509.DNSName("bank.example.com"), x509.DNSName("localhost")]
    files = own_certificate(tmp_path, tuple)
    authority._issue(files, *authority._authority(tmp_path / CA, tmp_path / CA_KEY), forged)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(files.cert, files.key)
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=made)
    async with server:
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
            await shake(server.sockets[0].getsockname()[1], tmp_path / CA, "bank.example.com")


def test_this_machines_addresses_are_found() -> None:
    assert "127.0.0.1" not in addresses()
    assert all(len(a.split(".")) == 4 for a in addresses())


async def test_staff_can_fetch_the_authority_and_sign_in_under_it(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False, tls="auto", listen="0.0.0.0:0") as kiosk:
        url = kiosk.url.replace("0.0.0.0", "localhost")
        async with kiosk.http.get(url + "/staff/certificate", ssl=False) as answer:
            assert answer.status == 200, "a phone trusts it before its holder types a PIN"
        ca = (tmp_path / "kiosk" / CA).read_bytes()
        trust = ssl.create_default_context(cadata=ca.decode())
        connector = aiohttp.TCPConnector(ssl=trust)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as browser:
            kiosk.daemon.server.url = url
            held = Staff(kiosk, browser)
            await held.sign_in()
            (cookie,) = list(jar)
            assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
            async with browser.get(url + "/staff/certificate") as answer:
                assert answer.content_type == "application/x-x509-ca-cert"
                assert await answer.read() == ca
            assert "/staff/certificate" in await held.page()


async def test_behind_a_proxy_with_tls_the_console_works_as_well(tmp_path: Path) -> None:
    """The proxy keeps the name and says that the browser speaks TLS; the cookie is for TLS alone then."""
    passed_on = {"Host": "kiosk.shop.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.168.1.9"}
    async with rig(tmp_path, hub=False, hosts=["kiosk.shop.example"]) as kiosk:
        sign_in = kiosk.url + "/staff/sign-in"
        async with kiosk.http.post(
            sign_in, data={"pin": PIN}, headers=passed_on, allow_redirects=False
        ) as answer:
            assert answer.status == 303
            cookie = answer.cookies["staff"]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
        own = {**passed_on, "Cookie": f"staff={cookie.value}", "Origin": "https://kiosk.shop.example"}
        async with kiosk.http.get(kiosk.url + "/staff", headers=own) as answer:
            token = (await answer.text()).partition('data-csrf="')[2][:32]
        for headers, status in (
            ({**own, "X-CSRF": token}, 200),
            ({**own, "X-CSRF": token, "Origin": "https://evil.example"}, 403),
            ({**own, "X-CSRF": token, "Sec-Fetch-Site": "cross-site"}, 403),
            ({**own, "X-CSRF": "0" * 32}, 403),
            ({**own, "X-CSRF": token, "Host": "evil.example"}, 421),
        ):
            async with kiosk.http.post(
                kiosk.url + "/staff/look", json={"code": "ABCDEFGH"}, headers=headers
            ) as answer:
                assert answer.status == status, headers
