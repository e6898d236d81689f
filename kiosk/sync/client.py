"""Signed requests to the hub, each with a deadline."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, TypeVar

import aiohttp
import msgspec

from kiosk.clock import Clock
from kiosk.sync import protocol as p
from kiosk.sync.identity import Identity, b64, fingerprint

T = TypeVar("T")
CONNECT_S = 0.5
"""Connecting takes one round trip; half a second is a bad mobile link (facts: sync-fleet A3)."""
CALL_S = 10.0


class HubAway(Exception):
    """Nobody answered, or what answered is not the hub (a captive portal, a proxy's error page)."""


class HubRefused(Exception):
    """The hub answered with an error."""

    def __init__(self, error: str, message: str, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.error, self.status, self.retry_after_s = error, status, retry_after_s


class HubClient:
    """Speaks the device protocol."""

    def __init__(self, url: str, identity: Identity, clock: Clock) -> None:
        self.url, self.identity, self.clock = url.rstrip("/"), identity, clock
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make ready; connects to nothing yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8, keepalive_timeout=90),
            headers={"Accept": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def stop(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, path: str, kind: type[T], body: Any = None, *, deadline_s: float = CALL_S
    ) -> T:
        """Send a signed request and return the answer; HubAway or HubRefused."""
        raw = b"" if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout(deadline_s):
                try:
                    return await self._signed(method, path, kind, raw)
                except HubRefused as err:
                    if err.error != "time":
                        raise
                    return await self._signed(method, path, kind, raw)
        except TimeoutError:
            raise HubAway(f"no answer within {deadline_s:g} s") from None

    async def _signed(self, method: str, path: str, kind: type[T], raw: bytes) -> T:
        when, nonce = int(self.clock.trusted().at.timestamp()), secrets.token_urlsafe(16)
        headers = {
            "Kiosk-Device": self.identity.device,
            "Kiosk-Time": str(when),
            "Kiosk-Nonce": nonce,
            "Kiosk-Signature": self.identity.sign(p.signed_text(method, path, when, nonce, raw)),
            "Content-Type": "application/json",
        }
        return await self._send(method, path, kind, raw, headers)

    async def enrol(self, name: str, token: str | None, *, deadline_s: float = CALL_S) -> p.Enrolled:
        """Ask to be let in."""
        nonce = secrets.token_urlsafe(16)
        proof = self.identity.sign(p.enrol_text(nonce, token))
        body = p.Enrol(b64(self.identity.public), proof, nonce, name, token, fingerprint())
        try:
            async with asyncio.timeout(deadline_s):
                raw = msgspec.json.encode(body)
                return await self._send(
                    "POST", "/v1/device/enrol", p.Enrolled, raw, {"Content-Type": "application/json"}
                )
        except TimeoutError:
            raise HubAway(f"no answer within {deadline_s:g} s") from None

    async def _send(self, method: str, path: str, kind: type[T], raw: bytes, headers: dict[str, str]) -> T:
        if self._session is None:
            raise HubAway("the client is stopped")
        begun = self.clock.mono()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S * 4, connect=None)
        try:
            async with self._session.request(
                method, self.url + path, data=raw, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                text = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, OSError) as err:
            raise HubAway(_short(err)) from err
        if status >= 300:
            raise self._refused(status, text, begun)
        try:
            value = msgspec.json.decode(text, type=kind)
        except msgspec.DecodeError as err:
            raise HubAway("what answers is not the hub") from err
        self._learn(getattr(value, "server_time", None), begun, held=path.startswith("/v1/device/wake"))
        return value

    def _learn(self, server_time: Any, begun: float, *, held: bool = False) -> None:
        if server_time is not None:
            # A held request's time was written just before the answer left: the hold itself is no error of it.
            self.clock.learn(server_time, 0.2 if held else self.clock.mono() - begun)

    def _refused(self, status: int, text: bytes, begun: float) -> HubAway | HubRefused:
        try:
            told = msgspec.json.decode(text, type=p.Error)
        except msgspec.DecodeError:
            return HubAway(f"what answers is not the hub (HTTP {status})")
        self._learn(told.server_time, begun)
        if status >= 500:
            return HubAway(told.message)
        return HubRefused(told.error, told.message, status, told.retry_after_s)


def _short(err: BaseException) -> str:
    return str(err).split("[")[0].strip() or type(err).__name__
