"""The local API in OpenAPI 3.1, from the types that its handlers read and write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import msgspec

from kiosk.web.api import operations
from kiosk.web.api.keys import HEADER
from kiosk.web.api.operation import JSON, Nothing, Operation
from kiosk.web.api.problems import CODES, MEDIA, ProblemBody

REF = "#/components/schemas/{name}"
TITLE = "kiosk"
ABOUT = (
    "Everything that staff can do at one kiosk, but signing in: a PIN and the code of a phone's slip are a person's. "
    "Programs of the machine need no token for what a counter does all day; "
    "others send `Authorization: Bearer kt_...` (`kiosk token make`). Money is in fen, times are RFC 3339."
)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the document."""
    made = operations()
    types = [ProblemBody, *(t for op in made for k, t in op.types.items() if k != "return" or not op.media)]
    schemas, parts = msgspec.json.schema_components(types, ref_template=REF)
    named = {id(t): s for t, s in zip(types, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for op in made:
        paths.setdefault(op.address, {})[op.method.lower()] = _operation(op, named, parts)
    paths["/api/v1/openapi.json"] = {"get": _itself()}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version("coupon-kiosk"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "components": {
            "schemas": parts,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": _responses(named[id(ProblemBody)]),
        },
        "security": [{}, {"token": []}],
        "paths": paths,
    }


def codes_of(op: Operation) -> list[str]:
    """Return every code with which an operation may refuse."""
    codes = ["unknown_host", "internal", "journal", *op.problems]
    if op.scope is not None:
        codes += ["unauthorized", "token_ended", "token_revoked", "forbidden"]
    if op.method in ("POST", "PUT"):
        codes += ["not_json", "packed", "too_large", "broken_off"]
    if keyed(op):
        codes += ["key_reused"]
        codes += ["outcome_unknown"] if op.again != "repeat" else []
    if keyed(op) or op.headers or {"path", "query"} & set(op.types):
        codes.append("bad_request")
    return sorted(set(codes), key=list(CODES).index)


def _responses(body: dict[str, Any]) -> dict[str, Any]:
    """Return one response for each status that refuses; which codes it may carry stands at the operation."""
    return {
        str(status): {"description": "A problem document.", "content": {MEDIA: {"schema": body}}}
        for status in sorted({status for status, _ in CODES.values()})
    }


def _operation(op: Operation, named: dict[int, Any], parts: dict[str, Any]) -> dict[str, Any]:
    refused: dict[str, list[str]] = {}
    for code in codes_of(op):
        refused.setdefault(str(CODES[code][0]), []).append(code)
    made: dict[str, Any] = {
        "operationId": name_of(op),
        "summary": op.summary,
        "responses": {
            "200": _done(op, named),
            **{s: {"$ref": f"#/components/responses/{s}"} for s in refused},
        },
        "x-problems": refused,
        "x-scope": op.scope,
    }
    if parameters := _parameters(op, named, parts):
        made["parameters"] = parameters
    if op.scope is None:
        made["security"] = []
    if keyed(op):
        schema = named[id(op.types["body"])] if "body" in op.types else {"type": "object"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif op.takes != JSON:
        made["requestBody"] = {"required": True, "content": {op.takes: {"schema": {}}}}
    return made


def name_of(op: Operation) -> str:
    """Return the name of an operation, made of its method and path."""
    words = re.findall(r"[A-Za-z0-9]+", op.path.removeprefix("/"))
    return "_".join([op.method.lower(), *words])


def _done(op: Operation, named: dict[int, Any]) -> dict[str, Any]:
    if op.media:
        binary: dict[str, Any] = {"schema": {}}
        return {"description": "done", "content": {m.partition(";")[0]: binary for m in op.media}}
    schema = named[id(op.types["return"])]
    headers = {
        "Idempotent-Replayed": {"description": "The answer was given before.", "schema": {"type": "string"}}
    }
    told = {"headers": headers} if keyed(op) else {}
    return {"description": "done", **told, "content": {"application/json": {"schema": schema}}}


def _parameters(op: Operation, named: dict[int, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in ("path", "query"):
        if place not in op.types:
            continue
        shape = _resolve(named[id(op.types[place])], parts)
        required = set(shape.get("required", ()))
        for name, schema in shape["properties"].items():
            found.append(
                {
                    "name": name,
                    "in": place,
                    "required": place == "path" or name in required,
                    "schema": _plain(schema),
                    **_about(schema),
                }
            )
    found += [{"name": h, "in": "header", "required": True, "schema": {"type": "string"}} for h in op.headers]
    if keyed(op):
        found.append(
            {
                "name": HEADER,
                "in": "header",
                "required": False,
                "description": "The same key gets the same answer, for a week and across restarts.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
            }
        )
    return found


def _resolve(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref")
    found: dict[str, Any] = parts[ref.rpartition("/")[2]] if ref else schema
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: in an address nothing is null, what is left out is empty."""
    options: Sequence[dict[str, Any]] = schema.get("anyOf", ())
    kept = [o for o in options if o.get("type") != "null"]
    plain = dict(kept[0]) if kept else dict(schema)
    plain.pop("default", None)
    plain.pop("description", None)
    return plain


def _about(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"]} if "description" in schema else {}


def _itself() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "get_openapi",
        "summary": "Describe the interface.",
        "security": [],
        "responses": {
            "200": {"description": "done", "content": content},
            "421": {"$ref": "#/components/responses/421"},
        },
    }


def keyed(op: Operation) -> bool:
    """Tell whether an operation takes JSON, and with it an idempotency key."""
    return op.method == "POST" and op.takes == JSON


def bodiless(op: Operation) -> bool:
    """Tell whether an operation takes `{}`."""
    return op.types.get("body", Nothing) is Nothing
