"""Faults of a template that no store's data can cure. Pure."""

from __future__ import annotations

import math

from posters import schema as s
from posters.catalog import Chosen
from posters.errors import UsageError
from posters.layout import ASCENT
from posters.merge import FIELDS, places
from posters.units import PT_PER_MM

Area = tuple[float, float, float, float]
LEAST_PT = 6.0  # smaller type fills in on press
LEAST_LINE_MM = 0.2
MARK_MM = 12.0  # the smallest printed emblem that brand guides allow
MODULES = 29  # what the permanent link makes: version 3
DERIVED = {"initial", "revision"}


_sound: set[tuple[object, ...]] = set()


def demand_sound(chosen: Chosen) -> None:
    """Raise for a template with a fault; each version of a look is looked at once a process."""
    key = (chosen.digest, chosen.look_id, chosen.langs)
    if key in _sound:
        return
    found = faults(chosen)
    if found:
        raise UsageError(
            "the template {name} in the look {look}: {why}", name=chosen.id, look=chosen.look_id, why=found[0]
        )
    _sound.add(key)


def faults(chosen: Chosen) -> list[str]:
    """Return every fault: type or code outside the safe area, items that collide, unknown names, type too small."""
    faces = {str(number): items for number, items in enumerate(chosen.faces, 1)}
    if chosen.look.photo:
        faces["1 with a picture"] = chosen.look.photo
    return [f"face {name}: {fault}" for name, items in faces.items() for fault in _face(chosen, items)]


def _face(chosen: Chosen, items: list[s.AnyItem]) -> list[str]:
    found = [fault for item in items for fault in _item(chosen, item)]
    found += _collisions(items)
    if sum(isinstance(item, s.Qr) for item in items) != 1:
        found.append("it needs exactly one code")
    return found


def _item(chosen: Chosen, item: s.AnyItem) -> list[str]:
    named = [*_colors(item), *chosen.look.brand]
    found = [f"{name} is no colour of the look" for name in named if name not in _known(chosen)]
    area = _area(item)
    if area is not None and not _in_safe(area, chosen):
        found.append(f"{_name(item)} lies outside the safe area")
    if (
        _is_mark(item)
        and isinstance(item, s.Picture)
        and (min(item.box[2:]) < MARK_MM or item.fit != "contain")
    ):
        found.append(f"the partner's mark must be whole and {MARK_MM:g} mm or more")
    if isinstance(item, s.Arc):
        reach = item.r if 90 < item.middle < 270 else item.r + item.size * ASCENT / PT_PER_MM
        x, y = item.center
        if not _in_safe((x - reach, y, x + reach, y), chosen) or not _in_safe(
            (x, y - reach, x, y + reach), chosen
        ):
            found.append(f"{_name(item)} lies outside the safe area")
    if isinstance(item, (s.Text, s.Arc)):
        unknown = places(item.value) - set(FIELDS) - set(chosen.words) - DERIVED
        found += [f"{{{name}}} is neither a field nor a word" for name in sorted(unknown)]
        if min(item.min or item.size, item.size) < LEAST_PT:
            found.append(f"{_name(item)} is smaller than {LEAST_PT:g} pt")
    if isinstance(item, (s.Path, s.Rect, s.Circle, s.Drawing)) and item.width < LEAST_LINE_MM:
        found.append(f"{_name(item)} is thinner than {LEAST_LINE_MM} mm")
    return found


def _known(chosen: Chosen) -> set[str]:
    return {"", "black", "white", *chosen.look.colors}


def _colors(item: s.AnyItem) -> list[str]:
    names = ("color", "digits", "fill", "stroke", "line", "tint")
    return [str(getattr(item, name)) for name in names if isinstance(getattr(item, name, None), str)]


def _in_safe(area: Area, chosen: Chosen) -> bool:
    width, height = chosen.template.size
    edge = chosen.template.safe
    if chosen.template.shape == "round":
        corners = [(x, y) for x in (area[0], area[2]) for y in (area[1], area[3])]
        return all(math.dist(corner, (width / 2, height / 2)) <= width / 2 - edge for corner in corners)
    return _inside(area, (edge, edge, width - edge, height - edge))


def _area(item: s.AnyItem) -> Area | None:
    """Return the area that must stay whole: a text's box, a code without its quiet zone."""
    if isinstance(item, s.Text):
        x, y, w, h = item.box
        return x, y, x + w, y + h
    if _is_mark(item):
        return _whole(item)
    if isinstance(item, s.Qr):
        quiet = item.side * 4 / (MODULES + 8)
        x, y = item.at
        return x + quiet, y + quiet, x + item.side - quiet, y + item.side - quiet
    return None


def _collisions(items: list[s.AnyItem]) -> list[str]:
    """Return texts and pictures that touch each other or the code's square while both may be shown."""
    found = []
    boxes = [(item, _whole(item)) for item in items if isinstance(item, (s.Text, s.Qr, s.Picture))]
    for n, (one, a) in enumerate(boxes):
        for other, b in boxes[n + 1 :]:
            apart = (one.when and one.when == other.unless) or (one.unless and one.unless == other.when)
            touch = a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
            if touch and not apart and not _plated(items, one, other):
                found.append(f"{_name(one)} touches {_name(other)}")
    bent = [item for item in items if isinstance(item, s.Arc)]
    texts = [item for item in items if isinstance(item, s.Text)]
    return found + [f"{_name(arc)} touches {_name(t)}" for arc in bent for t in texts if _on_arc(arc, t.box)]


def _on_arc(arc: s.Arc, box: s.Box) -> bool:
    """Say whether a corner of a box, or the middle of an edge, lies where type on a circle may stand."""
    em = arc.size / PT_PER_MM
    below = 90 < arc.middle < 270
    low, high = (arc.r - ASCENT * em, arc.r) if below else (arc.r, arc.r + ASCENT * em)
    x, y, w, h = box
    for px in (x, x + w / 2, x + w):
        for py in (y, y + h / 2, y + h):
            dx, dy = px - arc.center[0], py - arc.center[1]
            off = abs((math.degrees(math.atan2(dx, -dy)) - arc.middle + 180) % 360 - 180)
            if off <= arc.span / 2 and low < math.hypot(dx, dy) < high:
                return True
    return False


def _plated(items: list[s.AnyItem], photo: s.AnyItem, over: s.AnyItem) -> bool:
    """Say whether a plate of one colour lies on a photograph and bears what stands over it."""
    if not isinstance(photo, s.Picture) or photo.fit != "cover":
        return False
    area = _whole(over)
    between = items[items.index(photo) : items.index(over)]
    plates = [item for item in between if isinstance(item, s.Rect) and item.fill and not item.rotate]
    return any(_inside(area, _spread(p.box)) for p in plates if p.when in ("", over.when) and not p.unless)


def _spread(box: s.Box) -> Area:
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def _is_mark(item: s.AnyItem) -> bool:
    return isinstance(item, s.Picture) and item.field == "partner_mark"


def _whole(item: s.AnyItem) -> Area:
    if isinstance(item, s.Qr):
        return *item.at, item.at[0] + item.side, item.at[1] + item.side
    assert isinstance(item, (s.Text, s.Picture))
    return _spread(item.box)


def _inside(inner: Area, outer: Area) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _name(item: s.AnyItem) -> str:
    return f"text {item.value}" if isinstance(item, (s.Text, s.Arc)) else type(item).__name__.lower()
