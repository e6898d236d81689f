"""The templates that ship: TOML on disk -> checked structs."""

from __future__ import annotations

import difflib
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from posters.errors import UsageError
from posters.merge import FIELDS
from posters.scaling import rescaled
from posters.schema import AnyItem, Drawings, Lang, Look, Names, Template
from posters.terms import TERMS

ROOT = Path(__file__).parent / "templates"
ENGLISH = "-en"  # every look has a twin in English
BOTH = "-both"  # its front in Chinese, and the same in English on the back

T = TypeVar("T", bound=Struct)


class TemplateInfo(Struct, frozen=True):
    """What a person chooses by."""

    id: str
    title: Names
    width_mm: float
    height_mm: float
    faces: int
    looks: list[str]
    fields: list[dict[str, Any]]


class Chosen(Struct, frozen=True):
    """A template in one look and one language."""

    id: str
    look_id: str
    template: Template
    look: Look
    lang: Lang
    digest: str
    both: bool = False

    @property
    def langs(self) -> tuple[Lang, ...]:
        """Return the language of each face."""
        return ("zh-CN", "en") if self.both else (self.lang,) * len(self.faces)

    @property
    def faces(self) -> list[list[AnyItem]]:
        """Return the items of each face, front first."""
        if self.both:
            return [self.look.front, self.look.front]
        return [self.look.front, self.look.back] if self.look.back else [self.look.front]

    def pictured(self) -> Chosen:
        """Return the template with the front that shows the store's picture, where it has one of its own."""
        if not self.look.photo:
            return self
        return structs.replace(self, look=structs.replace(self.look, front=self.look.photo, photo=[]))

    @property
    def words(self) -> dict[str, str]:
        """Return the words of the template in its first language."""
        return self.words_in(self.lang)

    def words_in(self, lang: Lang) -> dict[str, str]:
        """Return the words of the template in a language; the look's own win."""
        return {**self.template.words.get(lang, {}), **self.look.words.get(lang, {})}


def read_toml(path: Path, kind: type[T]) -> T:
    """Decode one TOML file; an unknown key, a wrong type or bad syntax names the file and the place."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except msgspec.ValidationError as error:
        raise UsageError("{path}: {why}", path=path, why=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise syntax_error(path, error) from error


def syntax_error(path: Path, error: Exception) -> UsageError:
    """Return the error that names file and line of a TOML mistake."""
    place = re.search(r"line (\d+)", str(error))
    why = re.sub(r" \(at .*\)", "", str(error))
    if place is None:
        return UsageError("{path} is not valid TOML: {why}", path=path, why=why)
    return UsageError("{path} line {line} is not valid TOML: {why}", path=path, line=place.group(1), why=why)


def template_ids(root: Path = ROOT) -> list[str]:
    """Return the ids of the templates, in order of name."""
    return sorted(path.parent.name for path in root.glob("*/template.toml"))


@lru_cache(maxsize=32)
def template(template_id: str, root: Path = ROOT) -> Template:
    """Return one template by id; what it does not say of words and looks its base says."""
    known = template_ids(root)
    if template_id not in known:
        raise UsageError(
            "there is no template {name}; there are {known}", name=template_id, known=", ".join(known)
        )
    own = read_toml(root / template_id / "template.toml", Template)
    if not own.base:
        return own
    base = template(own.base, root)
    words = {lang: {**base.words.get(lang, {}), **own.words.get(lang, {})} for lang in base.words}
    return structs.replace(own, words=words, looks=own.looks or base.looks)


@lru_cache(maxsize=64)
def look(template_id: str, look_id: str, root: Path = ROOT) -> Look:
    """Return one look of a template: its own file, or its base's look drawn at its size."""
    own = root / template_id / f"{look_id}.toml"
    shared = template(template_id, root)
    if own.is_file() or not shared.base:
        return read_toml(own, Look)
    give = shared.give.get(look_id)
    if give is None:
        raise UsageError("{path} does not say where the look {name} gives", path=own.parent, name=look_id)
    return rescaled(look(shared.base, look_id, root), template(shared.base, root), shared, give)


def drawings(root: Path = ROOT) -> Drawings:
    """Return our own drawings."""
    return _drawings(root / "drawings.toml")


@lru_cache(maxsize=4)
def _drawings(path: Path) -> Drawings:
    return read_toml(path, Drawings)


def choose(template_id: str, look_name: str | None, root: Path = ROOT) -> Chosen:
    """Return the template in the look asked for: an id or a title, with `-en` in English, with `-both` in two languages."""
    shared = template(template_id, root)
    wanted = look_name or shared.looks[0]
    lang: Lang | None = "en" if wanted.endswith(ENGLISH) else None
    both = wanted.endswith(BOTH)
    bare = wanted.removesuffix(ENGLISH).removesuffix(BOTH)
    for look_id in shared.looks:
        found = look(template_id, look_id, root)
        if bare.lower() in (look_id, found.title.zh, found.title.en.lower()):
            if both and not found.back:
                raise UsageError("{template} has one face: it speaks one language", template=template_id)
            digest = _digest(template_id, look_id, root)
            return Chosen(template_id, look_id, shared, found, lang or found.lang, digest, both)
    near = difflib.get_close_matches(bare, shared.looks, 1, 0.4) or shared.looks
    raise UsageError(
        "{template} has no look {name}; did you mean {near}?",
        template=template_id,
        name=wanted,
        near="/".join(near),
    )


@lru_cache(maxsize=64)
def _digest(template_id: str, look_id: str, root: Path) -> str:
    """Return a hash of the files that this look is made of."""
    names = ["drawings.toml"]
    while template_id:
        names += [f"{template_id}/template.toml", f"{template_id}/{look_id}.toml"]
        template_id = template(template_id, root).base
    found = [root / name for name in names if (root / name).is_file()]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in found)).hexdigest()


def templates(root: Path = ROOT) -> list[TemplateInfo]:
    """Return every template with its size, faces, looks and fields."""
    return [_info(name, root) for name in template_ids(root)]


def _info(template_id: str, root: Path) -> TemplateInfo:
    shared = template(template_id, root)
    versioned = shared.kind == "versioned"
    faces = 2 if look(template_id, shared.looks[0], root).back else 1
    fields = [
        {
            "name": name,
            "title": msgspec.to_builtins(rule.title),
            "kind": rule.kind,
            "max": rule.max,
            "required": rule.required or (versioned and name in (*TERMS, "revision")),
            "example": rule.example,
        }
        for name, rule in FIELDS.items()
        if versioned or name not in TERMS
    ]
    looks = [name + tail for tail in ("", ENGLISH) for name in shared.looks]
    return TemplateInfo(template_id, shared.title, *shared.size, faces, looks, fields)
