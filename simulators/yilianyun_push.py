"""Yilianyun's pushes (facts: cloud-printers 3.8): a probe first, 3 s for each answer, three deliveries at most."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import aiohttp

TRIES, PAUSE_S, ANSWER_S = 3, 1.0, 3.0


class Pushes:
    """The addresses of one application, and what was sent to them."""

    def __init__(self, client_id: str, secret: str, now: Callable[[], float]) -> None:
        self._client_id, self._secret, self._now = client_id, secret, now
        self._urls: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent: list[dict[str, Any]] = []

    async def set_url(self, command: str, url: str) -> bool:
        """Take an address that answers the probe."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as http:
            try:
                async with http.get(url) as answer:
                    good = _is_ok(await answer.text())
            except (aiohttp.ClientError, TimeoutError):
                good = False
        if good:
            self._urls[command] = url
        return good

    def close_url(self, command: str) -> None:
        """Forget an address."""
        self._urls.pop(command, None)

    def push(self, command: str, fields: dict[str, str]) -> None:
        """Tell the receiver of a command, if there is one."""
        if (url := self._urls.get(command)) is None:
            return
        at = str(int(self._now()))
        raw = hashlib.md5(f"{self._client_id}{at}{self._secret}".encode())  # noqa: S324  (Yilianyun's protocol)
        form = {"cmd": command, **fields, "push_time": at, "sign": raw.hexdigest().upper()}
        task = asyncio.create_task(self._deliver(url, form), name=f"yilianyun-push-{command}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, url: str, form: dict[str, str]) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as http:
            for n in range(TRIES):
                if n:
                    await asyncio.sleep(PAUSE_S)
                try:
                    async with http.post(url, data=form) as answer:
                        good, told = answer.status == 200 and _is_ok(await answer.text()), str(answer.status)
                except (aiohttp.ClientError, TimeoutError) as err:
                    good, told = False, type(err).__name__
                self.sent.append({"url": url, "cmd": form["cmd"], "try": n + 1, "ok": good, "answer": told})
                if good:
                    return

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _is_ok(text: str) -> bool:
    try:
        return bool(json.loads(text) == {"data": "OK"})
    except ValueError:
        return False
