"""What staff do at the console, done by a program at the local API: against a whole kiosk, in the API's own words."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from kiosk.config import load
from kiosk.counter import backup
from kiosk.daemon import Daemon
from kiosk.health.remedies import remedy
from kiosk.toml import Loaded
from tests.web.rig import CAPPED, PIN, SLIP, Rig, rig
from tests.web.test_api_callers import made, owner


async def sent(kiosk: Rig, method: str, path: str, **more: Any) -> tuple[int, bytes, str]:
    """Send a request of the owner; return status, body and content type."""
    headers = {**owner(kiosk), **more.pop("headers", {})}
    async with kiosk.http.request(method, f"{kiosk.url}/api/v1/{path}", headers=headers, **more) as answer:
        return answer.status, await answer.read(), answer.content_type


async def test_a_code_is_looked_at_before_it_is_redeemed(kiosk: Rig) -> None:
    code = await kiosk.issue(CAPPED)
    _, told = await kiosk.post("/api/v1/look", {"code": code})
    assert told["total"] == "asked"
    assert told["batch"]
    _, told = await kiosk.post("/api/v1/look", {"code": "nothing of ours"})
    assert told == {"batch": "", "offer": "", "total": "no"}
    assert (await kiosk.post("/api/v1/redeem", {"code": code, "total": 1000}))[1]["verdict"] == "confirmed"


async def test_batches_are_listed_handed_out_and_hidden(kiosk: Rig) -> None:
    _, told = await kiosk.post(f"/api/v1/batches/{SLIP}/hand-out", {"n": 3})
    assert (told["outcome"], told["printed"], len(told["rids"])) == ("printed", 3, 3)
    rows = {b["stock_id"]: b for b in (await kiosk.get("/api/v1/batches"))[1]["batches"]}
    assert (rows[SLIP]["claimed_today"], rows[SLIP]["hidden"]) == (3, False)
    assert rows[CAPPED]["offline"] == "capped"
    status, _ = await kiosk.post(f"/api/v1/batches/{CAPPED}/hide", {"away": True}, headers=owner(kiosk))
    assert status == 200
    await kiosk.view(lambda v: CAPPED not in str(v["batches"]))
    rows = {b["stock_id"]: b for b in (await kiosk.get("/api/v1/batches"))[1]["batches"]}
    assert rows[CAPPED]["hidden"] is True
    status, told = await kiosk.post(f"/api/v1/batches/{CAPPED}/hand-out")
    assert (status, told["outcome"], told["printed"]) == (200, "closed", 0)


async def test_slips_are_reprinted_held_and_looked_at(kiosk: Rig) -> None:
    await kiosk.post(f"/api/v1/batches/{SLIP}/hand-out")
    _, listed = await kiosk.get("/api/v1/jobs")
    first = next(j for j in listed["jobs"] if j["kind"] == "coupon")
    assert (first["state"], listed["held"]) == ("printed", False)
    _, told = await kiosk.post(f"/api/v1/jobs/{first['job']}/reprint")
    assert (told["outcome"], told["job"] != first["job"]) == ("printed", True)
    assert (await kiosk.post("/api/v1/printing/hold"))[1] == {"held": True}
    assert (await kiosk.get("/api/v1/jobs"))[1]["held"] is True
    assert (await kiosk.post("/api/v1/printing/release"))[1] == {"held": False}
    for kind in ("claim", "day", "status"):
        assert (await kiosk.post(f"/api/v1/slips/{kind}"))[1]["outcome"] == "printed", kind
    assert (await kiosk.post("/api/v1/slips/day", {"day": "2026-11-01"}))[1]["outcome"] == "printed"
    _, raw, media = await sent(kiosk, "GET", "slips/coupon/picture")
    assert (media, raw[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")


async def test_a_slip_in_doubt_is_decided(kiosk: Rig) -> None:
    await kiosk.post(f"/api/v1/batches/{SLIP}/hand-out", {"n": 2})
    journal = kiosk.daemon.journal
    jobs = [j for j in await journal.jobs() if j.kind == "coupon"]
    for job in jobs:
        await journal.job_mark(job.id, "unknown", {}, item=False)
    _, told = await kiosk.get("/api/v1/decisions")
    assert {d["job"] for d in told["doubts"]} == {j.id for j in jobs}
    assert (await kiosk.get("/api/v1/doctor"))[1]["findings"][0]["remedy"] == {
        "method": "GET",
        "path": "/api/v1/decisions",
    }
    _, told = await kiosk.post(f"/api/v1/jobs/{jobs[0].id}/settle")
    assert told["outcome"] == "printed"
    _, told = await kiosk.post(f"/api/v1/jobs/{jobs[1].id}/new-code")
    assert (told["outcome"], len(told["rids"])) == ("printed", 1)
    assert (await kiosk.get("/api/v1/decisions"))[1]["doubts"] == []
    assert (await kiosk.post(f"/api/v1/jobs/{jobs[0].id}/new-code"))[1]["outcome"] == "settled"


async def test_records_are_found_and_summed_up(kiosk: Rig) -> None:
    till = await made(kiosk, "redeem", name="till 1")
    code = await kiosk.issue(CAPPED)
    _, told = await kiosk.post("/api/v1/redeem", {"code": code, "total": 1000}, headers=till)
    rid = told["rid"]
    for query in ({"code": code}, {"code": rid}, {"person": "till 1"}, {"batch": CAPPED}):
        _, found = await kiosk.get("/api/v1/records", params=query)
        assert [r["rid"] for r in found["rows"]] == [rid], query
    assert (await kiosk.get("/api/v1/records", params={"to": "2020-01-01"}))[1]["rows"] == []
    at = found["rows"][0]["at"][:16]
    near = {"from": f"{at}:00Z", "batch": CAPPED}
    assert len((await kiosk.get("/api/v1/records", params=near))[1]["rows"]) == 1
    assert (await kiosk.get("/api/v1/records", params={**near, "from": "2999-01-01T00:00"}))[1]["rows"] == []
    _, day = await kiosk.get("/api/v1/day")
    assert [(b["stock_id"], b["redeemed"]) for b in day["batches"]] == [(CAPPED, 1)]
    _, month = await kiosk.get("/api/v1/month")
    assert (month["batches"][0]["redeemed"], month["days"][0]["day"]) == (1, day["day"])
    for path in ("day.csv", "month.csv"):
        _, raw, media = await sent(kiosk, "GET", path)
        assert media == "text/csv"
        assert raw.startswith(b"\xef\xbb\xbfDay,")
        assert CAPPED.encode() in raw


async def test_stands_are_made_of_the_stores_own_data(kiosk: Rig) -> None:
    _, told = await kiosk.get("/api/v1/stands")
    assert {t["id"]: t["fits"] for t in told["templates"]}["stand-a6"] is True
    _, stand = await kiosk.post("/api/v1/stands", {"template": "stand-a6", "look": "plain"})
    assert stand["verdict"] in ("printable", "confirm")
    _, raw, media = await sent(kiosk, "GET", stand["pdf"])
    assert (media, raw[:5]) == ("application/pdf", b"%PDF-")
    _, raw, media = await sent(kiosk, "GET", "stands/stand-a6/warm/preview")
    assert (media, raw[1:4]) == ("image/png", b"PNG")
    status, told = await kiosk.post(f"/api/v1/{stand['pdf']}/print", {"queue": "nowhere"})
    assert (status, told["error"]) == (404, "unknown_printer")


async def test_people_are_added_and_sign_in(alone: Rig) -> None:
    ask = {"name": "小李", "role": "clerk", "pin": "2468"}
    status, told = await alone.post("/api/v1/people", ask, headers=owner(alone))
    assert (status, told["owner"]) == (200, "kiosk")
    async with alone.http.post(f"{alone.url}/staff/sign-in", data={"pin": "2468"}) as answer:
        assert answer.status == 200
    status, again = await alone.post("/api/v1/people", {**ask, "pin": "1357"}, headers=owner(alone))
    assert (status, again["error"]) == (409, "name_taken")
    assert (await sent(alone, "DELETE", f"people/{told['id']}"))[0] == 200
    async with alone.http.post(f"{alone.url}/staff/sign-in", data={"pin": "2468"}) as answer:
        assert answer.status == 403


async def test_a_backup_is_checked_and_laid_ready(alone: Rig) -> None:
    status, raw, _ = await sent(alone, "POST", "backup", json={"passphrase": "open sesame"})
    assert (status, raw[:8]) == (200, backup.MAGIC)
    phrase = base64.urlsafe_b64encode(b"open sesame").decode()
    put = {"X-Passphrase": phrase, "Content-Type": "application/octet-stream"}
    status, _, _ = await sent(alone, "PUT", "restore", data=io.BytesIO(raw), headers=put)
    assert status == 200
    assert (alone.daemon.data_dir / backup.STAGED / "journal.db").is_file()
    wrong = {**put, "X-Passphrase": base64.urlsafe_b64encode(b"another").decode()}
    status, raw, media = await sent(alone, "PUT", "restore", data=io.BytesIO(raw), headers=wrong)
    assert (status, media) == (422, "application/problem+json")


async def test_the_bundle_for_support_holds_no_secret(alone: Rig) -> None:
    await made(alone, "read")
    status, raw, _ = await sent(alone, "GET", "diagnostics")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
        said = "".join(bundle.read(n).decode() for n in bundle.namelist())
    kept = [(alone.daemon.data_dir / n).read_text().strip() for n in ("local.token", "session.key")]
    assert not [s for s in (*kept, f'"{PIN}"') if s in said]


@asynccontextmanager
async def from_file(alone: Rig, tmp_path: Path) -> AsyncIterator[tuple[Rig, Path]]:
    """Run a kiosk whose configuration is a file; yield it and the file."""
    path = tmp_path / "kiosk.toml"
    path.write_text(f'data_dir = "{tmp_path / "own"}"\n[web]\nlisten = "127.0.0.1:0"\n', "utf-8")
    daemon = Daemon(Loaded(load(path).value, ()), path)
    await daemon.start()
    try:
        yield Rig(None, daemon, alone.http, None), path
    finally:
        await daemon.stop()


async def test_the_shops_settings_are_written_into_the_file(alone: Rig, tmp_path: Path) -> None:
    async with from_file(alone, tmp_path) as (own, path):
        shop = {"hours": "08:00-22:00", "holidays": "2027-01-01", "look": "fresh", "locale": "en"}
        _, told = await own.post("/api/v1/settings/shop", shop, headers=owner(own))
        assert (told["hours"], told["look"], told["waits"]) == ("08:00-22:00", "fresh", True)
        status, told = await own.post("/api/v1/settings/shop", {**shop, "hours": "25:00"}, headers=owner(own))
        assert (status, told["error"]) == (422, "bad_setting")
        said = load(path).value
        assert (said.shop.hours, said.screen.look) == ("08:00-22:00", "fresh")
        asked: list[bool] = []
        own.daemon.restart = lambda: asked.append(True)
        assert (await own.post("/api/v1/restart", headers=owner(own)))[1] == {"ok": True}
        assert asked == [True]


async def test_a_printer_that_nobody_means_is_refused(alone: Rig, tmp_path: Path) -> None:
    async with from_file(alone, tmp_path) as (own, _):
        (tmp_path / "own" / "link").symlink_to(tmp_path)
        for url in (
            f"virtual://{tmp_path}/elsewhere",
            f"virtual://{tmp_path}/own",
            f"virtual://{tmp_path}/own/../elsewhere",
            f"virtual://{tmp_path}/own/link/elsewhere",
            "virtual://own/paper",
            "tcp://169.254.169.254:80",
            "tcp://[fe80::1]:9100",
        ):
            for path, body in (("try-printer", {"url": url}), ("printers", {"url": url, "name": "counter"})):
                status, told = await own.post(f"/api/v1/settings/{path}", body, headers=owner(own))
                assert (status, told["error"]) == (422, "bad_setting"), url
                words = "own directory" if url.startswith("virtual") else "gave itself"
                assert words in told["message"], told
        assert not (tmp_path / "elsewhere").exists()


async def test_a_printer_is_tried_and_written_into_the_file(alone: Rig, tmp_path: Path) -> None:
    async with from_file(alone, tmp_path) as (own, path):
        tried = {"url": f"virtual://{tmp_path}/own/paper", "profile": "generic-80"}
        _, told = await own.post("/api/v1/settings/try-printer", tried, headers=owner(own))
        assert told["outcome"] == "printed"
        _, told = await own.post(
            "/api/v1/settings/printers", {**tried, "name": "counter"}, headers=owner(own)
        )
        assert told == {"restart": True}
        assert load(path).value.printers["counter"].profile == "generic-80"
        status, raw, _ = await sent(own, "DELETE", "settings/printers/counter")
        assert (status, b"unknown_printer" in raw) == (404, True), "it is in the file, not in use yet"


async def test_a_logo_is_written_into_the_file(alone: Rig, tmp_path: Path) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (200, 200), "black").save(picture, "PNG")
    put = {"Content-Type": "application/octet-stream"}
    async with from_file(alone, tmp_path) as (own, path):
        status, _, _ = await sent(
            own, "PUT", "settings/logo", data=io.BytesIO(picture.getvalue()), headers=put
        )
        assert status == 200
        assert (await sent(own, "GET", "settings/logo"))[2] == "image/png"
        status, raw, _ = await sent(own, "PUT", "settings/logo", data=io.BytesIO(b"no picture"), headers=put)
        assert (status, b"bad_picture" in raw) == (422, True)
        assert load(path).value.screen.logo
        assert (await sent(own, "DELETE", "settings/logo"))[0] == 200
        assert load(path).value.screen.logo == ""


async def test_the_counter_page_is_loaded_anew(kiosk: Rig) -> None:
    loaded = (await kiosk.get("/api/v1/counter"))[1]["reload"]
    await kiosk.post("/api/v1/counter/reload")
    await kiosk.view(lambda v: v["reload"] > loaded)


async def test_a_receipt_is_printed_and_a_second_one_is_a_copy(kiosk: Rig) -> None:
    _, done = await kiosk.post("/api/v1/redeem", {"code": await kiosk.issue(CAPPED), "total": 1000})
    for _ in range(2):
        _, told = await kiosk.post("/api/v1/slips/receipt", {"rid": done["rid"]})
        assert told["outcome"] == "printed"
    kinds = [j.kind for j in await kiosk.daemon.journal.jobs()]
    assert kinds == ["receipt", "receipt"]
    status, told = await kiosk.post("/api/v1/slips/receipt", {"rid": "nothing"})
    assert (status, told["error"]) == (404, "unknown_redemption")


async def test_the_remedy_of_a_full_card_removes_what_was_made(alone: Rig) -> None:
    for folder in ("made", "previews"):
        place = alone.daemon.data_dir / folder
        place.mkdir()
        (place / "stand-a6.pdf").write_bytes(b"%PDF-")
    asks = remedy("disk")
    assert asks == ("DELETE", "/api/v1/stands/made")
    status, raw, _ = await sent(alone, "DELETE", asks[1].removeprefix("/api/v1/"))
    assert (status, raw) == (200, b'{"removed":2}')
    assert not list((alone.daemon.data_dir / "made").iterdir())


async def test_a_code_is_read_from_a_picture(kiosk: Rig) -> None:
    from PIL import Image

    await kiosk.post(f"/api/v1/batches/{SLIP}/hand-out")
    paper = next((kiosk.daemon.data_dir / "slips").glob("*.png")).read_bytes()
    octets = {"Content-Type": "application/octet-stream"}
    status, raw, _ = await sent(kiosk, "POST", "read", data=io.BytesIO(paper), headers=octets)
    assert status == 200
    _, told = await kiosk.post("/api/v1/redeem", {"code": msgspec.json.decode(raw)["text"], "total": 2500})
    assert told["verdict"] == "confirmed"
    blank = io.BytesIO()
    Image.new("RGB", (320, 240), "white").save(blank, "PNG")
    assert (await sent(kiosk, "POST", "read", data=blank.getvalue(), headers=octets))[1] == b'{"text":""}'
    status, raw, _ = await sent(kiosk, "POST", "read", data=b"no picture", headers=octets)
    assert (status, b"bad_picture" in raw) == (422, True)
    assert (await kiosk.post("/api/v1/read", {}))[0] == 415


async def test_a_phone_is_paired_by_a_slip_listed_and_signed_out(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False, hosts=["kiosk.test"]) as held:
        seen = {"Host": f"kiosk.test:{held.url.rpartition(':')[2]}"}
        status, raw, _ = await sent(held, "POST", "slips/phone", json={}, headers=seen)
        assert (status, msgspec.json.decode(raw)["outcome"]) == (200, "printed")
        paper = next((held.daemon.data_dir / "slips").glob("*.png")).read_bytes()
        octets = {"Content-Type": "application/octet-stream"}
        _, raw, _ = await sent(held, "POST", "read", data=paper, headers=octets)
        link = msgspec.json.decode(raw)["text"]
        assert link.startswith(f"http://{seen['Host']}/staff/pair/")
        form = {"code": link.rpartition("/")[2]}
        async with held.http.post(f"{held.url}/staff/pair", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
        _, raw, _ = await sent(held, "GET", "phones")
        (phone,) = msgspec.json.decode(raw)["phones"]
        assert phone["person"] == "first"
        assert (await sent(held, "DELETE", f"phones/{phone['id']}"))[1] == b'{"phones":[]}'
        assert (await held.get("/staff/day.csv"))[0] == 401, "its session is over"
        status, raw, _ = await sent(held, "DELETE", f"phones/{phone['id']}")
        assert (status, b"unknown_phone" in raw) == (404, True)


async def test_a_kiosk_of_this_machine_alone_pairs_no_phone_and_tells_whom_it_shut_out(alone: Rig) -> None:
    for person, status, error in (("first", 409, "no_way"), ("nobody", 404, "unknown_person")):
        found, told = await alone.post("/api/v1/slips/phone", {"person": person}, headers=owner(alone))
        assert (found, told["error"]) == (status, error)
    for _ in range(5):
        async with alone.http.post(f"{alone.url}/staff/sign-in", data={"pin": "000000"}) as answer:
            assert answer.status == 403
    _, told = await alone.get("/api/v1/lockouts", headers=owner(alone))
    assert [row["address"] for row in told["lockouts"]] == ["127.0.0.1"]
    assert (await alone.get("/api/v1/lockouts"))[0] == 403, "that is a manager's"
