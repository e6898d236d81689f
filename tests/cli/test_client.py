"""The client of the daemon: over the socket and over loopback, when an answer is lost, when something else answers."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kiosk import here
from kiosk.client import Client, ClientError, Lost, NotRunning, Refusal
from tests.web.rig import SLIP, Rig, rig

DEADLINE_S = 20


@contextmanager
def served(data_dir: Path, *answers: Callable[[bytes], bytes]) -> Iterator[list[bytes]]:
    """Answer one connection after another on the socket of a data directory; return what was asked."""
    asked: list[bytes] = []
    sock = here.listen(data_dir)
    sock.setblocking(True)
    sock.settimeout(DEADLINE_S)

    def serve() -> None:
        for answer in answers:
            link, _ = sock.accept()
            with link:
                link.settimeout(DEADLINE_S)
                asked.append(raw := whole(link))
                link.sendall(answer(raw))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        thread.join(DEADLINE_S)
        sock.close()
        here.remove(data_dir)


def whole(link: socket.socket) -> bytes:
    """Read a request with its body: a client whose peer closes while it sends has not been answered."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += link.recv(65536)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", raw)
    end = raw.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(raw) < end:
        raw += link.recv(65536)
    return raw


def said(value: Any, status: str = "200 OK") -> Callable[[bytes], bytes]:
    body = json.dumps(value).encode()
    return lambda _: b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


def half(_: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"


def key_of(raw: bytes) -> bytes:
    return next(line for line in raw.splitlines() if line.lower().startswith(b"idempotency-key"))


def test_a_lost_answer_is_asked_for_again_under_the_same_key(tmp_path: Path) -> None:
    with served(tmp_path, half, said({"ok": True})) as asked:
        assert Client(tmp_path).post("/slips/day") == {"ok": True}
    assert len(asked) == 2
    assert key_of(asked[0]) == key_of(asked[1])


def test_a_read_is_not_asked_again_and_carries_no_key(tmp_path: Path) -> None:
    with served(tmp_path, half) as asked:
        with pytest.raises(Lost, match="did not finish its answer"):
            Client(tmp_path).status()
    assert b"idempotency" not in asked[0].lower()


def test_a_daemon_that_goes_in_the_middle_leaves_the_outcome_open(tmp_path: Path) -> None:
    def last(_: bytes) -> bytes:
        here.remove(tmp_path)
        return half(b"")

    with served(tmp_path, last):
        with pytest.raises(Lost, match="stopped before it answered"):
            Client(tmp_path).redeem("ABCDEFGH")


def test_nobody_and_somebody_else(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="start it with `kiosk run`"):
        Client(tmp_path).status()
    with served(tmp_path, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"):
        with pytest.raises(ClientError, match="is not a kiosk"):
            Client(tmp_path).status()
    with served(tmp_path, said({"error": "forbidden", "message": "that needs the right manage."}, "403 No")):
        with pytest.raises(Refusal) as err:
            Client(tmp_path).tokens()
    assert (err.value.status, err.value.code) == (403, "forbidden")


def test_a_directory_of_any_length_has_a_socket(tmp_path: Path) -> None:
    far = tmp_path / ("d" * 120) / ("e" * 120)
    far.mkdir(parents=True)
    with served(far, said({"lights": {}})):
        assert Client(far).status() == {"lights": {}}


def test_a_file_in_the_place_of_the_socket_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / here.NAME).write_text("mine")
    with pytest.raises(FileExistsError):
        here.listen(tmp_path)
    assert (tmp_path / here.NAME).read_text() == "mine"


def test_the_socket_of_a_unit_lies_in_its_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = tmp_path / "run", tmp_path / "data"
    run.mkdir()
    data.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(run))
    with served(data, said({"lights": {}})):
        assert (run / here.NAME).is_socket()
        assert (data / here.NAME).is_symlink()
        monkeypatch.delenv("RUNTIME_DIRECTORY")  # a command is in no unit
        assert Client(data).status() == {"lights": {}}
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(run))
    assert not list(run.iterdir()) + list(data.iterdir())


async def test_every_kind_of_question_over_the_socket(kiosk: Rig) -> None:
    client = Client(kiosk.daemon.data_dir)

    def ask() -> None:
        assert client.status()["store"]
        assert client.findings() == []
        assert [p["name"] for p in client.printers()] == ["paper"]
        assert client.devices()
        assert client.test_printer("paper")["outcome"] == "printed"
        told = client.redeem(code, request_no="T1")
        assert told["verdict"] == "confirmed"
        assert client.redeem(code, request_no="T1")["rid"] == told["rid"]
        assert client.rollback(told["rid"])["ok"] is True
        assert [r["kind"] for r in client.journal()].count("rollback") == 1
        assert client.verify()["ok"] is True
        token = client.make_token("till 1", ["read"])["token"]
        assert [t["name"] for t in client.tokens()] == ["till 1"]
        assert Client(None, kiosk.url.removeprefix("http://"), token).status()["device"]
        client.revoke_token("till 1")

    code = await kiosk.issue(SLIP)
    await asyncio.to_thread(ask)


async def test_over_tls_the_kiosks_own_authority_is_believed_and_no_other(tmp_path: Path) -> None:
    async with rig(tmp_path / "one", hub=False, tls="auto", listen="0.0.0.0:0") as kiosk:
        data = kiosk.daemon.data_dir
        token = (data / "local.token").read_text().strip()
        port = kiosk.url.rpartition(":")[2]

        def ask(authority: Path) -> Any:
            return Client(None, f"0.0.0.0:{port}", token, str(authority)).status()

        assert (await asyncio.to_thread(ask, data / "tls-ca.pem"))["device"] == kiosk.daemon.device
        async with rig(tmp_path / "two", hub=False, tls="auto", listen="0.0.0.0:0") as other:
            with pytest.raises(NotRunning):
                await asyncio.to_thread(ask, other.daemon.data_dir / "tls-ca.pem")
