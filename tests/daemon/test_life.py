"""Start, readiness, a clean stop, a kill, a second start."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.daemon.program import DEADLINE_S, Program, config


def ask(url: str, path: str, body: object = None) -> dict[str, object]:
    raw = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, raw, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        told: dict[str, object] = json.loads(answer.read())
        return told


async def test_sigterm_ends_it_cleanly_and_nothing_is_lost(tmp_path: Path) -> None:
    async with Program(config(tmp_path, '[scanners.till]\nurl = "sim://"')) as kiosk:
        await kiosk.ready()
        url = str(kiosk.says["kiosk"])
        told = await asyncio.to_thread(ask, url, "/api/v1/redeem", {"code": "ABCDEFGH", "request_no": "R1"})
        assert told["verdict"] == "refused"
        assert (tmp_path / "data" / "running").exists()
        code, err = await kiosk.end(signal.SIGTERM)
    assert (code, err) == (0, "")
    assert not (tmp_path / "data" / "running").exists(), "the end was noted as clean"
    async with Program(config(tmp_path)) as kiosk:
        await kiosk.ready()
        again = await asyncio.to_thread(
            ask, str(kiosk.says["kiosk"]), "/api/v1/redeem", {"code": "ABCDEFGH", "request_no": "R1"}
        )
        assert again["rid"] == told["rid"], "the same number gets the same answer after a restart"
        assert (await kiosk.end(signal.SIGINT))[0] == 0


async def test_a_kill_is_noticed_and_counted(tmp_path: Path) -> None:
    path = config(tmp_path)
    async with Program(path) as kiosk:
        await kiosk.ready()
        device = kiosk.says["device"]
        await kiosk.end(signal.SIGKILL)
    async with Program(path) as kiosk:
        await kiosk.ready()
        assert kiosk.says["device"] == device, "the identity stays"
        await kiosk.end(signal.SIGTERM)
    with sqlite3.connect(tmp_path / "data" / "journal.db") as db:
        assert db.execute("SELECT value FROM fact WHERE name = 'unclean_boots'").fetchone() == ("1",)
    db.close()


async def test_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.setblocking(False)
        loop = asyncio.get_running_loop()
        heard: list[str] = []

        async def until(word: str) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while not any(word in message for message in heard):
                    heard.append((await loop.sock_recv(notified, 4096)).decode())

        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        async with Program(config(tmp_path), **env) as kiosk:
            await until("READY=1")
            await until("WATCHDOG=1")
            await until("rows wait for upload")
            assert (await kiosk.end(signal.SIGTERM))[0] == 0
            await until("STOPPING=1")


async def test_two_kiosks_cannot_share_a_data_directory(tmp_path: Path) -> None:
    path = config(tmp_path)
    async with Program(path) as first:
        await first.ready()
        async with Program(path) as second:
            code, err = await second.end()
        assert code == 4
        assert "another kiosk runs on" in err
        assert await asyncio.to_thread(ask, str(first.says["kiosk"]), "/healthz")


async def test_with_tls_the_staff_come_from_the_network_and_the_command_still_works(tmp_path: Path) -> None:
    import ssl

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    path = config(tmp_path, listen=f"0.0.0.0:{port}")
    async with Program(path) as kiosk:
        await kiosk.ready()
        assert kiosk.says["kiosk"] == f"https://0.0.0.0:{port}"
        assert (tmp_path / "data" / "tls-key.pem").stat().st_mode & 0o777 == 0o600
        context = ssl.create_default_context(cafile=tmp_path / "data" / "tls-cert.pem")

        def health() -> bytes:
            with urllib.request.urlopen(
                f"https://localhost:{port}/healthz", context=context, timeout=20
            ) as answer:
                return bytes(answer.read())

        assert b"true" in await asyncio.to_thread(health)
        command = await asyncio.create_subprocess_exec(
            *kiosk._words[:3], "status", "--json", "-c", str(path), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(command.communicate(), DEADLINE_S)
        assert json.loads(out)["device"] == kiosk.says["device"]
        await kiosk.end(signal.SIGTERM)


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_no_secret_is_logged(tmp_path: Path, level: str) -> None:
    (tmp_path / "token").write_text("a-secret-token-of-the-hub")
    text = f'[log]\nlevel = "{level}"\n[hub]\nurl = "http://127.0.0.1:9"\ntoken_file = "{tmp_path / "token"}"\n[scanners.till]\nurl = "sim://"'
    async with Program(config(tmp_path, text)) as kiosk:
        await kiosk.ready()
        url = str(kiosk.says["kiosk"])
        await asyncio.to_thread(ask, url, "/simulator/scan", {"text": "134567890123456789"})
        _, err = await kiosk.end(signal.SIGTERM)
    local = (tmp_path / "data" / "local.token").read_text().strip()
    for secret in ("a-secret-token-of-the-hub", "134567890123456789", "1234\n", local):
        assert secret not in err


async def test_a_long_task_that_dies_takes_the_daemon_with_it(tmp_path: Path) -> None:
    broken = (
        "import kiosk.health.gather as g\n"
        "async def ask(self): raise RuntimeError('planted')\n"
        "g.Gatherer.ask_printers = ask\n"
        "from kiosk.cli import main\n"
        f"raise SystemExit(main(['run', '-c', {str(config(tmp_path))!r}]))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", broken, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode == 4
    assert b"planted" in err
    assert not (tmp_path / "data" / "running").exists(), "the journal was closed cleanly all the same"
