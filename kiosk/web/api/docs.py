"""/api/docs and /api/v1/openapi.json: what the local API takes and gives, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from kiosk.web.api.operation import answer
from kiosk.web.services import PAGES
from ui.marks import N_
from ui.texts import Texts, negotiate, texts

ROOMS = {
    "counter": N_("At the till"),
    "coupons": N_("Coupons"),
    "printing": N_("Printers and slips"),
    "records": N_("Records"),
    "stands": N_("Stands and posters"),
    "state": N_("How the kiosk is"),
    "care": N_("Settings and backup"),
    "fit_out": N_("Printers and logo"),
    "people": N_("People and phones"),
    "tokens": N_("Tokens"),
    "screen": N_("The counter page"),
}
SCOPES = {
    "read": N_("See everything but people and tokens"),
    "redeem": N_("Look at codes, redeem, push a sale"),
    "print": N_("Hand out, print and reprint slips, make stands"),
    "undo": N_("Undo redemptions, decide conflicts"),
    "manage": N_("People, tokens, settings, backup, restart"),
}

HEADINGS = (
    N_("Local API"),
    N_("Begin"),
    N_("Rights"),
    N_("Types"),
    N_("Problems"),
    N_("Code"),
    N_("Meaning"),
)
"""Texts in bold: two whole weights of a Chinese font are 140 KB, one and these are half of that."""
BOUNDS = {"minimum": "≥", "maximum": "≤", "maxLength": "≤", "maxItems": "≤", "pattern": "~"}


def add_routes(app: web.Application) -> None:
    """Add both."""
    app.router.add_get("/api/v1/openapi.json", openapi)
    app.router.add_get("/api/docs", page)


async def openapi(_: web.Request) -> web.StreamResponse:
    """Describe the interface."""
    from kiosk.web.api.openapi import document

    return answer(document())


async def page(request: web.Request) -> web.StreamResponse:
    """Describe the interface for people."""
    from kiosk.web.api.openapi import document
    from kiosk.web.api.problems import CODES

    locale = negotiate(request.headers.get("Accept-Language"))
    t = texts("kiosk", "kiosk", locale)
    doc = document()
    rooms, pages = _rooms(doc, t), request.app[PAGES]
    bold = "".join([*map(t, HEADINGS), *(r["title"] for r in rooms), *map(chr, range(32, 127))])
    html = pages.render(
        "api_docs.html.jinja",
        locale,
        (400,),
        bold=pages.font_css(bold, (700,)),
        rooms=rooms,
        scopes=[{"name": n, "told": t(told)} for n, told in SCOPES.items()],
        problems=[{"code": c, "status": s, "title": t(title)} for c, (s, title) in CODES.items()],
        types=[
            {"name": n, "fields": list(_fields(s))} for n, s in sorted(doc["components"]["schemas"].items())
        ],
        version=doc["info"]["version"],
    )
    response = web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
    response.enable_compression()
    return response


def _rooms(doc: dict[str, Any], t: Texts) -> list[dict[str, Any]]:
    """Return the operations, room by room."""
    from kiosk.web.api import operations

    found: dict[str, list[dict[str, Any]]] = {room: [] for room in ROOMS}
    for op in operations():
        told = doc["paths"][op.address][op.method.lower()]
        found[op.handler.__module__.rpartition(".")[2]].append(
            {
                "id": told["operationId"],
                "method": op.method,
                "path": op.address,
                "summary": t(op.summary),
                "scope": op.scope,
                "parameters": [_parameter(p) for p in told.get("parameters", ()) if p["in"] != "header"],
                "headers": [
                    p["name"] for p in told.get("parameters", ()) if p["in"] == "header" and p["required"]
                ],
                "body": _type(_content(told.get("requestBody", {}))),
                "answer": _type(_content(told["responses"]["200"])),
                "problems": [c for codes in told["x-problems"].values() for c in codes if c in op.problems],
            }
        )
    return [{"id": room, "title": t(title), "operations": found[room]} for room, title in ROOMS.items()]


def _content(part: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a body; a file is its media type."""
    for media, told in part.get("content", {}).items():
        schema: dict[str, Any] = told["schema"]
        return schema or {"type": ", ".join(part["content"])} if media else schema
    return {}


def _parameter(p: dict[str, Any]) -> dict[str, Any]:
    return {"name": p["name"], "in": p["in"], **_type(p["schema"])}


def _type(schema: dict[str, Any]) -> dict[str, str]:
    """Return a type in words, with the name of the one that is explained below."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"text": name, "ref": name}
    if options := schema.get("anyOf"):
        parts = [_type(o) for o in options]
        return {
            "text": " | ".join(p["text"] for p in parts),
            "ref": next((p["ref"] for p in parts if p["ref"]), ""),
        }
    if "enum" in schema:
        return {"text": " | ".join(f'"{v}"' for v in schema["enum"]), "ref": ""}
    if schema.get("type") == "array":
        of = _type(schema.get("items", {}))
        return {"text": f"{of['text']}[]", "ref": of["ref"]}
    if isinstance(more := schema.get("additionalProperties"), dict):
        of = _type(more)
        return {"text": f"{{{of['text']}}}", "ref": of["ref"]}
    return {"text": str(schema.get("format") or schema.get("type") or ""), "ref": ""}


def _fields(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of a type."""
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        limits = ", ".join(f"{word} {part[key]}" for key, word in BOUNDS.items() if key in part)
        yield {"name": name, "needed": name in required, "limits": limits, **_type(part)}
