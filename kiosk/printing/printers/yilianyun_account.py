"""Who prints at Yilianyun."""

from __future__ import annotations

from pathlib import Path

import msgspec

CHINA_URL = "https://open-api.10ss.net/v2"
OVERSEAS_URL = "https://open-api-os.10ss.net/v2"
"""Version 2 of the API; version 1 is at the root of either host."""


class YilianyunAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A self-owned application; `data_dir` keeps its one token."""

    client_id: str
    secret: str
    base_url: str = CHINA_URL
    api_version: int = 2
    data_dir: Path

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"YilianyunAccount(client_id={self.client_id!r}, base_url={self.base_url!r})"
