"""PINs: found by the verifier alone, one derivation for a salt, nothing that a hub sends can cost more than it may."""

from __future__ import annotations

import pytest

from kiosk.counter import people
from kiosk.journal.people import Person

SALT = bytes(range(16))
ANNA = Person("a", "Anna", "clerk", people.verifier("4711", SALT))
BO = Person("b", "Bo", "manager", people.verifier("4712", SALT))


def test_a_pin_names_its_person_and_is_not_kept() -> None:
    assert people.who_has("4711", [ANNA, BO]) == ANNA
    assert people.who_has("4712", [ANNA, BO]) == BO
    assert people.who_has("4713", [ANNA, BO]) is None
    assert "4711" not in ANNA.verifier


def test_people_of_one_salt_cost_one_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = people.derive
    monkeypatch.setattr(people, "derive", lambda pin, *cost: made.append(pin) or real(pin, *cost))  # type: ignore[func-returns-value]
    assert people.who_has("4712", [ANNA, BO]) == BO
    assert made == ["4712"]


@pytest.mark.parametrize("pin", ["", "1", "12345678901234", "47 11", "４７１１", "4711\n", "abcd"])
def test_what_is_no_pin_is_nobody(pin: str) -> None:
    assert people.who_has(pin, [ANNA]) is None


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "plain$4711",
        "scrypt$30$8$1$" + "00" * 16 + "$" + "00" * 32,
        "scrypt$0$8$1$" + "00" * 16 + "$" + "00" * 32,
    ],
)
def test_a_verifier_that_is_none_or_costs_too_much_fits_no_pin(bad: str) -> None:
    assert people.who_has("4711", [Person("x", "X", "manager", bad), ANNA]) == ANNA
    assert people.who_has("0000", [Person("x", "X", "manager", bad)]) is None
