"""Signed requests to the hub, each with a deadline."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from datetime import datetime
from typing import Any, TypeVar

import aiohttp
import msgspec

from kiosk.clock import Clock
from kiosk.sync import protocol as p
from kiosk.sync.identity import Identity, b64, fingerprint
from kiosk.sync.tls import Trust

T = TypeVar("T")
CONNECT_S = 2.0
"""Connecting takes one round trip; two seconds is one lost packet on a bad mobile link, which is sent again after one (RFC 6298).

A question of the counter ends with its own deadline, connecting included; a probe of a dead path ends here.
"""
CALL_S = 10.0
KEEP_S = 60.0
"""An idle connection is let go before the hub's side of it is: proxies close theirs after 75 s."""
SPARED = ("Accept", "User-Agent", "Content-Type")
"""Headers that tell the hub nothing: it keeps each for as long as it holds a request, 0.5 KiB of memory a kiosk."""
TRIES = 3
BODY_MAX = 64 * 1024 * 1024
"""More than any snapshot; a captive portal may send for ever."""
JSON = {"Content-Type": "application/json"}
LIMITS = (413, 429)
"""What a proxy may say in the hub's place, with a body of its own: smaller, slower."""


class HubAway(Exception):
    """Nobody answered, or what answered is not the hub (a captive portal, a proxy's error page).

    `broken`: the connection was there and ended before the answer; another one may work.
    """

    def __init__(self, why: str, *, broken: bool = False) -> None:
        super().__init__(why)
        self.broken = broken


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
        self._busy: Counter[aiohttp.ClientSession] = Counter()
        self._told: tuple[float, float] | None = None
        self._trust = Trust(clock)

    async def start(self) -> None:
        """Make ready; connects to nothing yet."""
        self._session = self._open()

    async def stop(self) -> None:
        """Let go of the connections."""
        sessions = {s for s in (self._session, *self._busy) if s is not None}
        self._session = None
        for session in sessions:
            await session.close()

    @staticmethod
    def _open() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8, keepalive_timeout=KEEP_S),
            skip_auto_headers=SPARED,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def call(
        self, method: str, path: str, kind: type[T], body: Any = None, *, deadline_s: float | None = None
    ) -> T:
        """Send a signed request and return the answer; HubAway or HubRefused.

        Every request of the protocol is harmless when repeated (`rid`, sequence numbers), so one whose connection broke is
        sent again at once, inside the deadline: a hub or a proxy may close an idle connection just as it is used.
        """
        raw = b"" if body is None else msgspec.json.encode(body)
        deadline_s = CALL_S if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                return await self._tried(method, path, kind, raw)
        except TimeoutError:
            await self._renew()
            raise HubAway(f"no answer within {deadline_s:g} s") from None

    async def _tried(self, method: str, path: str, kind: type[T], raw: bytes) -> T:
        for left in reversed(range(TRIES)):
            try:
                return await self._send(method, path, kind, raw, self._headers(method, path, raw))
            except HubAway as err:
                if not (left and err.broken):
                    raise
            except HubRefused as err:
                if not (left and err.error in ("time", "replay")):
                    raise
        raise AssertionError("unreachable")

    def _headers(self, method: str, path: str, raw: bytes) -> dict[str, str]:
        when, nonce = self._when(), secrets.token_urlsafe(16)
        return {
            "Kiosk-Device": self.identity.device,
            "Kiosk-Time": str(when),
            "Kiosk-Nonce": nonce,
            "Kiosk-Signature": self.identity.sign(p.signed_text(method, path, when, nonce, raw)),
            **(JSON if raw else {}),
        }

    def _when(self) -> int:
        """Return the hub's own time in seconds, as it last told it.

        Not the trusted time: that never runs backwards, so a hub whose clock was ahead once would shut the kiosk out.
        """
        if self._told is None:
            return max(0, int(self.clock.trusted().at.timestamp()))
        at, mono = self._told
        return int(at + self.clock.mono() - mono)

    async def enrol(self, name: str, token: str | None) -> p.Enrolled:
        """Ask to be let in."""
        nonce = secrets.token_urlsafe(16)
        proof = self.identity.sign(p.enrol_text(nonce, token))
        raw = msgspec.json.encode(
            p.Enrol(b64(self.identity.public), proof, nonce, name, token, fingerprint())
        )
        try:
            async with asyncio.timeout(CALL_S):
                return await self._send("POST", "/v1/device/enrol", p.Enrolled, raw, JSON)
        except TimeoutError:
            await self._renew()
            raise HubAway(f"no answer within {CALL_S:g} s") from None

    async def _renew(self) -> None:
        """Leave the connections that are there: where one is silent, the idle ones behind the same path are dead too."""
        if self._session is None:
            return
        old, self._session = self._session, self._open()
        if not self._busy[old]:
            await self._leave(old)

    async def _leave(self, session: aiohttp.ClientSession) -> None:
        del self._busy[session]
        await session.close()

    async def _send(self, method: str, path: str, kind: type[T], raw: bytes, headers: dict[str, str]) -> T:
        session = self._session
        if session is None:
            raise HubAway("the client is stopped")
        begun = self.clock.mono()
        self._busy[session] += 1
        try:
            status, text, after = await self._exchange(session, method, path, raw, headers)
        finally:
            self._busy[session] -= 1
            if session is not self._session and not self._busy[session]:
                await self._leave(session)
        if status >= 300:
            raise self._refused(status, text, begun, after)
        try:
            value = msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise HubAway("what answers is not the hub") from err
        self._learn(getattr(value, "server_time", None), begun)
        return value

    async def _exchange(
        self, session: aiohttp.ClientSession, method: str, path: str, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, str | None]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, connect=None)
        try:
            async with session.request(
                method,
                self.url + path,
                data=raw,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                ssl=self._trust(),
            ) as answer:
                text = bytearray()
                async for part in answer.content.iter_any():
                    text += part
                    if len(text) > BODY_MAX:
                        raise HubAway("what answers is not the hub: it sends without end")
                return answer.status, bytes(text), answer.headers.get("Retry-After")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            raise HubAway(_short(err)) from err
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as err:
            raise HubAway(_short(err), broken=True) from err
        except (aiohttp.ClientError, OSError) as err:
            raise HubAway(_short(err)) from err

    def _learn(self, server_time: Any, begun: float) -> None:
        """Take the hub's time. It was written somewhere between request and answer, held requests included: that is its error."""
        if not isinstance(server_time, datetime):
            return
        now = self.clock.mono()
        self.clock.learn(server_time, now - begun)
        self._told = (server_time.timestamp(), now)

    def _refused(self, status: int, text: bytes, begun: float, after: str | None) -> HubAway | HubRefused:
        try:
            told = msgspec.json.decode(text, type=p.Error)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if status in LIMITS:
                return HubRefused(
                    "limit", f"something on the way says HTTP {status}", status, _seconds(after)
                )
            return HubAway(f"what answers is not the hub (HTTP {status})")
        self._learn(told.server_time, begun)
        if status >= 500:
            return HubAway(told.message)
        return HubRefused(told.error, told.message, status, told.retry_after_s or _seconds(after))


def _seconds(text: str | None) -> float | None:
    """Return the seconds of a Retry-After header; its other form, a date, would need a right calendar."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _short(err: BaseException) -> str:
    if isinstance(err, aiohttp.ClientConnectorCertificateError):
        told = err.certificate_error
        return f"its certificate is not believed: {getattr(told, 'verify_message', None) or told}"
    return str(err).split("[")[0].strip() or type(err).__name__
