"""/api/v1 under the names that the console's pages use."""

from __future__ import annotations

from kiosk.web.api.calls import RedeemAsk, RollbackAsk, add_routes, answer

__all__ = ["RedeemAsk", "RollbackAsk", "add_routes", "answer"]
