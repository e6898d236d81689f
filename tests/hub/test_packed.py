"""Bodies that are packed, or say that they are: a named refusal before anybody has signed in, and never a traceback."""

from __future__ import annotations

import gzip
import logging
import zlib

import pytest

from hub.server import Hub

from .world import Journal, Kiosk, encoded

PLACES = ("/v1/device/journal", "/v1/device/enrol", "/v1/till/redeem", "/admin/sign-in", "/c/kjy-south/claim")
WHOLE = gzip.compress(b'{"a": "' + bytes(range(97, 123)) * 400 + b'"}')
BROKEN = {
    "no gzip": b"this is no gzip at all",
    "cut": WHOLE[:-9],
    "half": WHOLE[: len(WHOLE) // 2],
    "junk behind": WHOLE + b"junk" * 10,
    "wrong sum": WHOLE[:-8] + b"\0" * 8,
}


async def sent(kiosk: Kiosk, path: str, raw: bytes, packing: str) -> tuple[int, str]:
    head = {"Content-Encoding": packing, "Content-Type": "application/json"}
    async with kiosk.http.post(kiosk.url + path, data=raw, headers=head) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", PLACES)
async def test_a_body_that_cannot_be_unpacked_is_refused_by_name(
    hub: Hub, kiosk: Kiosk, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        for name, raw in BROKEN.items():
            status, text = await sent(kiosk, path, raw, "gzip")
            assert 400 <= status < 500, (name, status, text)
            assert text.strip(), name
    assert not caplog.records, "no traceback of what a stranger sent"
    assert (await kiosk.changes())[0], "the hub goes on"


async def test_the_reason_is_named(kiosk: Kiosk) -> None:
    status, text = await sent(kiosk, "/v1/device/enrol", BROKEN["no gzip"], "gzip")
    assert (status, '"bad_request"' in text, "cannot be read" in text) == (400, True, True)


@pytest.mark.parametrize("packing", ["deflate", "br", "zstd", "gzip, gzip", "x-nonsense"])
@pytest.mark.parametrize("path", PLACES)
async def test_another_packing_is_refused_by_name(
    hub: Hub, kiosk: Kiosk, path: str, packing: str, caplog: pytest.LogCaptureFixture
) -> None:
    raws = (b"this is nothing", zlib.compress(b"{}"), b"")
    with caplog.at_level(logging.ERROR):
        for raw in raws:
            status, text = await sent(kiosk, path, raw, packing)
            # What aiohttp could unpack, were its library installed, it refuses itself.
            assert status in (400, 415), text
            assert "content-encoding" in text or path.startswith("/c/") or "send it as it is" in text
    assert not caplog.records


async def test_a_journal_may_come_packed_with_gzip(kiosk: Kiosk) -> None:
    """The signature is over what was packed (facts: sync-fleet A5)."""
    book = Journal()
    book.add("attempt_denied", body={"coupon": None})
    raw, path = encoded(book.run()), "/v1/device/journal"
    head = kiosk.headers("POST", path, raw) | {"Content-Encoding": "gzip"}
    status, told = await kiosk.send("POST", path, gzip.compress(raw), head)
    assert (status, told["ack_through"]) == (200, 1)
