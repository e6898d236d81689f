"""`kiosk-hub coupon`, `enrol`, `user`, `till`, `export`: exit codes and one sentence for whatever is wrong."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from hub.config import Settings
from hub.errors import HubError, Refused
from hub.parts import Parts, now
from kiosk.coupons.code import Signed, read
from kiosk.coupons.rules import SHANGHAI

from .command import Run
from .lease_world import STOCK, Till, filled
from .test_decide import ask, load
from .test_upload import take
from .world import CAPPED, CASH, SAMPLE, SLIP, Journal, batch, issue


@pytest.mark.parametrize("stock_id", [CAPPED, SLIP])
def test_codes_come_one_a_line_and_signed(loaded: Run, stock_id: str) -> None:
    code, out, _ = loaded("coupon", "issue", stock_id, "-n", "5")
    lines = out.splitlines()
    assert (code, len(set(lines))) == (0, 5)
    assert all(isinstance(read(line), Signed) for line in lines)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 1, "there is no batch nothing"),
        ((CASH,), 1, "cash voucher"),
        ((CAPPED, "-n", "0"), 2, "-n 0 is not 1 to"),
        ((CAPPED, "-n", "1000000"), 2, "is not 1 to"),
        ((CAPPED, "-n", "3001"), 4, "none was issued"),
        ((CAPPED, "--openid", "a b"), 2, "--openid is"),
    ],
)
def test_codes_that_cannot_be_issued(loaded: Run, words: tuple[str, ...], code: int, told: str) -> None:
    assert told in loaded.wrong(code, "coupon", "issue", *words)
    assert " 0 claimed" in next(line for line in loaded("batch", "list")[1].splitlines() if CAPPED in line)


def test_a_customer_gets_no_more_than_the_batch_allows(loaded: Run, parts: Parts) -> None:
    """Whoever gives it out: a list for a customer counts what he claimed, and the other way round; all of it or none."""
    load(parts, batch("TWO", per_user=2), batch("MANY"))
    told = loaded.wrong(4, "coupon", "issue", "TWO", "-n", "6", "--openid", "O")
    assert "O has 0 coupons of TWO, and 2 are the most for a customer" in told
    assert loaded("coupon", "issue", "TWO", "-n", "1", "--openid", "O")[0] == 0
    assert parts.database.call(parts.coupons.claim, "O", "TWO", "renmin", None, now())
    assert "O has 2 coupons" in loaded.wrong(4, "coupon", "issue", "TWO", "--openid", "O")
    assert loaded("coupon", "issue", "TWO", "-n", "2", "--openid", "P")[0] == 0
    with pytest.raises(Refused, match="limit"):
        parts.database.call(parts.coupons.claim, "P", "TWO", "renmin", None, now())
    assert loaded("coupon", "issue", "TWO", "-n", "6")[0] == 0, "a list of nobody's has no such bound"
    assert loaded("coupon", "issue", "MANY", "-n", "6", "--openid", "O")[0] == 0
    found = parts.database.call(parts.catalog.batch, "TWO")
    assert (found and found.claimed) == 10


def test_a_customer_who_claims_meanwhile_is_counted(parts: Parts) -> None:
    """What `room` allowed is judged again with the batch in hand: somebody may have claimed between."""
    load(parts, batch("TWO", per_user=2))
    call = parts.database.call
    call(parts.coupons.room, "TWO", 2, "O", now())
    call(parts.coupons.claim, "O", "TWO", "renmin", None, now())
    with pytest.raises(HubError, match="none was issued"):
        call(parts.coupons.list_out, "TWO", 2, "O", now())


def test_codes_for_a_store_are_reserved_there_first(loaded: Run, parts: Parts) -> None:
    filled(parts, 0)
    assert loaded("coupon", "issue", STOCK, "-n", "3")[0] == 0
    assert loaded("coupon", "issue", STOCK, "-n", "2", "--store", "renmin")[0] == 0
    codes = loaded.file(b"999000000000000000001\n999000000000000000002\n", "codes.txt")
    assert (
        loaded("coupon", "upload", STOCK, codes, "--store", "renmin")[1] == "taken in: 2; known already: 0.\n"
    )
    assert Till(parts, "kA", "renmin").lease().amount == 4
    query = "SELECT DISTINCT store FROM coupons WHERE lease IS NOT NULL"
    assert parts.database.call(lambda c: list(c.exec_driver_sql(query).scalars())) == ["renmin"]
    for words in (("issue", STOCK), ("upload", STOCK, codes)):
        assert "there is no store X" in loaded.wrong(1, "coupon", *words, "--store", "X")


def test_kiosks_are_let_in_by_token_and_code(loaded: Run) -> None:
    code, out, _ = loaded("enrol", "token", "--store", "renmin", "--uses", "3")
    assert (code, len(out.strip())) == (0, 32)
    assert "there is no store Y" in loaded.wrong(1, "enrol", "token", "--store", "Y")
    assert "--uses" in loaded.wrong(2, "enrol", "token", "--uses", "0")
    assert "no kiosk waits" in loaded.wrong(1, "enrol", "approve", "AAAAAAAA", "--store", "renmin")
    assert "there is no device k1" in loaded.wrong(1, "enrol", "revoke", "k1")
    assert loaded("enrol", "list")[:2] == (0, "")


def test_people_are_added_with_a_password_from_a_file(loaded: Run) -> None:
    secret = loaded.home / "password"
    secret.write_text("long enough\n", "utf-8")
    add = ("user", "add", "王店长", "--role")
    assert loaded(*add, "manager", "--password-file", str(secret))[:2] == (
        0,
        "王店长 may sign in as manager.\n",
    )
    assert "argument --role" in loaded.wrong(2, *add, "king", "--password-file", str(secret))
    secret.write_text("short", "utf-8")
    assert "8 to 200 characters" in loaded.wrong(2, *add, "owner", "--password-file", str(secret))
    secret.write_bytes(b"\xff" * 9)
    assert "not UTF-8" in loaded.wrong(2, *add, "owner", "--password-file", str(secret))
    assert "cannot be read" in loaded.wrong(2, *add, "owner", "--password-file", str(loaded.home / "x"))
    assert "control character" in loaded.wrong(
        2, "user", "add", "a\nb", "--role", "owner", "--password-file", str(SAMPLE)
    )


def test_a_till_has_a_key(loaded: Run) -> None:
    assert loaded("till", "key", "renmin")[1].startswith("renmin:")
    assert "there is no store x" in loaded.wrong(1, "till", "key", "x")


@pytest.mark.parametrize(
    "words", [("batch", "import", "1", "--merchant", "M"), ("wechatpay", "check", "--merchant", "M")]
)
def test_what_comes_later_says_so(run: Run, words: tuple[str, ...]) -> None:
    assert "is not part of this version" in run.wrong(2, *words, config=False)


@pytest.mark.parametrize(
    "words", [(), ("nothing",), ("batch",), ("batch", "load"), ("export", "redemptions", "--from", "soon")]
)
def test_words_that_make_no_command(run: Run, words: tuple[str, ...]) -> None:
    assert "--help" in run.wrong(2, *words, config=False)


# -- export --


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def redeemed(loaded: Run) -> tuple[Run, list[str]]:
    parts = Parts(Settings(database=f"sqlite:///{loaded.home}/hub.db"))
    parts.open()
    first, second, third = issue(parts, CAPPED, 3)
    a, b = Journal(), Journal()
    ask(parts, first.code, "r1", total=2000)
    a.record(first.coupon, "r1")
    a.record(second.coupon, "r2")
    b.record(second.coupon, "r3", store="renmin")
    b.record(third.coupon, "r4", store="renmin")
    b.add("rollback", "", {"of": "r4"})
    for _ in range(2):
        take(parts, "kA", a.run())
        take(parts, "kB", b.run())
    ask(parts, first.code, "r5")
    parts.close()
    return loaded, ["r1", "r2", "r3", "r4"]


def test_each_redemption_is_exported_once(redeemed: tuple[Run, list[str]]) -> None:
    run, rids = redeemed
    found = rows(run("export", "redemptions")[1])
    assert sorted(r["rid"] for r in found) == rids
    state = {r["rid"]: (r["state"], r["verdict"]) for r in found}
    assert state == {
        "r1": ("recorded", "confirmed"),
        "r2": ("recorded", "offline"),
        "r3": ("conflict", "offline"),
        "r4": ("rolled_back", "offline"),
    }
    assert {r["batch_name"] for r in found} == {"满10减1商家券"}
    assert {r["redeemed_at"][-6:] for r in found} == {"+08:00"}
    assert next(r for r in found if r["rid"] == "r1")["total_fen"] == "2000"


def test_an_export_is_of_days_and_whole(redeemed: tuple[Run, list[str]]) -> None:
    run, rids = redeemed
    today = now().astimezone(SHANGHAI).date()
    assert len(rows(run("export", "redemptions", "--from", str(today - timedelta(days=1)))[1])) == len(rids)
    assert rows(run("export", "redemptions", "--from", str(today + timedelta(days=1)))[1]) == []
    assert rows(run("export", "redemptions", "--to", str(today - timedelta(days=1)))[1]) == []
    out = run.home / "r.csv"
    assert run("export", "redemptions", "-o", str(out))[0] == 0
    assert out.read_bytes().startswith("\ufeffrid,".encode())
    assert len(rows(out.read_text("utf-8-sig"))) == len(rids)
    assert "cannot be written" in run.wrong(4, "export", "redemptions", "-o", str(run.home / "no" / "r.csv"))
    assert [p.name for p in run.home.iterdir() if p.name.endswith(".new")] == []
