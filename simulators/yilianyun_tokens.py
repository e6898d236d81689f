"""Tokens of one self-owned application (facts: cloud-printers 3.3): 20 a day, a fetch ends the one before within 2 hours."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

CHINA = timedelta(hours=8)


class Tokens:
    """What was given out."""

    def __init__(self, client_id: str, now: Callable[[], float], settings: dict[str, Any]) -> None:
        self._client_id, self._now, self._settings = client_id, now, settings
        self._valid: dict[str, float | None] = {}
        """Token -> when it dies; None: not yet replaced."""
        self._answers: dict[str, tuple[float, dict[str, Any]]] = {}
        """Used refresh token -> when, and the answer that it got."""
        self._refresh = ""
        self.day, self.fetched, self.total = "", 0, 0

    def fetch(self) -> dict[str, Any] | None:
        """Give out a token; None when the day's are used up."""
        today = (datetime.fromtimestamp(self._now(), UTC) + CHINA).strftime("%Y-%m-%d")
        if today != self.day:
            self.day, self.fetched = today, 0
        if self.fetched >= self._settings["fetches_a_day"]:
            return None
        self.fetched += 1
        self.total += 1
        dies = self._now() + self._settings["old_token_s"]
        self._valid = {t: min(d, dies) if d is not None else dies for t, d in self._valid.items()}
        token, self._refresh = secrets.token_hex(16), secrets.token_hex(16)
        self._valid[token] = None
        return {
            "access_token": token, "refresh_token": self._refresh, "machine_code": "", "expires_in": 2592000,
            "refresh_expires_in": 3024000, "scope": "all", "client_id": self._client_id,
        }  # fmt: skip

    def refresh(self, token: str) -> dict[str, Any] | bool | None:
        """Give out a token for a refresh token; False when that is unknown, None when the day's are used up."""
        if (again := self._answers.get(token)) and self._now() - again[0] < 7200:
            return again[1]
        if not token or token != self._refresh:
            return False
        answer = self.fetch()
        if answer is not None:
            self._answers[token] = (self._now(), answer)
        return answer

    def is_valid(self, token: str) -> bool:
        """Tell whether a token is honoured now."""
        if token not in self._valid:
            return False
        dies = self._valid[token]
        return dies is None or self._now() < dies

    def forget(self) -> None:
        """Stop honouring everything given out."""
        self._valid.clear()
