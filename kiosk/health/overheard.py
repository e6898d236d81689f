"""What journal and configuration say, in the language of who reads it.

Those rooms speak English, to logs and commands; their few sentences are known here by their form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kiosk.health.model import Spoken, Told
from ui.marks import N_

PUT_BACK = N_("A backup was put back, whose journal lacks what happened since; a new epoch was begun.")
JOURNAL = (
    PUT_BACK,
    N_("The journal was damaged and set aside as {name}; a new one was begun."),
    N_("The journal is gone, but this kiosk had one; a new one was begun."),
    N_(
        "The journal ends before item {seq}, which it had; an older copy was restored or the card lost writes."
    ),
    N_("Nothing could be saved from it."),
    N_("Saved from it: rows for the hub {rows}, uses {uses}."),
)
CONFIGURATION = (
    N_("{path}: unknown setting {name} is ignored; did you mean {near}?"),
    N_("{path}: unknown setting {name} is ignored; known here: {known}."),
    N_("{path}: {name} is missing; add it."),
    N_("{path}: not valid TOML: {why} (at line {line}, column {column}); correct that line."),
    N_("{path}: {name} = {value} is not right: {why}; correct it."),
    N_("{path}: {name} is not right: {why}; correct it."),
    N_("Until then the last configuration that worked is used: {kept}."),
    N_("Until then the kiosk goes on with the settings that it had."),
    N_("screen.logo = {file} is not there; put the picture there, or leave the line out."),
    N_("screen.logo = {file} is no PNG, JPEG or WebP; save the logo as one of them."),
    N_("screen.logo = {file} has {size} MB; at most 2 MB are shown, make it smaller."),
    N_("screen.logo = {file} has {n} million dots; at most 4 million are shown, make it smaller."),
    N_("screen.pictures = {file} is no directory; make it, or leave the line out."),
    N_("{file} has {size} MB; at most 30 MB are shown."),
    N_("{file} has {n} million dots; at most 25 million are shown, make it smaller."),
)
DEVICES = (
    N_("the cover is open"),
    N_("no paper"),
    N_("no paper, or the cover is open"),
    N_("the paper is near its end"),
    N_("the printer reports an error"),
    N_("the knife is jammed"),
    N_("the printer is broken; switch it off and on"),
    N_("the head is too hot or the printer is jammed"),
    N_("the printer is offline; press its online button"),
    N_("what answers there is no printer; look at the address"),
    N_("this model cannot be asked"),
    N_("no answer within {seconds} s"),
    N_("no answer"),
    N_("Feie has not heard from the printer for 2 minutes"),
    N_("Yilianyun says that it is offline"),
    N_("{cloud} says {what}"),
    N_("{place} cannot be written"),
    N_("{place} does not answer; check its power and its address."),
    N_("{place} is not there; plug it in, or correct the address."),
    N_("{place} has gone; check the cable."),
    N_("{place} belongs to another user; add the kiosk's user to its group (ls -l shows it)."),
    N_("{place} is in use by another program; end it, or give each scanner its own device."),
    N_("{place} is no device of this kind; correct the address."),
    N_("there is no sound card; nothing is said."),
    N_("{program} is not installed (apt install alsa-utils); nothing is said."),
    N_("has been down for {seconds} s: it is stuck, or its wire touches ground."),
    N_("the mains are gone; the kiosk runs on its battery and stops."),
    N_("pin {pin} cannot be used ({why}); correct [gpio], or free the pin."),
    N_('gpio.factory = {name} does not work here ({why}); install python3-lgpio, or set "sim" or "none".'),
    N_("a fault of the program, see the log"),
    N_("unplugged"),
    N_("stopped"),
)
"""What printers and devices say of themselves."""
REASONS = (
    N_("it must be one of {options}"),
    N_("it is not one of the allowed values"),
    N_("it does not have the right form"),
    N_("expected {wanted}, got {given}"),
    N_("a text"),
    N_("a whole number"),
    N_("a number"),
    N_("true or false"),
    N_("a table"),
    N_("a list"),
    N_("Invalid statement"),
    N_("Invalid value"),
    N_("Unclosed array"),
    N_("Unclosed inline table"),
    N_("Unterminated string"),
    N_("Cannot overwrite a value"),
    N_("Cannot declare {name} twice"),
    N_("Expected '=' after a key in a key/value pair"),
    N_("Expected ']' at the end of a table declaration"),
    N_("Expected newline or end of document after a statement"),
)
"""What is wrong with a value, or with a line (Python's `tomllib`)."""


def heard(text: str, sentences: Sequence[str]) -> Told:
    """Return what was said, sentence by sentence; what is not known is passed on as it is."""
    found: list[Told] = []
    while text and (next_ := _first(text, sentences)) is not None:
        told, text = next_
        found.append(told)
    if text or not found:
        found.append(Told("{text}", {"text": text}))
    return Told(found[0].text, found[0].args, tuple(found[1:]))


def heard_all(texts: Sequence[str], sentences: Sequence[str]) -> Told:
    """Return what several have said: each is known by itself, since one form would take in what stands before it."""
    found = [part for text in texts for part in _parts(heard(text, sentences))]
    return Told(found[0].text, found[0].args, tuple(found[1:]))


def _parts(told: Told) -> list[Told]:
    return [Told(told.text, told.args), *told.more]


def _first(text: str, sentences: Sequence[str]) -> tuple[Told, str] | None:
    """Return the sentence that a text begins with, and what follows it."""
    for sentence in sentences:
        if match := re.match(rf"{_form(sentence)}(?: +|$)", text, re.DOTALL):
            return _told(sentence, match), text[match.end() :]
    return None


def _form(sentence: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(sentence))


def _told(sentence: str, match: re.Match[str]) -> Told:
    return Told(sentence, {name: _word(part) for name, part in match.groupdict().items()})


def _word(part: str) -> str | Told:
    """Return a part of a sentence: a reason that is known, in Chinese without the manual's English in brackets behind it."""
    reason = part.partition(" (")[0]
    for known in REASONS:
        if match := re.fullmatch(_form(known), reason):
            return Spoken("", by={"en": part, "zh_CN": _told(known, match).say("zh_CN")})
    return part
