"""Who this kiosk is: an Ed25519 key made at the first start, without an end date."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.sync.protocol import device_id

NAME = "device.key"


def b64(raw: bytes) -> str:
    """Return base64url."""
    return base64.urlsafe_b64encode(raw).decode()


class Identity:
    """A device's key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.device = device_id(self.public)

    @classmethod
    def load_or_create(cls, data_dir: Path) -> Identity:
        """Return the key in the data directory; make it (0600, whole or not at all) when there is none."""
        path = data_dir / NAME
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            private = Ed25519PrivateKey.generate()
            fresh = path.with_suffix(".new")
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as f:
                f.write(private.private_bytes_raw())
                f.flush()
                os.fsync(f.fileno())
            os.replace(fresh, path)
        return cls(Ed25519PrivateKey.from_private_bytes(path.read_bytes()))

    def sign(self, text: bytes) -> str:
        """Return a signature in base64url."""
        return b64(self._private.sign(text))


def fingerprint() -> dict[str, str]:
    """Return what tells one board from another: stored by the hub, never trusted as identity."""
    found = {}
    for name, place in (
        ("serial", "/sys/firmware/devicetree/base/serial-number"),
        ("model", "/sys/firmware/devicetree/base/model"),
        ("machine", "/etc/machine-id"),
    ):
        try:
            found[name] = Path(place).read_text("ascii").strip("\0\n ")[:100]
        except (OSError, UnicodeDecodeError):
            continue
    return found
