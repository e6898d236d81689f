"""What every command shares: exit codes, one-sentence errors, the local API."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from kiosk.config import Settings

DONE, NOT_SO, USAGE, UNKNOWN, FAILED = 0, 1, 2, 3, 4
"""Exit codes: done; the thing asked about is not so; usage or configuration; outcome unknown; failed, nothing happened."""


class CommandError(Exception):
    """One sentence that says what to do, and the exit code."""

    def __init__(self, sentence: str, code: int = USAGE) -> None:
        super().__init__(sentence)
        self.code = code


class NoKiosk(CommandError):
    """No daemon answers."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words of the command."""
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help.\n")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `-c`, the configuration that names data directory and address."""
    parser.add_argument(
        "-c", "--config", type=Path, metavar="kiosk.toml", help="configuration; $KIOSK_CONFIG is the default"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def config_path(args: argparse.Namespace) -> Path | None:
    """Return the configuration file: `-c`, `$KIOSK_CONFIG`, /etc/kiosk/kiosk.toml where it exists, or none."""
    if args.config:
        return Path(args.config)
    if named := os.environ.get("KIOSK_CONFIG"):
        return Path(named)
    usual = Path("/etc/kiosk/kiosk.toml")
    return usual if usual.exists() else None


def show(args: argparse.Namespace, value: Any, text: str) -> None:
    """Print a result as JSON or as text."""
    print(json.dumps(value, ensure_ascii=False) if args.json else text)


class Local:
    """The running daemon's local API, over loopback with the token that only its owner can read."""

    def __init__(
        self, listen: str, token: str | None, cert: str | None = None, timeout_s: float = 30
    ) -> None:
        host, _, port = listen.rpartition(":")
        self.host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104  (compared, not bound)
        self.port = int(port)
        self.token = token
        self.cert = cert
        """The kiosk's own certificate, where it speaks TLS: the only one that is believed."""
        self.timeout_s = timeout_s

    @classmethod
    def of(cls, args: argparse.Namespace) -> Local:
        """Find the daemon that the configuration describes."""
        from kiosk.config import ConfigError, load

        try:
            settings = load(config_path(args)).value
        except ConfigError as err:
            raise CommandError(str(err)) from err
        try:
            token = (Path(settings.data_dir) / "local.token").read_text("ascii").strip()
        except OSError:
            token = None
        return cls(settings.web.listen, token, _certificate(settings))

    def call(self, method: str, path: str, body: Any = None, *, unknown: bool = False) -> Any:
        """Send one request and return the JSON answer; with `unknown`, a lost answer is exit code 3, not 4."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        raw = json.dumps(body).encode() if body is not None else None
        link = self._link()
        try:
            try:
                link.connect()
            except OSError as err:
                raise NoKiosk(
                    f"no kiosk answers at {self.host}:{self.port} ({err.strerror or err}); start it with `kiosk run`, "
                    "or name its configuration with -c.",
                    FAILED,
                ) from err
            try:
                link.request(method, path, raw, headers)
                answer = link.getresponse()
                return self._read(answer)
            except (OSError, http.client.HTTPException) as err:
                raise CommandError(
                    f"the kiosk at {self.host}:{self.port} did not finish its answer ({err}); ask `kiosk status` what became of it.",
                    UNKNOWN if unknown else FAILED,
                ) from err
        finally:
            link.close()

    def _link(self) -> http.client.HTTPConnection:
        if self.cert is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        try:
            context = ssl.create_default_context(cafile=self.cert)
        except (OSError, ssl.SSLError) as err:
            raise CommandError(
                f"{self.cert}: the kiosk's certificate cannot be read ({err}); run this as the user of the kiosk.",
                FAILED,
            ) from err
        context.check_hostname = False  # the certificate itself is pinned; this machine has many names
        return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout_s, context=context)

    def _read(self, answer: http.client.HTTPResponse) -> Any:
        raw = answer.read()
        try:
            value = json.loads(raw)
        except ValueError:
            raise CommandError(
                f"what answers at {self.host}:{self.port} is not a kiosk (HTTP {answer.status}); check web.listen in kiosk.toml.",
                FAILED,
            ) from None
        if answer.status >= 400:
            told = (
                value.get("message", f"HTTP {answer.status}")
                if isinstance(value, dict)
                else f"HTTP {answer.status}"
            )
            raise CommandError(str(told), USAGE if answer.status in (400, 401, 403, 404) else FAILED)
        return value


def _certificate(settings: Settings) -> str | None:
    """Return the certificate that the daemon's address is served with, or None without TLS."""
    from kiosk.config import TlsFiles
    from kiosk.web.tls import CERT, wants_tls

    if not wants_tls(settings.web):
        return None
    given = settings.web.tls
    return given.cert if isinstance(given, TlsFiles) else str(Path(settings.data_dir) / CERT)


def fail(sentence: str, prog: str = "kiosk") -> None:
    """Print one sentence on stderr."""
    print(f"{prog}: {sentence}", file=sys.stderr)
