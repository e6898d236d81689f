"""The local API as the screen's process sees it: blocking, small, over loopback."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
SILENCE_S = 40.0
"""The daemon's stream has a beat every 15 s; one that is silent for longer is dead."""


class Away(Exception):
    """The daemon does not answer."""


class Link:
    """One daemon."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    def probe(self) -> None:
        """Return when the daemon is there; Away when it is not."""
        self._ask("GET", "/healthz", None)

    def post(self, path: str, body: Any) -> Any:
        """Send JSON and return the JSON answer; Away when there is none."""
        raw = self._ask("POST", path, json.dumps(body))
        try:
            return json.loads(raw)
        except ValueError as err:
            raise Away(str(err)) from err

    def _ask(self, method: str, path: str, body: str | None) -> bytes:
        link = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            link.request(method, path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            raw = answer.read()
            if answer.status != 200:
                raise Away(f"HTTP {answer.status}")
            return raw
        except (OSError, http.client.HTTPException) as err:
            raise Away(str(err) or type(err).__name__) from err
        finally:
            link.close()

    def views(self) -> Iterator[dict[str, Any] | None]:
        """Yield each new view, None at each beat; Away when the stream ends."""
        link = http.client.HTTPConnection(self._host, self._port, timeout=SILENCE_S)
        try:
            link.request("GET", "/api/v1/counter/events", headers={"Accept": "text/event-stream"})
            answer = link.getresponse()
            if answer.status != 200:
                raise Away(f"HTTP {answer.status}")
            for line in answer:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])
                elif line.startswith(b":"):
                    yield None
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise Away(str(err) or type(err).__name__) from err
        finally:
            link.close()
        raise Away("the daemon ended the stream")
