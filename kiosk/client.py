"""A client of the running daemon: over its Unix socket, else over loopback with the token that only its owner can read.

It waits, and needs nothing but the standard library, so that a command starts fast. Every POST carries an idempotency key:
one whose answer was lost is asked again, and is done once.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from kiosk import here

if TYPE_CHECKING:
    from kiosk.config import Settings

BASE = "/api/v1"
TIMEOUT_S = 30.0
TRIES = 2
"""How often a POST is sent whose answer was lost; the key lets it be done once."""


class ClientError(Exception):
    """Why there is no answer: one sentence."""


class NotRunning(ClientError):
    """No daemon answers; nothing was asked."""


class Lost(ClientError):
    """The daemon was asked and its answer did not arrive."""


class Refusal(ClientError):
    """The daemon said no: the status, its code and its sentence (RFC 9457)."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code = status, code


class _Here(http.client.HTTPConnection):
    """HTTP over the daemon's Unix socket."""

    def __init__(self, data_dir: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._dir, self._wait_s = data_dir, timeout_s

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = here.connect(self._dir, self._wait_s)


class Client:
    """The local API of one kiosk."""

    def __init__(
        self,
        data_dir: Path | None,
        listen: str = "",
        token: str | None = None,
        cert: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        host, _, port = listen.rpartition(":")
        self.data_dir = data_dir
        """Where its socket is found; None: only its address is used."""
        self.host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104  (compared, not bound)
        self.port = int(port or 0)
        self.token = token
        self.cert = cert
        """Where it speaks TLS: the certificate, or the kiosk's own authority; nobody else's is believed."""
        self.timeout_s = timeout_s

    @classmethod
    def of(cls, settings: Settings) -> Client:
        """Return the client of the daemon that a configuration describes."""
        data_dir = Path(settings.data_dir)
        try:
            token = (data_dir / "local.token").read_text("ascii").strip()
        except OSError:
            token = None
        return cls(data_dir, settings.web.listen, token, _certificate(settings))

    # -- what is asked most --

    def status(self) -> Any:
        """Return who the kiosk is, and its lights."""
        return self.get("/status")

    def findings(self) -> list[dict[str, Any]]:
        """Return what the doctor has found, the worst first."""
        found: list[dict[str, Any]] = self.get("/doctor")["findings"]
        return found

    def devices(self) -> list[dict[str, Any]]:
        """Return the devices, configured and found."""
        found: list[dict[str, Any]] = self.get("/devices")["devices"]
        return found

    def printers(self) -> list[dict[str, Any]]:
        """Ask every printer and return how each is."""
        found: list[dict[str, Any]] = self.get("/printers")["printers"]
        return found

    def test_printer(self, name: str) -> Any:
        """Print a self-test slip and return how it ended."""
        return self.post(f"/printers/{quote(name, safe='')}/test")

    def redeem(self, code: str, *, total: int | None = None, request_no: str | None = None) -> Any:
        """Redeem a code; `total` in fen. The answer is as `kiosk redeem --json` prints it."""
        asked = {"code": code, "total": total, "request_no": request_no}
        return self.post("/redeem", {k: v for k, v in asked.items() if v is not None})

    def rollback(self, rid: str, why: str = "") -> Any:
        """Undo a redemption."""
        return self.post("/rollback", {"rid": rid, "why": why})

    def journal(self, **query: str) -> Iterator[dict[str, Any]]:
        """Yield rows of the journal, page by page; `query` is `from` and `to` (RFC 3339)."""
        after = ""
        while True:
            told = self.get(f"/journal?{urlencode({**query, 'after': after})}")
            yield from told["rows"]
            if not (after := told["after"]):
                return

    def verify(self) -> Any:
        """Walk the journal's hash chain."""
        return self.get("/journal/verify")

    def tokens(self) -> list[dict[str, Any]]:
        """Return the tokens of programs, without their secrets."""
        found: list[dict[str, Any]] = self.get("/tokens")["tokens"]
        return found

    def make_token(self, name: str, scopes: list[str], days: int | None = None) -> Any:
        """Make a token; it is told this once."""
        return self.post("/tokens", {"name": name, "scopes": scopes, "days": days})

    def revoke_token(self, name: str) -> Any:
        """Revoke a token, by its id or its program's name."""
        return self.call("DELETE", f"{BASE}/tokens/{quote(name, safe='')}")

    # -- any request --

    def get(self, path: str) -> Any:
        """Ask, below /api/v1."""
        return self.call("GET", BASE + path)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """Change something, below /api/v1; a key of the caller's own lets it ask again later."""
        return self.call("POST", BASE + path, {} if body is None else body, key=key)

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """Send one request and return the JSON of its answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or secrets.token_urlsafe(18)
        raw = json.dumps(body).encode() if body is not None else None
        for left in reversed(range(TRIES if method == "POST" else 1)):
            try:
                return self._once(method, path, raw, headers)
            except Lost:
                if not left:
                    raise
            except NotRunning as err:
                if left == 0 and method == "POST":  # it was there when it was asked first
                    raise Lost(f"the kiosk at {self.where} stopped before it answered; {ASK}") from err
                raise
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, raw: bytes | None, headers: dict[str, str]) -> Any:
        link, more = self._connected()
        try:
            try:
                link.request(method, path, raw, {**headers, **more})
                answer = link.getresponse()
                told = answer.read()
            except (OSError, http.client.HTTPException) as err:
                raise Lost(f"the kiosk at {self.where} did not finish its answer ({err}); {ASK}") from err
        finally:
            link.close()
        return self._value(answer.status, told)

    @property
    def where(self) -> str:
        """Return the address as people write it."""
        return f"{self.host}:{self.port}" if self.port else str(self.data_dir)

    def _connected(self) -> tuple[http.client.HTTPConnection, dict[str, str]]:
        """Connect over the socket, else over loopback; return the headers that the way needs."""
        if self.data_dir is not None:
            link: http.client.HTTPConnection = _Here(self.data_dir, self.timeout_s)
            try:
                link.connect()
                return link, {}
            except OSError as err:
                link.close()
                why: OSError = err
        link = self._over_network()
        try:
            if not self.port:
                raise why
            link.connect()
        except OSError as err:
            link.close()
            raise NotRunning(
                f"no kiosk answers at {self.where} ({err.strerror or err}); start it with `kiosk run`, "
                "or name its configuration with -c."
            ) from err
        return link, {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _over_network(self) -> http.client.HTTPConnection:
        if self.cert is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        try:
            context = ssl.create_default_context(cafile=self.cert)
        except (OSError, ssl.SSLError) as err:
            raise NotRunning(
                f"{self.cert}: the kiosk's certificate cannot be read ({err}); run this as the user of the kiosk."
            ) from err
        context.check_hostname = False  # the certificate itself is pinned; this machine has many names
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout_s, context=context)

    def _value(self, status: int, raw: bytes) -> Any:
        try:
            value = json.loads(raw)
        except ValueError:
            raise ClientError(
                f"what answers at {self.where} is not a kiosk (HTTP {status}); check web.listen in kiosk.toml."
            ) from None
        if status < 400:
            return value
        told = value if isinstance(value, dict) else {}
        raise Refusal(status, str(told.get("error", "")), str(told.get("message", f"HTTP {status}")))


ASK = "ask `kiosk status` what became of it."


def _certificate(settings: Settings) -> str | None:
    """Return whose certificates are believed at the daemon's address, or None without TLS."""
    from kiosk.config import TlsFiles
    from kiosk.web.tls import CA, wants_tls

    if not wants_tls(settings.web):
        return None
    given = settings.web.tls
    return given.cert if isinstance(given, TlsFiles) else str(Path(settings.data_dir) / CA)
