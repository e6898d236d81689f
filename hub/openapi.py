"""/api/v1/openapi.json: what programs may ask the hub, drawn from the types that read and write it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from kiosk.sync.protocol import Error

ERRORS = {
    "400": "what is wrong with the request",
    "401": "neither a till's key nor a session of the fleet console",
    "404": "no such redemption",
    "409": "it was not honoured: there is nothing to undo",
    "413": "the request is too large",
    "503": "the database does not answer; try again",
}


class Health(msgspec.Struct, frozen=True):
    """GET /healthz."""

    ok: bool
    version: str


def document(
    ask: type[msgspec.Struct],
    result: type[msgspec.Struct],
    undo: type[msgspec.Struct],
    undone: type[msgspec.Struct],
) -> dict[str, Any]:
    """Return the OpenAPI document; the types are what POST /api/v1/redeem and /api/v1/rollback take and tell."""
    kinds = [ask, result, undo, undone, Error, Health]
    [asked, told, wish, done, error, health], schemas = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kiosk-hub",
            "version": version("coupon-kiosk"),
            "description": "What tills and scripts ask the cloud service. Money in fen, times in RFC 3339.",
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "till": {"type": "http", "scheme": "bearer", "description": "`kiosk-hub till key STORE`"},
                "person": {"type": "apiKey", "in": "cookie", "name": "console"},
            },
        },
        "paths": {
            "/api/v1/redeem": _post(
                "redeem",
                "Redeem a code for a till that has no kiosk",
                asked,
                _answers(error, told, "the verdict", "400", "401", "413", "503"),
            ),
            "/api/v1/rollback": _post(
                "rollback",
                "Undo a redemption: a till its own, a person whose role may change things any; once, whatever is repeated",
                wish,
                _answers(error, done, "it is undone", *ERRORS),
            ),
        }
        | _open_to_all(health, error),
    }


def _post(name: str, summary: str, asked: Any, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "security": [{"till": []}, {"person": []}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
            "responses": responses,
        }
    }


def _open_to_all(health: Any, error: Any) -> dict[str, Any]:
    """Return the paths that ask for no key and no session."""

    def get(name: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
        return {"get": {"operationId": name, "summary": summary, "security": [], "responses": responses}}

    figures = {"description": "figures", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/api/v1/openapi.json": get(
            "describe", "This document", _answers(error, {"type": "object"}, "this document")
        ),
        "/healthz": get(
            "health",
            "Whether the hub can answer, its database included",
            _answers(error, health, "it can", "503"),
        ),
        "/metrics": get("metrics", "Figures for Prometheus", {"200": figures}),
    }


def _answers(error: Any, schema: Any, what: str, *codes: str) -> dict[str, Any]:
    good = {"200": {"description": what, "content": {"application/json": {"schema": schema}}}}
    bad = {"application/json": {"schema": error}}
    return good | {code: {"description": ERRORS[code], "content": bad} for code in codes}
