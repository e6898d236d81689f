"""/api/v1 under the names that the console's pages use."""

from __future__ import annotations

from kiosk.web.api import add_routes
from kiosk.web.api.counter import RedeemAsk, RollbackAsk
from kiosk.web.api.operation import answer

__all__ = ["RedeemAsk", "RollbackAsk", "add_routes", "answer"]
