"""Codes made elsewhere (WeChat's 22 digits, the merchant's own): taken in, redeemed, told to kiosks by hash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.cli import coupon
from hub.errors import HubError
from hub.parts import Parts, now
from hub.schema import changes, coupons
from hub.store import feed
from hub.store.coupons import Coupons
from hub.store.database import Database
from kiosk.coupons.code import code_hash, new_short
from kiosk.coupons.record import CodeBody

from .command import Run
from .test_decide import ask, load, uses
from .world import CAPPED, CASH, NEVER, SLIP, batch, issue, on_both

WECHAT, OWN = "2612345678901234567890", "WANG-2026-000001"
STOCK = "THEIRS"


def take_in(parts: Parts, *codes: str, stock: str = STOCK) -> int:
    return parts.database.call(parts.coupons.take_in, stock, codes, now())


def told(parts: Parts, device: str = "kA") -> dict[str, Any]:
    _, _, items = parts.database.call(feed.since, "main", device, "")
    return {i.id: i.body for i in items if i.type == "code"}


@on_both
def test_codes_made_elsewhere_are_redeemed_once(parts: Parts) -> None:
    load(parts, batch(STOCK, threshold=0))
    short = new_short()
    assert take_in(parts, WECHAT, OWN, short) == 3
    for code, shown in ((WECHAT, WECHAT), (OWN, f" {OWN} "), (short, short.lower())):
        first, again = ask(parts, shown), ask(parts, code, device="kB")
        assert (first.status, first.stock_id, first.discount) == ("ok", STOCK, 100)
        assert first.coupon is not None
        assert uses(parts, first.coupon) == 1
        assert (again.reason, again.coupon) == ("used", first.coupon)
    assert ask(parts, WECHAT[:-1] + "1").reason == "unknown_code"
    found = parts.database.call(parts.catalog.batch, STOCK)
    assert found is not None
    assert (found.claimed, found.redeemed) == (3, 3)


@on_both
def test_codes_that_are_known_do_not_count_again(parts: Parts) -> None:
    load(parts, batch(STOCK, stock=3), batch("OTHER"))
    assert [take_in(parts, "code-1", "code-2") for _ in range(2)] == [2, 0]
    assert take_in(parts, "code-2", "code-3") == 1
    with pytest.raises(HubError, match="stock for 0 more coupons, not 1"):
        take_in(parts, "code-4")
    with pytest.raises(HubError, match="1 of the codes stand for coupons of other batches, code number 2"):
        take_in(parts, "code-9", "code-1", stock="OTHER")
    assert take_in(parts, "code-9", stock="OTHER") == 1


def test_more_codes_than_a_statement_holds(parts: Parts) -> None:
    load(parts, batch(STOCK, stock=None))
    codes = [f"code-{n}" for n in range(1201)]
    assert take_in(parts, *codes) == 1201
    assert take_in(parts, *codes, "code-x") == 1
    assert ask(parts, "code-1200", total=1000).status == "ok"


@pytest.mark.parametrize(
    ("stock", "told"), [(CASH, "cash voucher"), (SLIP, "slips"), ("NONE", "there is no batch")]
)
def test_other_products_take_no_codes(parts: Parts, stock: str, told: str) -> None:
    with pytest.raises(HubError, match=told):
        take_in(parts, "code-1", stock=stock)


@on_both
def test_kiosks_know_them_by_hash_where_the_batch_allows_it(parts: Parts) -> None:
    load(parts, batch(STOCK, offline={"policy": "capped"}), batch("HARD"))
    take_in(parts, WECHAT)
    take_in(parts, OWN, stock="HARD")
    key = parts.database.call(parts.catalog.code_key)
    here = told(parts)
    assert code_hash(key, OWN) not in here
    body = here[code_hash(key, WECHAT)]
    assert (body["stock_id"], body["hash"], body["home"]) == (STOCK, code_hash(key, WECHAT), "")
    assert body["coupon"] == ask(parts, WECHAT, total=1000).coupon
    assert set(body) == set(CodeBody.__struct_fields__)
    plain = parts.database.call(lambda c: [str(r) for r in c.execute(sa.select(changes.c.body)).scalars()])
    assert not [text for text in plain if WECHAT in text or OWN in text]


@on_both
def test_a_batch_that_is_opened_for_offline_use_tells_the_codes_that_are_out(parts: Parts) -> None:
    load(parts, batch(STOCK))
    take_in(parts, WECHAT, OWN)
    [own] = issue(parts, STOCK)
    before = told(parts)
    for _ in range(2):
        load(parts, batch(STOCK, offline={"policy": "capped"}))
        fresh = {name: body for name, body in told(parts).items() if name not in before}
        assert [body["coupon"] for body in fresh.values()].count(own.coupon) == 1
        assert len(fresh) == 3
        load(parts, batch(STOCK))


def test_the_database_holds_no_code_in_the_clear(parts: Parts, tmp_path: Path) -> None:
    load(parts, batch(STOCK))
    take_in(parts, WECHAT, OWN)
    row = parts.database.call(
        lambda c: c.execute(sa.select(coupons).order_by(coupons.c.serial.desc())).first()
    )
    assert row is not None
    assert (row.slot, row.mark) == (0, None)
    files = b"".join(p.read_bytes() for p in tmp_path.glob("hub.db*"))
    assert WECHAT.encode() not in files
    assert OWN.encode() not in files


# -- the command --


def upload(run: Run, text: str | bytes) -> tuple[str, ...]:
    raw = text if isinstance(text, bytes) else text.encode()
    return "coupon", "upload", CAPPED, run.file(raw, "codes.txt")


def test_a_file_is_taken_in(loaded: Run) -> None:
    text = f"\ufeff{WECHAT}\r\n\r\n{OWN}\n"
    assert loaded(*upload(loaded, text))[:2] == (0, "taken in: 2; known already: 0.\n")
    assert loaded(*upload(loaded, text + "code-3\n"))[:2] == (
        0,
        "taken in: 1; known already: 2.\n",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code-1\n134567890123456789\n", "line 2: could be a customer's payment code"),
        ("2812345678901234\ncode-1\n1500 0000 0000 0000 00\n", "lines 1, 3, each: could be"),
        (
            "code-1\ncode 2\n\x07\nC1:ABC\nhttps://x.example\n" + "好\n" * 5,
            "lines 2, 3, 4, 5, 6 and 4 more, each: is no code",
        ),
        ("code-1\x0ccode-2\n", "line 1: is no code"),
        ("code-1\ncode-2\ncode-1\n", "line 3: stands in the file before"),
        ("\n \n", "there are no codes in it"),
        (b"code-1\n\xff\n", "not UTF-8 at byte 7"),
        ("x" * 10_000, "line 1: is no code"),
    ],
)
def test_a_file_with_faults_is_refused_whole(loaded: Run, text: str | bytes, said: str) -> None:
    code = 2 if isinstance(text, bytes) else 1
    err = loaded.wrong(code, *upload(loaded, text))
    assert said in err
    assert not any(word in err for word in ("134567890123456789", "2812345678901234", "1500 0000"))
    assert loaded(*upload(loaded, "code-1\n"))[1] == "taken in: 1; known already: 0.\n"


def test_a_file_for_a_batch_that_is_not_there(loaded: Run) -> None:
    path = loaded.file(b"code-1\n", "codes.txt")
    assert "there is no batch NONE" in loaded.wrong(1, "coupon", "upload", "NONE", path)
    assert "cannot be read" in loaded.wrong(2, "coupon", "upload", NEVER, path + ".gone")


def test_leases_are_listed_and_freed_by_command(loaded: Run) -> None:
    assert loaded("lease", "list") == (0, "", "")
    assert "no lease L1" in loaded.wrong(1, "lease", "release", "L1")


class Beside:
    """Another program on the hub's database, which looks in whenever a transaction has ended."""

    def __init__(self, loaded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[int] = []
        path, each = loaded.home / "hub.db", Database.each

        def looked(database: Database, work: Any, lots: Any) -> Iterator[Any]:
            for told in each(database, work, lots):
                with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    self.seen.append(other.execute("SELECT count(*) FROM coupons").fetchone()[0])
                    other.execute("ROLLBACK")
                yield told

        monkeypatch.setattr(Database, "each", looked)


def test_many_codes_let_a_hub_that_serves_write_meanwhile(
    loaded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Beside(loaded, monkeypatch)
    monkeypatch.setattr(coupon, "ISSUE_LOT", 2)
    monkeypatch.setattr(coupon, "UPLOAD_LOT", 3)
    code, out, _ = loaded("coupon", "issue", CAPPED, "-n", "5")
    assert (code, len(set(out.split()))) == (0, 5)
    assert beside.seen == [2, 4, 5]
    text = "".join(f"code-{n}\n" for n in range(7))
    assert loaded(*upload(loaded, text))[:2] == (0, "taken in: 7; known already: 0.\n")
    assert beside.seen[3:] == [8, 11, 12]


def test_where_there_is_no_room_for_all_not_even_the_first_lot_is_taken_in(
    loaded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Beside(loaded, monkeypatch)
    text = "".join(f"code-{n}\n" for n in range(3001))
    assert "stock for 3000 more coupons, not 3001" in loaded.wrong(4, *upload(loaded, text))
    assert "stock for 3000 more coupons, not 3001" in loaded.wrong(4, "coupon", "issue", CAPPED, "-n", "3001")
    assert beside.seen == []


def test_what_was_issued_before_a_disk_was_full_is_said(loaded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupon, "ISSUE_LOT", 2)
    monkeypatch.setattr(coupon, "UPLOAD_LOT", 2)
    list_out, take_in, left = Coupons.list_out, Coupons.take_in, [1]

    def full(work: Any) -> Any:
        def wrapped(*args: Any) -> Any:
            if not left:
                raise HubError("the disk is full.", 4)
            left.pop()
            return work(*args)

        return wrapped

    monkeypatch.setattr(Coupons, "list_out", full(list_out))
    monkeypatch.setattr(Coupons, "take_in", full(take_in))
    code, out, err = loaded("coupon", "issue", CAPPED, "-n", "5")
    assert (code, len(out.split())) == (4, 2)
    assert "2 codes were issued and stand above. the disk is full." in err
    left.append(1)
    code, _, err = loaded(*upload(loaded, "code-1\ncode-2\ncode-3\n"))
    assert code == 4
    assert "2 codes were taken in; run it again for the others. the disk is full." in err
    monkeypatch.setattr(Coupons, "take_in", take_in)
    assert loaded(*upload(loaded, "code-1\ncode-2\ncode-3\n"))[1] == "taken in: 1; known already: 2.\n"
