"""A copy of this kiosk that can be put back: its journal, its identity, its settings, its logos; encrypted with a passphrase.

The file is `KIOSKB1` and a new line, 16 bytes of salt, 12 of nonce, then AES-256-GCM over a ZIP; the key comes from the
passphrase by scrypt (RFC 7914). A copy that is put back is an older journal, which a mark beside it says: the kiosk begins a
new epoch, and the hub tells it what was used meanwhile (facts: sync-fleet A7). Who was let out since stays out.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kiosk.counter.notdone import NotDone
from kiosk.journal import files, rights
from kiosk.journal.store import Journal
from ui.marks import N_

log = logging.getLogger(__name__)
MAGIC = b"KIOSKB1\n"
SALT, NONCE = 16, 12
LOG_N = 15
"""32 MiB a guess: the file leaves the kiosk, and its passphrase is a person's."""
MOST = 256 * 1024 * 1024
"""A journal of 14 days at 2,000 redemptions a day holds some 60 MB."""
MOST_UNPACKED = 4 * MOST
"""A journal packs to a third; what claims more is made to fill the card."""
PIECE = 1 << 18
TOO_LARGE = N_("That file is too large for a backup of a kiosk.")
IDENTITY, SESSIONS = "device.key", "session.key"
FILES = (IDENTITY, "staff.pin", "tls-ca.pem", "tls-ca-key.pem", "stands.jsonl")
JOURNAL, SETTINGS = "journal.db", "kiosk.toml"
LOGO = re.compile(r"logos/[^/\\\0]*[^./\\\0][^/\\\0]*")
STAGED, BEFORE = "restore", "before-restore"


class BackupError(NotDone):
    """A backup that cannot be made or put back: one sentence."""

    def __init__(self, sentence: str, **args: object) -> None:
        super().__init__("backup", sentence, **args)


async def make(journal: Journal, data_dir: Path, config: Path | None, passphrase: str) -> bytes:
    """Return an encrypted copy of everything that makes this kiosk itself."""
    with tempfile.TemporaryDirectory(dir=data_dir, prefix="backup-") as work:
        copy = Path(work) / JOURNAL
        await journal.copy_to(str(copy))
        return await asyncio.to_thread(_pack, copy, data_dir, config, passphrase)


def _pack(copy: Path, data_dir: Path, config: Path | None, passphrase: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.write(copy, JOURNAL)
        for name in FILES:
            if (data_dir / name).is_file():
                bundle.write(data_dir / name, name)
        for logo in sorted((data_dir / "logos").glob("*")):
            bundle.write(logo, f"logos/{logo.name}")
        if config is not None and config.is_file():
            bundle.write(config, SETTINGS)
    return seal(raw.getvalue(), passphrase)


def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=2**LOG_N, r=8, p=1, maxmem=2**27, dklen=32)


def seal(plain: bytes, passphrase: str) -> bytes:
    """Encrypt."""
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    return MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, MAGIC)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """Decrypt; BackupError when the passphrase is another one or a byte was changed."""
    if not sealed.startswith(MAGIC):
        raise BackupError(N_("That file is no backup of a kiosk; choose the file that this page gave you."))
    salt = sealed[len(MAGIC) :][:SALT]
    nonce = sealed[len(MAGIC) + SALT :][:NONCE]
    try:
        body = memoryview(sealed)[len(MAGIC) + SALT + NONCE :]  # a copy would be as large as the file again
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, body, MAGIC)
    except (InvalidTag, ValueError):
        raise BackupError(
            N_("The passphrase does not fit, or the file is damaged; nothing was changed.")
        ) from None


def stage(sealed: bytes, passphrase: str, data_dir: Path) -> list[str]:
    """Check a backup and lay it ready; it takes the place of what is here at the next start. Return its files."""
    plain = unseal(sealed, passphrase)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix="restore-") as work:
        fresh = Path(work) / "new"
        fresh.mkdir(mode=0o700)
        try:
            names = _unpack(plain, fresh)
        except (
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            EOFError,
        ) as err:  # RuntimeError: a member under a password
            log.warning("a backup cannot be unpacked: %s", err)
            raise BackupError(N_("What is in that backup cannot be unpacked; nothing was changed.")) from None
        if JOURNAL not in names:
            raise BackupError(N_("There is no journal in that backup; nothing was changed."))
        _whole(fresh / JOURNAL)
        shutil.rmtree(data_dir / STAGED, ignore_errors=True)
        os.replace(fresh, data_dir / STAGED)
        files.flush_names(data_dir)
    return names


def _unpack(plain: bytes, fresh: Path) -> list[str]:
    """Write what is ours of an archive below a directory, piece by piece; return the names."""
    with zipfile.ZipFile(io.BytesIO(plain)) as bundle:
        members = [m for m in bundle.infolist() if _ours(m.filename)]
        if sum(m.file_size for m in members) > MOST_UNPACKED:
            raise BackupError(TOO_LARGE)
        for member in members:
            target = fresh / member.filename
            target.parent.mkdir(exist_ok=True)
            with bundle.open(member) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out, PIECE)
            target.chmod(0o600)
            files.flush(target)
        return [m.filename for m in members]


def _ours(name: str) -> bool:
    """Tell whether a name of the archive is one that we write; a made-up archive cannot write elsewhere."""
    return name in (*FILES, JOURNAL, SETTINGS) or LOGO.fullmatch(name) is not None


def _whole(path: Path) -> None:
    """Open the copy as the kiosk would and read it through."""
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            db.execute("SELECT count(*) FROM item").fetchone()
        finally:
            db.close()
    except sqlite3.Error as err:
        log.warning("the journal of a backup cannot be read: %s", err)
        raise BackupError(N_("The journal in that backup cannot be read; nothing was changed.")) from None
    if found != "ok":
        log.warning("the journal of a backup is damaged: %s", found)
        raise BackupError(N_("The journal in that backup is damaged; nothing was changed."))


def put_back(data_dir: Path) -> list[str]:
    """Put a staged backup in the place of what is here, before anything is opened; what was here is kept beside it.

    A power cut in the middle is no harm: what is still staged is moved at the next start.
    """
    if not (data_dir / STAGED).is_dir():
        return []
    try:
        if not (data_dir / files.PUT_BACK).exists():  # else a power cut came after the rights were settled
            _settle(data_dir, data_dir / STAGED)
        return _move(data_dir, data_dir / STAGED, data_dir / BEFORE)
    except (OSError, sqlite3.Error) as err:
        raise BackupError(
            N_("{path}: the backup cannot be put back ({why}); make room, or remove that directory."),
            path=data_dir / STAGED,
            why=getattr(err, "strerror", None) or err,
        ) from err


def is_own(data_dir: Path) -> bool:
    """Tell whether the staged backup is of this very kiosk, whose journal knows what was taken away since: it was not lost meanwhile."""
    here, staged = data_dir / IDENTITY, data_dir / STAGED / IDENTITY
    if not (here.is_file() and staged.is_file() and here.read_bytes() == staged.read_bytes()):
        return False
    try:
        return rights.one_line(data_dir / JOURNAL, data_dir / STAGED / JOURNAL)
    except sqlite3.Error as err:
        log.warning("the rights of now cannot be read (%s); the backup's tokens and phones end", err)
        return False


def _settle(data_dir: Path, staged: Path) -> None:
    """Let no right back in: this kiosk's own backup takes over people, PIN, tokens and phones as they are now.

    Another card cannot know what was taken away after the backup: there its tokens, phones and sessions end.
    """
    if is_own(data_dir):
        try:
            rights.keep(data_dir / JOURNAL, staged / JOURNAL)
        except sqlite3.Error as err:
            log.warning(
                "the rights of now cannot be taken over (%s); the backup's tokens and phones end", err
            )
        else:
            for name in FILES:
                if name != IDENTITY and (data_dir / name).is_file():
                    files.remove(staged / name)
            return
    rights.end(staged / JOURNAL)
    files.remove(data_dir / SESSIONS)


def _move(data_dir: Path, staged: Path, before: Path) -> list[str]:
    moved = []
    files.mark(data_dir / files.PUT_BACK)
    for path in sorted(p for p in staged.rglob("*") if p.is_file()):
        name = str(path.relative_to(staged))
        target = data_dir / ("restored-kiosk.toml" if name == SETTINGS else name)
        olds = [target, Path(f"{target}-wal"), Path(f"{target}-shm")] if name == JOURNAL else [target]
        for old in reversed(olds):
            if old.is_file():
                kept = before / old.relative_to(data_dir)
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.replace(old, kept)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
        moved.append(name)
    shutil.rmtree(staged)
    log.warning("a backup was put back: %s; what was here is in %s", ", ".join(moved), before)
    return moved
