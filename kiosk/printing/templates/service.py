"""What helps those who set a kiosk up: self-test, status, the code to let it in."""

from __future__ import annotations

from datetime import datetime

from kiosk.printing.layout import readable
from kiosk.printing.profiles import Profile
from kiosk.printing.slip import Code128, Cut, Element, Feed, Qr, Rule, Slip, Text
from kiosk.printing.templates.parts import centre, cuts, moment, pair, short, title, under, words


def self_test_slip(printer: str, at: datetime, locale: str, profile: Profile | None = None) -> Slip:
    """Everything a printer must be able to do; a photo of it answers support questions."""
    t = words(locale)
    elements: list[Element] = [
        title(t("Self-test")),
        Rule(char="="),
        *under(t("Printer"), printer),
        *([pair(t("Profile"), profile.name)] if profile else []),
        pair(t("Time"), moment(at, locale)),
        Rule(),
        Text(text=t("This line of digits fills the paper and is not broken:")),
        Text(text=("1234567890" * 8)[: profile.columns if profile else 32]),
        Text(text="中文：￥—①“引号”，。国龘"),
        Text(text="ABCDEFGHIJKLM abcdefghijklm"),
        Text(text="粗体 Bold", bold=True),
        Text(text="下划线 Underline", underline=True),
        Text(text="倍宽 Wide", width=2),
        Text(text="倍高 Tall", height=2),
        Text(text="大 Large", width=2, height=2),
        Text(text="左 left"),
        centre("中 centre"),
        Text(text="右 right", align="right"),
        Qr(data="https://example.com/self-test", level="M", module=6),
        Code128(data="12345678901234567890"),
        Rule(),
        Text(text=t("Both codes must be readable. Chinese that is rubbish: use the profile graphic-safe.")),
        Cut(),
    ]
    return Slip(kind="self-test", elements=tuple(elements))


def status_slip(name: str, lines: list[tuple[str, str]], locale: str) -> Slip:
    """Addresses, network, versions: the printer as a diagnostic tool."""
    t = words(locale)
    elements: list[Element] = [title(t("Kiosk status")), *([centre(name)] if name else []), Rule(char="=")]
    for label, value in lines:
        elements += under(label, value)
    return Slip(kind="status", elements=(*elements, Cut()))


def enrolment_slip(code: str, hub: str, locale: str) -> Slip:
    """The code that an operator types to let this kiosk in."""
    t = words(locale)
    address = f"{hub.rstrip('/')}/admin"
    return Slip(
        kind="enrolment",
        elements=(
            title(t("New kiosk")),
            Rule(char="="),
            centre(t("Enter this code in the fleet console within 15 minutes.")),
            Feed(),
            Text(text=readable(code), align="center", width=2, height=2, bold=True),
            Qr(data=address, level="M", module=6),
            centre(address),
            Cut(),
        ),
    )


def pairing_slip(address: str, person: str, locale: str) -> Slip:
    """The address that signs one phone in for one person, once."""
    t = words(locale)
    return Slip(
        kind="pairing",
        notes=cuts(person),
        elements=(
            title(t("Pair a phone")),
            Rule(char="="),
            *under(t("Person"), short(person)),
            Feed(),
            Qr(data=address, level="M", module=6),
            centre(t("Scan this with the phone's camera within ten minutes. It works once.")),
            centre(t("Tear this slip up afterwards.")),
            Cut(),
        ),
    )
