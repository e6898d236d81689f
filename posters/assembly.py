"""Faces and a plan -> sheets: each face is one form, drawn as often as the plan says; marks and labels lie on top."""

from __future__ import annotations

import math
from io import BytesIO

import pikepdf
from msgspec import structs
from pikepdf import Dictionary, Pdf

from posters.content import TRIM
from posters.faces import Faces
from posters.imposition import Label, Leaf, Place, Plan
from posters.ops import Draft, Op, Page, Words
from posters.outlines import outlined
from posters.render import Sheet, render
from posters.typeset import Measure, set_line
from posters.units import pt

WEIGHT = 400
BLACK = (0.0, 0.0, 0.0, 1.0)


def assemble(art: bytes, plan: Plan, bleed: float, *, outline: bool = False, times: int = 1) -> bytes:
    """Return the sheets, unfinished; `art` has a page a face, as large as its trim with `bleed` mm on each side.

    With `times` the plan is followed again and again, each time with the next faces of `art`.
    """
    if times > 1:
        plan = _repeated(plan, times)
    with (
        Pdf.open(BytesIO(art)) if art else Pdf.new() as source,
        Pdf.open(BytesIO(_overlay(plan, outline))) as top,
        Pdf.new() as out,
    ):
        forms = [out.copy_foreign(_form(page, pt(bleed))) for page in source.pages]
        sizes = [[float(v) for v in page.mediabox] for page in source.pages]
        for leaf, over in zip(plan.leaves, top.pages, strict=True):
            names: dict[str, pikepdf.Object] = {}
            parts = []
            for place in leaf.places:
                names[f"/F{place.face}"] = forms[place.face]
                parts.append(_draw(leaf, place, sizes[place.face], pt(bleed)))
            if leaf.shapes or leaf.labels:
                names["/Top"] = out.copy_foreign(over.as_form_xobject())
                parts.append("q /Top Do Q")
            page = out.add_blank_page(page_size=(pt(leaf.width), pt(leaf.height)))
            page.obj.Resources = Dictionary(XObject=Dictionary(names))
            page.obj.Contents = out.make_stream("\n".join(parts).encode())
        buffer = BytesIO()
        out.save(buffer, deterministic_id=True)  # the first half of the final id comes from here
        return buffer.getvalue()


def _form(page: pikepdf.Page, bleed: float) -> pikepdf.Object:
    """Return a face as a form that knows its trim: on a sheet of pieces no box of the page tells it."""
    form = page.as_form_xobject()
    x0, y0, x1, y1 = (float(v) for v in page.mediabox)
    form[TRIM] = pikepdf.Array([x0 + bleed, y0 + bleed, x1 - bleed, y1 - bleed])
    return form


def _repeated(plan: Plan, times: int) -> Plan:
    faces = 1 + max(place.face for leaf in plan.leaves for place in leaf.places)
    leaves = [
        structs.replace(leaf, places=[structs.replace(p, face=p.face + n * faces) for p in leaf.places])
        for n in range(times)
        for leaf in plan.leaves
    ]
    return structs.replace(plan, leaves=leaves)


def _draw(leaf: Leaf, place: Place, media: list[float], bleed: float) -> str:
    """Return the operators that draw one face; its cell is where its trim falls."""
    x, y, w, h = place.window
    clip = f"{pt(x):.4f} {pt(leaf.height - y - h):.4f} {pt(w):.4f} {pt(h):.4f} re W n"
    width, height = media[2] - media[0], media[3] - media[1]
    turned = place.turn % 180 == 90
    across, down = (height, width) if turned else (width, height)
    trim_x, trim_y = pt(place.x), pt(leaf.height - place.y)
    cx = trim_x + (across - 2 * bleed) * place.scale / 2
    cy = trim_y - (down - 2 * bleed) * place.scale / 2
    angle = math.radians(-place.turn)
    cos, sin = math.cos(angle) * place.scale, math.sin(angle) * place.scale
    e = cx - cos * width / 2 + sin * height / 2
    f = cy - sin * width / 2 - cos * height / 2
    return f"q {clip} {cos:.6f} {sin:.6f} {-sin:.6f} {cos:.6f} {e:.4f} {f:.4f} cm /F{place.face} Do Q"


def _overlay(plan: Plan, outline: bool) -> bytes:
    """Return marks and labels, a page a leaf; as paths when no font may be in the file."""
    text = "".join(label.text for leaf in plan.leaves for label in leaf.labels)
    leaf = plan.leaves[0]
    with Faces({WEIGHT: text or " "}) as faces:
        measure = faces.measure(WEIGHT)
        pages = [
            Page([*found.shapes, *(_words(label, measure) for label in found.labels)])
            for found in plan.leaves
        ]
        draft = Draft(pages, [])
        sheet = Sheet(leaf.width, leaf.height, 0.0)
        return render(outlined(draft, faces) if outline else draft, sheet, faces, WEIGHT, {})


def _words(label: Label, measure: Measure) -> Op:
    return Words(label.x, label.y, label.size, WEIGHT, BLACK, set_line(label.text, measure))
