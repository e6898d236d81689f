"""Rights at the local API: any program of the machine, its owner over the Unix socket, programs with a token."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiosk.clock import Trusted
from kiosk.web.api import callers
from tests.web.rig import CAPPED, Rig, rig

AWAY = {"X-Forwarded-For": "192.168.1.9"}
"""Passed on by a proxy: not this machine any more."""


def owner(kiosk: Rig) -> dict[str, str]:
    token = (kiosk.daemon.data_dir / "local.token").read_text().strip()
    return {**AWAY, "Authorization": f"Bearer {token}"}


async def made(kiosk: Rig, *scopes: str, name: str = "till 1", **more: Any) -> dict[str, str]:
    """Make a token and return the headers of a program that holds it."""
    ask = {"name": name, "scopes": list(scopes), **more}
    status, told = await kiosk.post("/api/v1/tokens", ask, headers=owner(kiosk))
    assert status == 200, told
    return {**AWAY, "Authorization": f"Bearer {told['token']}"}


async def test_a_program_may_do_what_its_token_says_and_nothing_else(kiosk: Rig) -> None:
    till = await made(kiosk, "redeem")
    code = await kiosk.issue(CAPPED)
    status, told = await kiosk.post("/api/v1/redeem", {"code": code, "total": 1000}, headers=till)
    assert (status, told["verdict"]) == (200, "confirmed")
    for path in ("/api/v1/status", "/api/v1/tokens"):
        status, told = await kiosk.get(path, headers=till)
        assert (status, told["error"]) == (403, "forbidden"), path
    status, told = await kiosk.post("/api/v1/rollback", {"rid": "x"}, headers=till)
    assert (status, "undo" in told["message"]) == (403, True)
    assert [(a.name, a.what) for a in await kiosk.daemon.journal.acts("redeem")] == [("till 1", "redeem")]


async def test_a_revoked_token_is_refused_at_once_and_no_other(alone: Rig) -> None:
    first, second = await made(alone, "read"), await made(alone, "read", name="till 2")
    async with alone.http.delete(alone.url + "/api/v1/tokens/till 1", headers=owner(alone)) as answer:
        assert answer.status == 200
    status, told = await alone.get("/api/v1/status", headers=first)
    assert (status, told["error"]) == (401, "token_revoked")
    assert "till 1" in told["message"]
    assert (await alone.get("/api/v1/status", headers=second))[0] == 200


async def test_a_token_ends_with_its_last_day_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        till = await made(kiosk, "read", days=30)
        assert (await kiosk.get("/api/v1/status", headers=till))[0] == 200
        seen = (await kiosk.get("/api/v1/tokens", headers=owner(kiosk)))[1]["tokens"][0]["seen"]
        assert len(seen) == len("2026-11-25")
    async with rig(tmp_path, hub=False) as kiosk:
        assert (await kiosk.get("/api/v1/status", headers=till))[0] == 200
        late = kiosk.daemon.clock.trusted().at + timedelta(days=31)
        monkeypatch.setattr(kiosk.daemon.clock, "trusted", lambda: Trusted(late, None))
        status, told = await kiosk.get("/api/v1/status", headers=till)
        assert (status, told["error"]) == (401, "token_ended")


@pytest.mark.parametrize("token", ["kt_", "kt_x_y", "kt_{id}_wrong", "kt_{id}_", "wrong", "kt_{id}", "é"])
async def test_a_made_up_token_is_none(alone: Rig, token: str) -> None:
    await made(alone, *sorted(callers.ALL))
    known = (await alone.daemon.journal.clients())[0].id
    headers = {"Authorization": f"Bearer {token.format(id=known)}"}
    status, told = await alone.get("/api/v1/status", headers=headers)
    assert (status, told["error"]) == (401, "unauthorized"), (
        "also from this machine: who shows a token means it"
    )


async def test_the_token_is_kept_as_a_digest_alone(alone: Rig) -> None:
    headers = await made(alone, "read")
    secret = headers["Authorization"].rpartition("_")[2]
    files = [p for p in alone.daemon.data_dir.glob("journal.db*") if p.is_file()]
    assert files
    assert not [p for p in files if secret.encode() in p.read_bytes()]
    _, told = await alone.get("/api/v1/tokens", headers=owner(alone))
    assert secret not in str(told)


async def test_a_program_of_the_machine_manages_nothing(alone: Rig) -> None:
    for path in ("tokens", "people", "diagnostics"):
        status, told = await alone.get(f"/api/v1/{path}")
        assert (status, told["error"]) == (403, "forbidden"), path
    assert (await alone.post("/api/v1/backup", {"passphrase": "12345678"}))[0] == 403
    assert (await alone.get("/api/v1/status"))[0] == 200


async def test_a_program_of_the_machine_undoes_nothing(kiosk: Rig) -> None:
    _, done = await kiosk.post("/api/v1/redeem", {"code": await kiosk.issue(CAPPED), "total": 1000})
    for path, body in (("rollback", {"rid": done["rid"]}), ("conflicts/ab/1/let-stand", {})):
        status, told = await kiosk.post(f"/api/v1/{path}", body)
        assert (status, told["error"]) == (403, "forbidden"), path
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["recorded"]


async def test_the_socket_knows_its_owner_from_others_by_the_kernel(
    alone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int | None] = []
    real = callers.peer
    monkeypatch.setattr(callers, "peer", lambda request: seen.append(real(request)) or seen[-1])
    link = aiohttp.UnixConnector(path=str(alone.daemon.data_dir / "api.sock"))
    async with aiohttp.ClientSession(connector=link) as session:
        async with session.get("http://localhost/api/v1/tokens") as answer:
            assert answer.status == 200
        assert (await alone.get("/api/v1/status"))[0] == 200
        assert seen == [os.getuid(), None], "TCP tells no user"
        monkeypatch.setattr(callers, "peer", lambda _: 4712)
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        async with session.get("http://localhost/api/v1/tokens") as answer:
            assert answer.status == 403
        async with session.get("http://localhost/api/v1/status") as answer:
            assert answer.status == 200
