"""What goes wrong at an address of the console: one sentence in the page's language, as a page where a browser shows it."""

from __future__ import annotations

import re

from aiohttp import web

from kiosk.web.local_api import answer
from kiosk.web.staff.frame import bare, texts_for
from ui.marks import N_

BASE = re.compile(r"/staff(/|$)")
SENTENCES = {
    400: N_("The kiosk does not understand what this page asks; load the page again."),
    404: N_("The console has no such page."),
    405: N_("That address does not take such a request; go back to the console."),
    413: N_("That is more than a form of this page holds."),
}
UNKNOWN = N_("The request is not right; load the page again.")


def is_console(request: web.Request) -> bool:
    """Tell whether an address is the console's."""
    return BASE.match(request.path) is not None


def refuse(request: web.Request, status: int, error: str, sentence: str) -> web.Response:
    """Answer with a sentence: a page to a browser that shows it, else JSON for the script that asked."""
    if "text/html" in request.headers.get("Accept", ""):
        return bare(request, "staff_wrong.html.jinja", status, message=sentence)
    return answer({"error": error, "message": sentence}, status)


def by_status(request: web.Request, status: int, error: str) -> web.Response:
    """Answer what the router, or the reader of a body, refuses."""
    return refuse(request, status, error, texts_for(request)(SENTENCES.get(status, UNKNOWN)))
