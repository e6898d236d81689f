"""/api/v1/openapi.json: what programs may ask the hub, drawn from the types that read and write it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from kiosk.sync.protocol import Error

ERRORS = {
    "400": "what is wrong with the request",
    "401": "neither a till's key nor a session of the fleet console",
    "413": "the request is too large",
    "503": "the database does not answer; try again",
}


class Health(msgspec.Struct, frozen=True):
    """GET /healthz."""

    ok: bool
    version: str


def document(ask: type[msgspec.Struct], result: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the OpenAPI document; `ask` and `result` are those of POST /api/v1/redeem."""
    kinds = [ask, result, Error, Health]
    [asked, told, error, health], schemas = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )

    def answers(schema: Any, what: str, *codes: str) -> dict[str, Any]:
        good = {"200": {"description": what, "content": {"application/json": {"schema": schema}}}}
        bad = {"application/json": {"schema": error}}
        return good | {code: {"description": ERRORS[code], "content": bad} for code in codes}

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
            "/api/v1/redeem": {
                "post": {
                    "operationId": "redeem",
                    "summary": "Redeem a code for a till that has no kiosk",
                    "security": [{"till": []}, {"person": []}],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
                    "responses": answers(told, "the verdict", *ERRORS),
                }
            },
            "/api/v1/openapi.json": {
                "get": {
                    "operationId": "describe",
                    "summary": "This document",
                    "security": [],
                    "responses": answers({"type": "object"}, "this document"),
                }
            },
            "/healthz": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether the hub can answer, its database included",
                    "security": [],
                    "responses": answers(health, "it can", "503"),
                }
            },
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Figures for Prometheus",
                    "security": [],
                    "responses": {
                        "200": {
                            "description": "figures",
                            "content": {"text/plain": {"schema": {"type": "string"}}},
                        }
                    },
                }
            },
        },
    }
