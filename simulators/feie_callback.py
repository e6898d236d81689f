"""Feie's push after a print (facts: cloud-printers 2.7): RSA over all fields, 5 s for the answer, repeated until SUCCESS."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from functools import cached_property

import aiohttp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TRIES, PAUSE_S, ANSWER_S = 3, 1.0, 5.0
"""How often Feie repeats is not published; three times a second apart stands in."""


def signed_text(fields: Mapping[str, str]) -> bytes:
    """Return what is signed: all fields but `sign`, empty ones dropped, sorted, as k=v joined by &."""
    return "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if k != "sign" and v).encode()


class Pushes:
    """Pushes of one simulated account, signed with a key of its own."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent: list[dict[str, str | int]] = []

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_key(self) -> str:
        """Return the key that receivers verify with, PEM."""
        raw = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return raw.decode()

    def push(self, url: str, order: str, now_s: int) -> None:
        """Tell a receiver that an order was printed."""
        task = asyncio.create_task(self._deliver(url, self.form(order, now_s)), name=f"feie-push-{order}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def form(self, order: str, now_s: int) -> dict[str, str]:
        """Return the signed fields."""
        fields = {"orderId": order, "status": "1", "stime": str(now_s)}
        raw = self._key.sign(signed_text(fields), padding.PKCS1v15(), hashes.SHA256())
        return {**fields, "sign": base64.b64encode(raw).decode()}

    async def _deliver(self, url: str, form: dict[str, str]) -> None:
        limit = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=limit) as http:
            for n in range(TRIES):
                if n:
                    await asyncio.sleep(PAUSE_S)
                try:
                    async with http.post(url, data=form) as answer:
                        text = (await answer.text()).strip()
                except (aiohttp.ClientError, TimeoutError) as err:
                    text = type(err).__name__
                self.sent.append({"url": url, "order": form["orderId"], "try": n + 1, "answer": text[:40]})
                if text == "SUCCESS":
                    return

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
