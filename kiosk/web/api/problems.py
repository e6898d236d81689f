"""What goes wrong, as problem documents (RFC 9457): a code of ours, one sentence, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from kiosk.health.model import Told, as_is
from kiosk.web.door import Refused
from ui.marks import N_
from ui.texts import LOCALES, negotiate, texts

MEDIA = "application/problem+json"
CODES: dict[str, tuple[int, str]] = {
    "bad_request": (400, N_("The request is not right")),
    "broken_off": (400, N_("The request broke off")),
    "unauthorized": (401, N_("Not known who asks")),
    "token_ended": (401, N_("The token's time is over")),
    "token_revoked": (401, N_("The token was revoked")),
    "forbidden": (403, N_("Not allowed with these rights")),
    "not_local": (403, N_("Only for the counter's own screen")),
    "not_found": (404, N_("No such address")),
    "unknown_batch": (404, N_("No such batch")),
    "unknown_job": (404, N_("No such slip")),
    "unknown_person": (404, N_("No such person")),
    "unknown_printer": (404, N_("No such printer")),
    "unknown_scanner": (404, N_("No such scanner")),
    "unknown_slip": (404, N_("No such kind of slip")),
    "unknown_phone": (404, N_("No such phone")),
    "unknown_redemption": (404, N_("No such redemption")),
    "unknown_template": (404, N_("No such template")),
    "unknown_file": (404, N_("No such file")),
    "unknown_token": (404, N_("No such token")),
    "method_not_allowed": (405, N_("That address takes other methods")),
    "hub_owns_people": (409, N_("The cloud owns the people")),
    "many_people": (409, N_("Too many people")),
    "many_slips": (409, N_("Too many slips wait")),
    "name_taken": (409, N_("The name is taken")),
    "no_config": (409, N_("No kiosk.toml")),
    "no_restart": (409, N_("Not restarted by a program")),
    "no_store": (409, N_("No store yet")),
    "no_way": (409, N_("Not reached from the network")),
    "not_pending": (409, N_("Waits for nobody")),
    "not_waiting": (409, N_("Nothing waits for a decision")),
    "outcome_unknown": (409, N_("Not known how it ended")),
    "pin_taken": (409, N_("The PIN is taken")),
    "second_link": (409, N_("Printed with another link")),
    "shown_once": (409, N_("A token is shown once")),
    "too_large": (413, N_("Too large")),
    "packed": (415, N_("The body is packed")),
    "not_json": (415, N_("Not the right content type")),
    "unknown_host": (421, N_("Not a name of this kiosk")),
    "bad_backup": (422, N_("Not a backup that fits")),
    "bad_picture": (422, N_("Not a picture that can be used")),
    "bad_pin": (422, N_("Not a PIN")),
    "bad_setting": (422, N_("Not a setting that works")),
    "key_reused": (422, N_("That key belongs to another request")),
    "no_day": (422, N_("Not a day of the calendar")),
    "no_offer": (422, N_("No offer to print")),
    "over": (422, N_("The last day is over")),
    "refused": (422, N_("Not printable")),
    "short": (422, N_("Too short")),
    "internal": (500, N_("A mistake of the kiosk")),
    "journal": (503, N_("The journal cannot be used")),
}
"""Status and title by code. A code keeps its meaning for ever; new ones are added."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457) with two members of ours: `error`, the code, and `sentences`."""

    type: str
    """Where the code is explained."""
    title: str
    status: int
    detail: str
    """What is wrong and what to do, in one sentence."""
    error: str
    message: str
    """The same as `detail`."""
    sentences: dict[str, str]
    """The same in every language, by `en` and `zh_CN`."""


class Problem(Refused):
    """A request that is not granted: a code of `CODES` and one sentence."""

    def __init__(self, code: str, what: Told, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(CODES[code][0], code, what.say())
        self.what, self.headers = what, dict(headers or {})


def respond(
    request: web.Request, status: int, code: str, what: Told, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a problem document, in English unless the caller likes Chinese better."""
    locale = negotiate(request.headers.get("Accept-Language"), "en")
    title = CODES[code][1] if code in CODES else N_("Not done")
    sentence = what.say(locale)
    body = ProblemBody(
        type=f"/api/docs#{code}",
        title=texts("kiosk", "kiosk", locale)(title),
        status=status,
        detail=sentence,
        error=code,
        message=sentence,
        sentences={each: what.say(each) for each in LOCALES},
    )
    told = {"Content-Language": "zh-CN" if locale == "zh_CN" else "en", "Cache-Control": "no-store"}
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type=MEDIA,
        headers={**(headers or {}), **told},
    )


def of(request: web.Request, err: Refused) -> web.Response:
    """Return a refusal as a problem document."""
    if isinstance(err, Problem):
        return respond(request, err.status, err.error, err.what, err.headers)
    return respond(request, err.status, err.error, as_is(str(err)))
