"""The commands beside a running kiosk: answers, exit codes, one sentence when it goes wrong."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import sqlite3
import stat
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.program import Program, config
from tests.web.rig import CAPPED, STORE, Rig, start_hub

SIM = '[scanners.till]\nurl = "sim://"\n[printers.paper]\nurl = "virtual://{place}"\n'


class Shop:
    """A kiosk as a program, a hub in this process."""

    def __init__(self, path: Path, program: Program, hub: object) -> None:
        self.config, self.program, self.hub = path, program, hub

    async def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kiosk", *words, "-c", str(self.config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == code, (out, err)
        assert b"Traceback" not in err
        return out.decode(), err.decode()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    hub = await start_hub(tmp_path)
    text = f'[hub]\nurl = "{hub.url}"\ntoken_file = "{tmp_path / "token"}"\n' + SIM.format(
        place=tmp_path / "slips"
    )
    try:
        port = await _port()
        path = config(tmp_path, text, listen=f"127.0.0.1:{port}")
        async with Program(path) as program:
            await program.ready()
            held = Shop(path, program, hub)
            await _in_step(held)
            yield held
            if program.process.returncode is None:
                await program.end(signal.SIGTERM)
    finally:
        await hub.stop()


async def _port() -> int:
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


async def _in_step(shop: Shop) -> None:
    async with asyncio.timeout(60):
        while True:
            out, _ = await shop.run("status", "--json", code=0) if await _well(shop) else ("", "")
            if out and json.loads(out)["store"] == STORE:
                return


async def _well(shop: Shop) -> bool:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "status", "-c", str(shop.config), stdout=asyncio.subprocess.DEVNULL
    )
    return await asyncio.wait_for(process.wait(), 60) == 0


async def code_of(shop: Shop) -> str:
    return await Rig.issue(shop, CAPPED)  # type: ignore[arg-type]


async def test_redeem_and_rollback(shop: Shop) -> None:
    code = await code_of(shop)
    told = json.loads((await shop.run("redeem", code, "--total", "1500", "--json"))[0])
    assert (told["verdict"], told["threshold"], told["batch"]) == ("confirmed", "met", CAPPED)
    again = json.loads((await shop.run("redeem", code, "--json", code=1))[0])
    assert (again["verdict"], again["reason"]) == ("refused", "used")
    assert again["first_use"]["store"] == "科技园南区店"
    assert (
        "已核销" in (await shop.run("redeem", code, code=1))[0]
        or "核销" in (await shop.run("redeem", code, code=1))[0]
    )
    await shop.run("rollback", told["rid"])
    await shop.run("rollback", told["rid"], code=1)
    assert "fen" in (await shop.run("redeem", code, "--total", "15.00", code=2))[1]
    assert "empty" in (await shop.run("redeem", "  ", code=2))[1]


async def test_state_printers_and_devices(shop: Shop) -> None:
    assert "reachable" in (await shop.run("status"))[0]
    assert (await shop.run("doctor"))[0].startswith("✓")
    assert json.loads((await shop.run("devices", "--json"))[0])["devices"][0]["kind"]
    assert "paper" in (await shop.run("printers"))[0]
    await shop.run("printers", "test", "paper")
    assert "paper" in (await shop.run("printers", "test", "nix", code=2))[1]


async def test_the_journal_is_exported_beside_and_without_the_daemon(shop: Shop, tmp_path: Path) -> None:
    await shop.run("redeem", await code_of(shop))
    beside = (await shop.run("journal", "export"))[0]
    rows = list(csv.DictReader(io.StringIO(beside)))
    assert [r["kind"] for r in rows] == ["redeem_record"]
    assert json.loads((await shop.run("journal", "verify", "--json"))[0])["ok"] is True
    await shop.run("journal", "export", "--format", "jsonl", "-o", str(tmp_path / "j.jsonl"))
    assert stat.S_IMODE((tmp_path / "j.jsonl").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "j.jsonl").read_text("utf-8").splitlines()[0])["stock_id"] == CAPPED
    await shop.run("journal", "export", "-o", str(tmp_path / "no" / "j.csv"), code=4)
    await shop.program.end(signal.SIGTERM)
    without = list(csv.DictReader(io.StringIO((await shop.run("journal", "export"))[0])))
    assert [r["hash"] for r in without] == [r["hash"] for r in rows]
    assert "as it was written: 1." in (await shop.run("journal", "verify"))[0]
    assert (await shop.run("journal", "export", "--to", "2020-01-01"))[0].count("\n") == 1
    _, err = await shop.run("status", code=4)
    assert "start it with `kiosk run`" in err


async def test_a_changed_row_is_found(shop: Shop, tmp_path: Path) -> None:
    await shop.run("redeem", await code_of(shop))
    await shop.program.end(signal.SIGTERM)
    with sqlite3.connect(tmp_path / "data" / "journal.db") as db:
        db.execute("UPDATE item SET body = replace(body, 'confirmed', 'offline')")
    db.close()
    assert "not as it was written" in (await shop.run("journal", "verify", code=1))[0]


async def test_diagnostics_hold_no_secret(shop: Shop, tmp_path: Path) -> None:
    code = await code_of(shop)
    await shop.run("redeem", code)
    await shop.run("diagnostics", "-o", str(tmp_path / "d.zip"))
    data = tmp_path / "data"
    secrets = [code, '1234"', *((data / n).read_text().strip() for n in ("local.token", "session.key"))]
    with zipfile.ZipFile(tmp_path / "d.zip") as bundle:
        names = set(bundle.namelist())
        everything = "".join(bundle.read(n).decode() for n in names)
    assert {"status.json", "doctor.json", "settings.json", "machine.json"} <= names
    assert not [s for s in secrets if s in everything]


async def test_enrolling_again_is_harmless(shop: Shop) -> None:
    told = json.loads((await shop.run("enrol", "--hub", shop.hub.url, "--json"))[0])  # type: ignore[attr-defined]
    assert told["state"] == "accepted"


async def test_without_any_kiosk(tmp_path: Path) -> None:
    shop = Shop(config(tmp_path, listen="127.0.0.1:9"), None, None)  # type: ignore[arg-type]
    for words in (["status"], ["devices"], ["printers"], ["redeem", "ABCDEFGH"], ["token", "list"]):
        assert "no kiosk answers" in (await shop.run(*words, code=4))[1]
    assert "there is no journal" in (await shop.run("journal", "verify", code=4))[1]
    assert "does not answer" in (await shop.run("enrol", "--hub", "http://127.0.0.1:9", code=4))[1]
    await shop.run("diagnostics", "-o", str(tmp_path / "d.zip"))


async def test_the_doctor_looks_at_the_files_when_no_kiosk_runs(shop: Shop, tmp_path: Path) -> None:
    await shop.run("redeem", await code_of(shop))
    await shop.program.end(signal.SIGTERM)
    out, _ = await shop.run("doctor", code=1)
    assert out.startswith("✗ daemon: The kiosk does not run")
    assert "journal" not in out.split("Start it")[1]
    (tmp_path / "data" / "journal.damaged-1").touch()
    with sqlite3.connect(tmp_path / "data" / "journal.db") as db:
        db.execute("UPDATE item SET body = replace(body, 'confirmed', 'offline')")
    db.close()
    findings = json.loads((await shop.run("doctor", "--json", code=1))[0])["findings"]
    assert {"daemon", "journal", "damage"} <= {f["name"] for f in findings}
    assert "not as it was written" in next(f["sentence"] for f in findings if f["name"] == "journal")


async def test_commands_take_the_socket_and_the_kernel_says_who_they_are(shop: Shop, tmp_path: Path) -> None:
    sock, token = tmp_path / "data" / "api.sock", tmp_path / "data" / "local.token"
    assert stat.S_IMODE(sock.stat().st_mode) == 0o660
    token.rename(tmp_path / "kept")  # over loopback without the token nobody manages
    made = json.loads((await shop.run("token", "make", "till 1", "--scope", "redeem", "--json"))[0])
    assert made["token"].startswith("kt_")
    sock.unlink()
    assert "needs the right manage" in (await shop.run("token", "list", code=2))[1]
    assert "reachable" in (await shop.run("status"))[0], "loopback still answers"
    (tmp_path / "kept").rename(token)
    assert "till 1" in (await shop.run("token", "list"))[0]


async def test_a_token_is_made_listed_and_revoked(shop: Shop) -> None:
    token = (
        await shop.run("token", "make", "till 1", "--scope", "read", "--scope", "redeem", "--days", "30")
    )[0]
    listed = (await shop.run("token", "list"))[0]
    assert "till 1" in listed
    assert "read redeem" in listed
    assert "used never" in listed
    assert token.strip().rpartition("_")[2] not in listed
    assert "already" in (await shop.run("token", "make", "till 1", "--scope", "read", code=4))[1]
    assert "may ask no more" in (await shop.run("token", "revoke", "till 1"))[0]
    assert "there is no token" in (await shop.run("token", "revoke", "till 1", code=2))[1]
    assert "revoked" in (await shop.run("token", "list"))[0]
    assert "--scope" in (await shop.run("token", "make", "till 2", code=2))[1]


async def test_usage_errors_are_one_sentence() -> None:
    for words in (
        ["nothing"],
        [],
        ["redeem"],
        ["slip"],
        ["run", "-c", "/nothing/kiosk.toml"],
        ["demo", "--port", "x"],
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kiosk",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 2, words
        assert err.decode().count("\n") == 1, err
