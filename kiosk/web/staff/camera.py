"""What the phone's camera sees: a frame or a photo comes in, the text of the coupon's code goes out.

Browsers that read codes themselves send nothing. Others (every iPhone, phones without Google's services, desktops) send
frames of at most 1280 dots to the kiosk, which decodes them: no decoder for the page has to be shipped and kept, and a photo
works on a page whose certificate nobody trusts yet, where no browser gives a camera.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from kiosk.counter.know import Knower
from kiosk.web.door import Refused
from kiosk.web.local_api import answer
from kiosk.web.reading import MOST, Reader
from kiosk.web.services import SERVICES, Services
from kiosk.web.staff.frame import Visit, texts_for
from kiosk.web.tls import CA
from ui.marks import N_

READER: web.AppKey[Reader] = web.AppKey("code_reader", Reader)
LARGE = N_("That picture is too large; take it with less resolution.")
PROBLEMS = {
    "picture": N_("That is no picture that can be read; take a photo (JPEG, PNG or WebP)."),
    "large": LARGE,
    "small": N_("That picture is too small; choose one of at least 120 × 120 dots."),
    "late": N_("The picture could not be read in time; try again."),
}


async def keep_reader(app: web.Application) -> AsyncIterator[None]:
    """Own the reader as long as the application runs."""
    app[READER] = Reader()
    yield
    await app[READER].stop()


async def read(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Read the code on a picture; empty when there is none. Nothing is kept of it."""
    picture = await take(visiting, MOST, visiting.t(LARGE))
    found = await visiting.request.app[READER].read(picture)
    if found.problem:
        raise Refused(422, found.problem, visiting.t(PROBLEMS[found.problem]))
    return answer({"text": await coupon(visiting.services, found.texts)})


def has_certificate(visiting: Visit) -> bool:
    """Tell whether this kiosk is its own authority, which a phone can be told to trust."""
    return (visiting.services.data_dir / CA).is_file()


async def certificate(request: web.Request) -> web.StreamResponse:
    """Give the certificate of this kiosk's authority to anybody, before a PIN is typed; the type makes phones offer to install it."""
    path = request.app[SERVICES].data_dir / CA
    if not path.is_file():
        raise Refused(
            404, "no_certificate", texts_for(request)(N_("This kiosk has no certificate of its own."))
        )
    headers = {"Content-Disposition": 'attachment; filename="kiosk-ca.crt"', "Cache-Control": "no-store"}
    return web.Response(body=path.read_bytes(), content_type="application/x-x509-ca-cert", headers=headers)


async def take(visiting: Visit, most: int, large: str) -> bytes:
    """Return the body of a request up to a number of bytes; more is refused with the sentence."""
    parts, size = [], 0
    async for chunk in visiting.request.content.iter_chunked(65536):
        size += len(chunk)
        if size > most:
            raise Refused(413, "large", large)
        parts.append(chunk)
    return b"".join(parts)


async def coupon(services: Services, texts: tuple[str, ...]) -> str:
    """Return the text that is a coupon's among those on the picture: a slip shows two codes, a counter many."""
    knower = Knower(services.journal)
    for text in texts:
        known = await knower.know(text)
        if not known.problem and known.batch is not None:
            return text
    return texts[0] if texts else ""
