"""Bad input at the local API: a problem document each (RFC 9457), of a status that the description names."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from tests.web.rig import SLIP, Rig
from tests.web.test_api_callers import owner

JSON = {"Content-Type": "application/json"}
DEEP = b'{"code": ' + b"[" * 30_000
CASES: dict[str, tuple[str, str, bytes, dict[str, str], int, str]] = {
    "1 MB": ("POST", "/api/v1/redeem", b'{"code": "' + b"A" * 2**20 + b'"}', JSON, 413, "too_large"),
    "nothing": ("POST", "/api/v1/redeem", b"", JSON, 400, "bad_request"),
    "half": ("POST", "/api/v1/redeem", b'{"code": ', JSON, 400, "bad_request"),
    "a list": ("POST", "/api/v1/redeem", b"[]", JSON, 400, "bad_request"),
    "wrong type": ("POST", "/api/v1/redeem", b'{"code": 5}', JSON, 400, "bad_request"),
    "no UTF-8": ("POST", "/api/v1/redeem", b'{"code": "\xff\xfe"}', JSON, 400, "bad_request"),
    "twice": ("POST", "/api/v1/redeem", b'{"code": "A", "total": 1, "total": 9}', JSON, 400, "bad_request"),
    "twice within": (
        "POST",
        "/api/v1/redeem",
        b'{"code": "A", "goods": [{"id": "1", "id": "2", "quantity": 1, "price": 1}]}',
        JSON,
        400,
        "bad_request",
    ),
    "deep": ("POST", "/api/v1/redeem", DEEP, JSON, 400, "bad_request"),
    "deep and unknown": ("POST", "/api/v1/redeem", b'{"x": ' + b"[" * 30_000, JSON, 400, "bad_request"),
    "a form": (
        "POST",
        "/api/v1/redeem",
        b"code=A",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "not_json",
    ),
    **{
        name: ("POST", "/api/v1/redeem", body, {**JSON, "Content-Encoding": coding}, 415, "packed")
        for name, coding, body in (
            ("gzip", "gzip", gzip.compress(b"{}")),
            ("no gzip", "gzip", b"{}"),
            ("half of a gzip", "GZIP", gzip.compress(b"{}" * 50)[:20]),
            ("gzip and more", "gzip", gzip.compress(b"{}") + b"junk"),
            ("no deflate", "deflate", b"\x78\x9c" + b"\xff" * 40),
            ("br", "br", b"{}"),
            ("zstd", "zstd", b"{}"),
            ("nonsense", "nonsense", b"{}"),
            ("twice packed", "gzip, br", b"{}"),
        )
    },
    "sent as it is": (
        "POST", "/api/v1/redeem", b"[]", {**JSON, "Content-Encoding": "identity"}, 400, "bad_request",
    ),
    "no type": ("POST", "/api/v1/look", b"{}", {"Content-Type": "text/plain"}, 415, "not_json"),
    "a bad key": ("POST", "/api/v1/slips/day", b"{}", {**JSON, "Idempotency-Key": "a b"}, 400, "bad_request"),
    "a long key": (
        "POST", "/api/v1/slips/day", b"{}", {**JSON, "Idempotency-Key": "k" * 201}, 400, "bad_request",
    ),
    "unknown address": ("GET", "/api/v1/nothing", b"", {}, 404, "not_found"),
    "unknown address, POST": ("POST", "/api/v1/redeem/now", b"{}", JSON, 404, "not_found"),
    "outside": ("GET", "/api/v2/status", b"", {}, 404, "not_found"),
    "wrong method": ("PATCH", "/api/v1/redeem", b"{}", JSON, 405, "method_not_allowed"),
    "GET of a change": ("GET", "/api/v1/redeem", b"", {}, 405, "method_not_allowed"),
    "another's slip": ("POST", "/api/v1/jobs/NOBODY/reprint", b"{}", JSON, 404, "unknown_job"),
    "another's batch": ("POST", "/api/v1/batches/nix/hand-out", b"{}", JSON, 404, "unknown_batch"),
    "no batch": ("POST", "/api/v1/batches/a%20b/hand-out", b"{}", JSON, 400, "bad_request"),
    "too many slips": ("POST", f"/api/v1/batches/{SLIP}/hand-out", b'{"n": 21}', JSON, 400, "bad_request"),
    "no day": ("GET", "/api/v1/day?day=yesterday", b"", {}, 400, "bad_request"),
    "no month": ("GET", "/api/v1/month?month=2026-13", b"", {}, 400, "bad_request"),
    "two days": ("GET", "/api/v1/day?day=2026-11-24&day=2026-11-25", b"", {}, 400, "bad_request"),
    "time without offset": ("GET", "/api/v1/journal?from=2026-11-24T00:00:00", b"", {}, 400, "bad_request"),
    "no slip": ("GET", "/api/v1/slips/nix/picture", b"", {}, 404, "unknown_slip"),
    "no template": ("POST", "/api/v1/stands", b'{"template": "nix"}', JSON, 404, "unknown_template"),
    "out of the files": ("GET", "/api/v1/stands/made/..%2Flocal.token", b"", {}, 400, "bad_request"),
    "no file": ("GET", "/api/v1/stands/made/nix.pdf", b"", {}, 404, "unknown_file"),
    "no store": ("POST", "/api/v1/slips/claim", b"{}", JSON, 409, "no_store"),
    "another's host": ("GET", "/api/v1/status", b"", {"Host": "evil.example"}, 421, "unknown_host"),
    "a stranger": ("GET", "/api/v1/status", b"", {"Origin": "https://evil.example"}, 401, "unauthorized"),
    "no rights": ("POST", "/api/v1/backup", b'{"passphrase": "12345678"}', JSON, 403, "forbidden"),
}  # fmt: skip
MANAGED: dict[str, tuple[str, str, Any, int, str]] = {
    "another's conflict": ("POST", "/api/v1/conflicts/ab/1/let-stand", {}, 409, "not_waiting"),
    "no number": ("POST", "/api/v1/conflicts/ab/x/let-stand", {}, 400, "bad_request"),
    "no person": ("DELETE", "/api/v1/people/nobody", None, 404, "unknown_person"),
    "a person that is gone": (
        "POST", "/api/v1/people", {"name": "x", "role": "clerk", "id": "p1"}, 404, "unknown_person",
    ),
    "no PIN": ("POST", "/api/v1/people", {"name": "x", "role": "clerk", "pin": "12"}, 422, "bad_pin"),
    "the manager's PIN": (
        "POST", "/api/v1/people", {"name": "x", "role": "clerk", "pin": "135790"}, 409, "pin_taken",
    ),
    "no token": ("DELETE", "/api/v1/tokens/nobody", None, 404, "unknown_token"),
    "no right": ("POST", "/api/v1/tokens", {"name": "x", "scopes": ["all"]}, 400, "bad_request"),
    "no rights": ("POST", "/api/v1/tokens", {"name": "x", "scopes": []}, 400, "bad_request"),
    "a short passphrase": ("POST", "/api/v1/backup", {"passphrase": "1234567"}, 422, "short"),
    "no kiosk.toml": (
        "POST",
        "/api/v1/settings/shop",
        {"hours": "", "holidays": "", "look": "warm", "locale": "en"},
        409,
        "no_config",
    ),
}  # fmt: skip


async def asked(kiosk: Rig, method: str, path: str, raw: bytes | None, headers: dict[str, str]) -> Any:
    from yarl import URL

    url, data = URL(kiosk.url + path, encoded=True), io.BytesIO(raw) if raw else None
    async with kiosk.http.request(method, url, data=data, headers=headers) as answer:
        return answer.status, answer.content_type, dict(answer.headers), json.loads(await answer.read())


def fault(status: int, media: str, told: dict[str, Any], wanted: int, code: str) -> str:
    """Return what is wrong with a problem document; empty: nothing."""
    says = told["sentences"]
    right = {
        "status and code": (status, told["error"], told["status"]) == (wanted, code, wanted),
        "content type": media == "application/problem+json",
        "type and title": told["type"] == f"/api/docs#{code}" and bool(told["title"]),
        "one sentence": told["detail"] == told["message"] == says["en"] and told["detail"].endswith("."),
        "one line": "\n" not in told["detail"] and "Traceback" not in str(told),
        "Chinese": any("一" <= c <= "鿿" for c in says["zh_CN"]) and says["zh_CN"].endswith("。"),
    }
    return ", ".join(name for name, fits in right.items() if not fits)


def described(doc: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """Return the answers that the description has for an address and a method; None: it is none of ours."""
    parts = path.partition("?")[0].split("/")
    for known, ways in doc["paths"].items():
        fits = known.split("/")
        if len(fits) == len(parts) and all(k == p or k[:1] == "{" for k, p in zip(fits, parts, strict=True)):
            return ways.get(method.lower(), {}).get("responses")
    return None


async def test_bad_input_gets_a_problem_document_that_is_described(alone: Rig) -> None:
    _, doc = await alone.get("/api/v1/openapi.json")
    rows = [(name, case[0], case[1], case[2] or None, case[3], *case[4:]) for name, case in CASES.items()]
    for name, (method, path, body, wanted, code) in MANAGED.items():
        raw = None if body is None else json.dumps(body).encode()
        rows.append((f"manager: {name}", method, path, raw, {**owner(alone), **JSON}, wanted, code))
    wrong = []
    for name, method, path, raw, headers, wanted, code in rows:
        status, media, _, told = await asked(alone, method, path, raw, headers)
        answers = described(doc, method, path)
        bad = fault(status, media, told, wanted, code)
        if bad or (answers is not None and str(status) not in answers):
            wrong.append((name, bad or "not described", told))
    assert not wrong
    assert len(rows) > 45


async def test_a_problem_is_said_in_the_callers_language(alone: Rig) -> None:
    _, _, headers, told = await asked(alone, "GET", "/api/v1/nothing", None, {"Accept-Language": "zh-CN"})
    assert headers["Content-Language"] == "zh-CN"
    assert told["title"] == "没有这个地址"
    assert told["detail"] == told["sentences"]["zh_CN"]


async def test_who_is_not_known_is_told_how_to_be(alone: Rig) -> None:
    stranger = {"Origin": "https://evil.example"}
    _, _, headers, _ = await asked(alone, "GET", "/api/v1/status", None, stranger)
    assert headers["WWW-Authenticate"] == "Bearer"
    _, _, headers, _ = await asked(alone, "GET", "/api/v1/people", None, {})
    assert headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="manage"'
    _, _, headers, _ = await asked(alone, "PATCH", "/api/v1/basket", b"", {})
    assert set(headers["Allow"].split(",")) == {"GET", "POST", "DELETE"}


async def test_a_mistake_of_the_kiosk_is_a_problem_and_logged(
    alone: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(alone.daemon.journal, "verify", fails)
    status, media, _, told = await asked(alone, "GET", "/api/v1/journal/verify", None, {})
    assert fault(status, media, told, 500, "internal") == ""
    assert "GET /api/v1/journal/verify failed" in caplog.text
