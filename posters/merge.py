"""Store data -> merged values: fields, lengths, normal form. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

from posters.errors import RefusedError, UsageError
from posters.schema import FieldRule, Names
from posters.symbol import checked_url

FIELDS: dict[str, FieldRule] = {
    "store_id": FieldRule(Names("门店编号", "Store number"), 40, True, "S0001"),
    "merchant": FieldRule(Names("商户", "Merchant"), 40, True, "老王便利店"),
    "url": FieldRule(Names("链接", "Link in the code"), 480, True, "https://q.example.cn/c/S0001", "url"),
    "store": FieldRule(Names("门店", "Store"), 30, False, "科技园南区店"),
    "address": FieldRule(Names("地址", "Address"), 60, False, "深圳市南山区科技园南区8栋101"),
    "category": FieldRule(Names("行业", "Trade"), 20, False, "便利店"),
    "headline": FieldRule(Names("标题", "Headline"), 24, False, "满10减1元"),
    "subline": FieldRule(Names("副标题", "Second line"), 30, False, "先领券，再付款"),
    "phone": FieldRule(Names("电话", "Phone"), 24, False, "0755-8888 6666"),
    "logo": FieldRule(Names("商户标志", "Logo"), 400, False, "logo.png", "file"),
    "image": FieldRule(Names("门店图片", "Picture"), 400, False, "shop.jpg", "file"),
    "merchant_image": FieldRule(Names("商户图片", "Merchant's picture"), 400, False, "brand.jpg", "file"),
    "partner_mark": FieldRule(Names("合作方标志", "Partner's mark"), 400, False, "partner.png", "file"),
    "code_logo": FieldRule(Names("码中标志", "Logo in the code"), 400, False, "logo.png", "file"),
    "brand": FieldRule(Names("品牌色", "Brand colour"), 24, False, "#C8102E", "colour"),
    "amount": FieldRule(Names("优惠", "Offer"), 16, False, "满30减5元"),
    "until": FieldRule(Names("有效期至", "Last day"), 10, False, "2026-12-31", "date"),
    "revision": FieldRule(Names("版本", "Revision"), 4, False, "2", "number"),
}
REQUIRED = tuple(name for name, rule in FIELDS.items() if rule.required)

# Variation selectors, zero-width marks and the byte order mark print nothing and only confuse fonts.
_INVISIBLE = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x00AD])
_PLACE = re.compile(r"\{([a-z_]+)\}")
_ID = re.compile(r"[\w][\w.\-]{0,39}\Z")


def clean(value: str) -> str:
    """Return the value in NFC, one line, without characters that print nothing."""
    text = unicodedata.normalize("NFC", value).translate(_INVISIBLE)
    return re.sub(r"\s+", " ", text).strip()


def reject_unknown(names: list[str], source: str) -> None:
    """Raise for the first name that is no merge field, with the nearest that is."""
    for name in names:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1, 0.5)
            raise UsageError(
                "{source}: there is no field {name}; did you mean {near}?",
                source=source,
                name=name,
                near=near[0] if near else "/".join(FIELDS),
            )


def merged(data: Mapping[str, str]) -> dict[str, str]:
    """Return every field with its cleaned value, empty when not given; refuse what cannot be printed."""
    values = {name: clean(data.get(name) or "") for name in FIELDS}
    for name, rule in FIELDS.items():
        if rule.required and not values[name]:
            raise RefusedError(
                "missing", name, "the field {field} is empty; every store needs one", field=name
            )
        if len(values[name]) > rule.max:
            raise RefusedError(
                "too-long",
                name,
                "{field} has {length} characters; at most {limit} can be printed: shorten it",
                field=name,
                length=len(values[name]),
                limit=rule.max,
            )
    if not _ID.match(values["store_id"]):
        raise RefusedError(
            "store-id",
            "store_id",
            "store_id {value} cannot name a file: use letters, figures, . _ and -",
            value=values["store_id"],
        )
    checked_url(values["url"])
    if values["revision"] and not re.fullmatch("[1-9][0-9]*", values["revision"]):
        raise RefusedError(
            "revision", "revision", "revision is a number from 1 up, not {value}", value=values["revision"]
        )
    # The store's own picture first; the merchant's when the store has none.
    return {**values, "image": values["image"] or values["merchant_image"]}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into {places}; an empty value takes the separator beside it along."""
    filled = _PLACE.sub(lambda m: values[m.group(1)] or "\0", text)
    filled = re.sub(r" · \0|\0 · |\0", "", filled)
    return filled.strip(" ")


def places(text: str) -> set[str]:
    """Return the names of the places in a text."""
    return set(_PLACE.findall(text))
