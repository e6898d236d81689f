from __future__ import annotations

from tests.web.conftest import kiosk

__all__ = ["kiosk"]
