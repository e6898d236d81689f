"""What a form of our own pages posts: text in UTF-8, without files."""

from __future__ import annotations

from urllib.parse import parse_qsl

FIELDS = 20
"""More than any form of ours has that is posted without a script."""


def fields(content_type: str, raw: bytes) -> dict[str, str]:
    """Return the fields by name; ValueError for what no page of ours posts, which is refused before it is taken apart."""
    if content_type != "application/x-www-form-urlencoded":
        raise ValueError(f"forms come as application/x-www-form-urlencoded, not as {content_type}")
    return dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS))
