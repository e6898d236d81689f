"""The local API in OpenAPI 3.1, from the types that it reads and writes."""

from __future__ import annotations

from typing import Any

import msgspec

from kiosk.counter.baskets import Sale
from kiosk.counter.redeem import RedeemResult
from kiosk.counter.screen_watch import Report
from kiosk.health.model import PrinterFact
from kiosk.web.counter_page import ProofReport
from kiosk.web.api.calls import BasketAsk, RedeemAsk, RollbackAsk

ERRORS = {
    "400": "what is wrong with the request",
    "401": "not this machine, and no token",
    "503": "the journal cannot be used",
}


class Found(msgspec.Struct):
    """One finding of the doctor."""

    name: str
    severity: str
    sentence: str
    suggestion: str


class Done(msgspec.Struct):
    """Whether something was undone, and a sentence."""

    ok: bool
    message: str


class Ended(msgspec.Struct):
    """How a print ended."""

    outcome: str
    reason: str
    detail: str
    sent: int


class Seen(msgspec.Struct):
    """What the daemon makes of the page's report."""

    state: str


class Order(msgspec.Struct):
    """What the keeper of the screen is to do: nothing, `browser` or `compositor`."""

    do: str
    open: bool


PATHS: tuple[tuple[str, str, str, Any, Any, tuple[str, ...]], ...] = (
    ("post", "/api/v1/redeem", "Redeem a code", RedeemAsk, RedeemResult, ()),
    ("post", "/api/v1/rollback", "Undo a redemption of this kiosk", RollbackAsk, Done, ()),
    ("post", "/api/v1/basket", "Hold a sale for the next scan", BasketAsk, Sale, ()),
    ("get", "/api/v1/basket", "What became of the sale pushed last", None, Sale, ()),
    ("delete", "/api/v1/basket", "Take back the sale", None, Sale, ()),
    ("get", "/api/v1/status", "The lights", None, None, ()),
    ("get", "/api/v1/doctor", "Findings, each with a suggestion", None, dict[str, tuple[Found, ...]], ()),
    ("get", "/api/v1/devices", "Devices, configured and found", None, dict[str, list[dict[str, Any]]], ()),
    ("get", "/api/v1/printers", "State of each printer", None, dict[str, tuple[PrinterFact, ...]], ()),
    ("post", "/api/v1/printers/{name}/test", "Print a self-test slip", None, Ended, ("name",)),
    ("post", "/api/v1/slips/enrolment", "Print the code that lets this kiosk in", None, Ended, ()),
    ("get", "/api/v1/journal", "The durable record, a page at a time", None, None, ()),
    ("get", "/api/v1/journal/verify", "Walk the hash chain", None, None, ()),
    ("get", "/api/v1/settings", "The settings in use, without secrets", None, None, ()),
    ("get", "/api/v1/counter", "What the counter page shows", None, None, ()),
    ("get", "/api/v1/counter/events", "The same as server-sent events", None, None, ()),
    ("post", "/api/v1/counter/proof", "What a page read back from its pixels", ProofReport, Seen, ()),
    ("post", "/api/v1/counter/screen", "What the keeper of the screen sees", Report, Order, ()),
    ("get", "/healthz", "Whether the daemon can do its work", None, None, ()),
)


def document() -> dict[str, Any]:
    """Return the document."""
    types = [t for row in PATHS for t in row[3:5] if t is not None]
    schemas, parts = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    by_type = dict(zip(map(str, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for method, path, summary, ask, told, names in PATHS:
        paths.setdefault(path, {})[method] = _operation(
            summary, by_type.get(str(ask)), by_type.get(str(told)), names
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "kiosk", "version": "1"},
        "components": {"schemas": parts, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
        "paths": paths,
    }


def _operation(summary: str, ask: Any, told: Any, names: tuple[str, ...]) -> dict[str, Any]:
    content = {"application/json": {"schema": told or {"type": "object"}}}
    made: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "done", "content": content},
            **{code: {"description": why} for code, why in ERRORS.items()},
        },
    }
    if ask is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": ask}}}
    if names:
        made["parameters"] = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names
        ]
    return made
