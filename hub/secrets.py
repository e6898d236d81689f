"""Secrets at rest: one key file, authenticated encryption, password verifiers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError

SCRYPT = {"n": 2**14, "r": 8, "p": 1}
"""42 ms a try (measured on 2 cores): a PIN list of 10,000 takes seven minutes a person, so tries are counted as well."""


class Vault:
    """Encrypts with AES-256-GCM under the key of one file (0600)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = b""

    def unlock(self, *, make: bool) -> None:
        """Read the key; with `make` it is made when it is not there. HubError when there is none."""
        self._key = _read(self.path, make)
        self._cipher = AESGCM(self._key)

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt for a purpose; it can only be opened for the same one."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt; HubError when the key file is another one than that which sealed."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], purpose.encode())
        except InvalidTag:
            raise HubError(
                "secret_key_file is not the one this database was made with; restore that file."
            ) from None

    def derive(self, purpose: str) -> bytes:
        """Return a key for one purpose, such as signing cookies."""
        return hmac.new(self._key, b"derive " + purpose.encode(), hashlib.sha256).digest()


def _read(path: Path, make: bool) -> bytes:
    try:
        key = base64.urlsafe_b64decode(path.read_bytes().strip())
    except FileNotFoundError:
        if not make:
            raise HubError(
                f"secret_key_file {path} is not there, and this database was made with one; restore it or correct its path."
            ) from None
        return _make(path)
    except (OSError, ValueError) as err:
        told = err.strerror if isinstance(err, OSError) else err
        raise HubError(
            f"secret_key_file {path} cannot be read ({told}); correct its path or permissions."
        ) from err
    if len(key) != 32:
        raise HubError(
            f"secret_key_file {path} does not hold 32 bytes in base64url; restore the file that was made for this hub."
        )
    return key


def _make(path: Path) -> bytes:
    """Make a key file whole or not at all; when another process was faster, its key counts."""
    raw = base64.urlsafe_b64encode(secrets.token_bytes(32))
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(raw + b"\n")
            f.flush()
            os.fsync(f.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    except OSError as err:
        raise HubError(
            f"secret_key_file {path} cannot be made ({err.strerror}); name a directory that can be written.",
            4,
        ) from err
    return _read(path, make=False)


def same(given: str, right: str) -> bool:
    """Compare two texts in constant time; what came from outside may hold any character."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode())


def verifier(password: str) -> str:
    """Return what is kept of a password."""
    salt = os.urandom(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def verify(password: str, kept: str) -> bool:
    """Compare a password with what is kept, in constant time."""
    _, salt, digest = kept.split("$")
    made = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), **SCRYPT)
    return hmac.compare_digest(made, base64.b64decode(digest))
