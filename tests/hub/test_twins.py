"""An older image of a card, and a card in two places, are found by the journals; nothing is decided alone until an operator trusts it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.store import feed
from hub.store.envelope import read
from hub.store.twins import UNDER_WAY
from kiosk.sync import protocol as p

from .command import Run
from .lease_world import STORE, Till, filled, row
from .test_decide import ask
from .test_upload import noted
from .world import CAPPED, Journal, encoded, issue, on_both

NAME = "kA"


def let_in(parts: Parts) -> None:
    token = parts.database.call(parts.devices.token, STORE, 1, now())
    parts.database.call(parts.devices.enrol, NAME, b"k" * 32, "till", token, {}, now())


def send(
    parts: Parts, book: Journal, first: int = 1, after: timedelta = timedelta(0), address: str = ""
) -> Any:
    run = read(encoded(book.run(first)))
    return parts.database.call(parts.uploads.take, NAME, run, now() + after, address)


def assigned(parts: Parts) -> dict[str, Any]:
    _, _, items = parts.database.call(feed.since, "main", NAME, "")
    [body] = [i.body for i in items if i.type == "device"]
    assert body is not None
    return body


@pytest.fixture
def books(parts: Parts) -> tuple[Journal, Journal]:
    """The journals of a card and of its copy, which has begun an epoch of its own."""
    let_in(parts)
    old, copy = Journal(), Journal()
    old.record(issue(parts, CAPPED)[0].coupon)
    send(parts, old, address="10.0.0.1")
    send(parts, copy, address="10.0.0.2")
    assert len(noted(parts, "epoch_change")) == 1
    return old, copy


@on_both
def test_an_upload_that_was_under_way_accuses_nobody(parts: Parts, books: tuple[Journal, Journal]) -> None:
    old, copy = books
    old.record(issue(parts, CAPPED)[0].coupon)
    assert send(parts, old, 2, UNDER_WAY - timedelta(seconds=5)).items[0].status == "accepted"
    copy.record(issue(parts, CAPPED)[0].coupon)
    send(parts, copy, 1, UNDER_WAY * 3)
    assert noted(parts, "older_copy") == noted(parts, "twin") == []
    assert "suspended" not in assigned(parts)


@on_both
def test_two_cards_are_told_once_and_lose_the_right_to_decide_alone(
    parts: Parts, books: tuple[Journal, Journal]
) -> None:
    old, copy = books
    for n in (2, 3):
        old.record(issue(parts, CAPPED)[0].coupon)
        told = send(parts, old, n, UNDER_WAY * 2, "10.0.0.1")
        assert told.items[0].status == "accepted", "what was honoured comes up all the same"
    [note] = noted(parts, "older_copy")
    assert note == {"epochs": [old.epoch, copy.epoch], "addresses": ["10.0.0.1", "10.0.0.2"]}
    assert noted(parts, "twin") == [], "an image that was put back speaks like that too"
    copy.record(issue(parts, CAPPED)[0].coupon)
    assert (
        send(parts, copy, 1, UNDER_WAY * 3 - timedelta(seconds=5), "10.0.0.2").items[0].status == "accepted"
    )
    assert noted(parts, "twin") == [], "that was under way"
    for n in (2, 3):
        copy.record(issue(parts, CAPPED)[0].coupon)
        send(parts, copy, n, UNDER_WAY * 4, "10.0.0.2")
    assert noted(parts, "twin") == [note]
    assert assigned(parts)["suspended"] is True
    assert ask(parts, issue(parts, CAPPED)[0].code, device=NAME).status == "ok", "asking goes on"


@on_both
def test_one_card_with_an_older_image_is_no_twin_also_in_the_epoch_that_it_begins(
    parts: Parts, books: tuple[Journal, Journal]
) -> None:
    """The card that wrote the epoch between is another one: when it speaks, there are two."""
    old, between = books
    fresh = Journal()
    old.add("state_report")
    send(parts, old, 2, UNDER_WAY * 2)
    send(parts, fresh, 1, UNDER_WAY * 2)
    fresh.add("state_report")
    send(parts, fresh, 1, UNDER_WAY * 4)
    assert (len(noted(parts, "older_copy")), noted(parts, "twin")) == (1, [])
    between.add("state_report")
    send(parts, between, 1, UNDER_WAY * 5)
    assert len(noted(parts, "twin")) == 1


def test_leases_end_and_none_is_granted(parts: Parts) -> None:
    let_in(parts)
    filled(parts)
    till = Till(parts, NAME)
    till.lease("L1")
    assert row(parts, "L1").state == "held"
    copy = Journal()
    send(parts, copy)
    till.upload(now() + UNDER_WAY * 2)
    assert noted(parts, "older_copy")
    assert row(parts, "L1").state == "ending"
    ask_for = p.LeaseAsk("L2", "LEASED", copy.epoch)
    assert parts.database.call(parts.leases.grant, NAME, STORE, ask_for, now()).amount == 0
    parts.database.call(parts.devices.trust, NAME, "boss", now())
    assert parts.database.call(parts.leases.grant, NAME, STORE, ask_for, now()).amount > 0


@on_both
def test_trusted_again_the_older_epoch_is_closed(parts: Parts, books: tuple[Journal, Journal]) -> None:
    old, copy = books
    old.add("state_report")
    send(parts, old, 2, UNDER_WAY * 2)
    parts.database.call(parts.devices.trust, NAME, "boss", now())
    assert "suspended" not in assigned(parts)
    with pytest.raises(HubError, match="in doubt"):
        parts.database.call(parts.devices.trust, NAME, "boss", now())
    old.add("state_report")
    with pytest.raises(Refused) as caught:
        send(parts, old, 3, UNDER_WAY * 3)
    assert caught.value.error == "seq_regress", "whoever is left in it begins anew, and is noticed"
    for first in (1, 2):  # its last answer was lost: it sends again what the hub has, and more behind it
        with pytest.raises(Refused) as caught:
            send(parts, old, first, UNDER_WAY * 3)
        assert caught.value.error == "seq_regress"
    copy.add("state_report")
    assert send(parts, copy, 1, UNDER_WAY * 3).items[0].status == "accepted"
    assert (len(noted(parts, "older_copy")), noted(parts, "twin")) == (1, [])


def test_the_command_trusts_and_lists(loaded: Run, parts: Parts) -> None:
    let_in(parts)
    first, copy = Journal(), Journal()
    send(parts, first)
    send(parts, copy)
    assert "in doubt" in loaded.wrong(1, "enrol", "trust", NAME)
    send(parts, first, 1, UNDER_WAY * 2)
    assert "in doubt" in loaded("enrol", "list")[1]
    assert loaded("enrol", "trust", NAME)[0] == 0
    assert "in doubt" not in loaded("enrol", "list")[1]
