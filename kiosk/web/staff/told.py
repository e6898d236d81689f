"""The console's words for what is on record: attempts, print jobs, rows of the journal."""

from __future__ import annotations

from typing import Any

from kiosk.counter import words
from kiosk.journal.jobs import ONCE
from kiosk.journal.rows import Attempt, JobRow
from kiosk.journal.search import Row
from kiosk.printing.columns import LOST
from ui.marks import N_
from ui.texts import Texts

SLIPS = {
    "coupon": N_("Coupon"),
    "claim": N_("Store code"),
    "receipt": N_("Receipt"),
    "conflict": N_("Conflict"),
    "day": N_("Day report"),
    "self-test": N_("Self-test"),
    "status": N_("Status"),
    "enrolment": N_("Enrolment"),
    "pairing": N_("Pairing of a phone"),
}
JOBS = {
    "printed": N_("Printed"),
    "failed": N_("Not printed"),
    "unknown": N_("Look whether it was printed"),
    "queued": N_("Waiting"),
    "sending": N_("Printing"),
    "sent": N_("Printing"),
    "replaced": N_("Printed again"),
    "void": N_("Replaced by a new code"),
}
WHY = {
    "not_present": N_("no printer answers; look at its power and cable."),
    "permission": N_("the kiosk may not use that printer; ask who looks after the kiosk."),
    "busy": N_("something else is printing there, or too many slips wait."),
    "gone": N_("the connection broke while it printed."),
    "blocked": N_("no paper, or the cover is open."),
    "io": N_("the printer reports a fault; switch it off and on."),
    "no_answer": N_("the printer fell silent and did not confirm."),
    "unconfirmed": N_("this printer cannot confirm what it prints."),
    "configuration": N_("it cannot be printed as it is set up; ask who looks after the kiosk."),
}
"""By the trouble of a print."""
NO_TROUBLE = {
    "failed": N_("it had waited too long, or the kiosk stopped before it was sent."),
    "unknown": N_("the kiosk stopped while it was being printed."),
}
"""By the state of a print that no printer gave trouble."""
MARKED = N_("the printer does not have some of its characters; 〓 stands for them.")
LEFT_OUT = N_("a code or a picture did not fit and was left out; do not give this slip out.")
UNDER_WAY = ("queued", "sending", "sent")
STATES = {
    "open": N_("Under way"),
    "denied": N_("Not accepted"),
    "void": N_("Not accepted; the coupon stays valid"),
    "rolled_back": N_("Undone"),
}
KINDS = {
    "attempt_denied": N_("Not accepted"),
    "void": N_("Not accepted; the coupon stays valid"),
    "rollback": N_("Undone"),
    "claim": N_("Handed out"),
    "code_void": N_("Code void: a new slip was given"),
}


def attempt(a: Attempt, names: dict[str, str], t: Texts) -> dict[str, Any]:
    """Return an attempt as the list of redemptions shows it."""
    if a.state == "recorded":
        kind = "confirmed" if a.verdict == "confirmed" else "offline"
        told = words.certainty(a.verdict == "confirmed", t.locale)
    else:
        kind, told = "refused", t(STATES.get(a.state, STATES["denied"]))
    return {
        "rid": a.rid,
        "at": a.at,
        "name": names.get(a.stock_id or "", a.stock_id or "-"),
        "kind": kind,
        "told": told,
        "can_undo": a.state == "recorded",
    }


def job(j: JobRow, t: Texts) -> dict[str, Any]:
    """Return a print job."""
    return {
        "id": j.id,
        "at": j.at,
        "kind": t(SLIPS.get(j.kind, N_("Slip"))),
        "told": job_state(j, t),
        "state": j.state,
        "again": j.state not in (*UNDER_WAY, "void") and j.kind not in ONCE,
        "coupon": j.kind == "coupon",
    }


def job_state(j: JobRow, t: Texts) -> str:
    """Return how a print job is, and why, or what it lacks, in a sentence."""
    state, why = t(JOBS.get(j.state, JOBS["unknown"])), ""
    if j.state in ("failed", "unknown"):
        why = WHY.get(str(j.detail.get("reason", "")), NO_TROUBLE[j.state])
    elif lost := j.detail.get("lost"):
        why = MARKED if all(LOST in note for note in lost) else LEFT_OUT
    return t("{state}: {why}", state=state, why=t(why)) if why else state


def row(r: Row, names: dict[str, str], t: Texts) -> dict[str, Any]:
    """Return a row of the journal as people read it."""
    if r.kind == "redeem_record":
        told = words.certainty(r.verdict == "confirmed", t.locale)
        if r.state == "rolled_back":
            told = t("Undone")
    else:
        told = t(KINDS[r.kind])
    why = {str(reason): sentence for reason, sentence in words.STAFF.items()}.get(r.reason, "")
    fitting = why if r.reason and "{" not in why else ""
    return {
        "epoch": r.epoch,
        "seq": r.seq,
        "at": r.at,
        "rid": r.rid,
        "kind": r.kind,
        "name": names.get(r.stock_id, r.stock_id or "-"),
        "told": told,
        "why": t(fitting) if fitting and r.kind != "claim" else "",
        "value": r.value if r.kind == "redeem_record" else 0,
        "person": r.person,
        "conflict": r.status == "conflict",
        "detail": r.detail,
        "can_undo": r.kind == "redeem_record" and r.state == "recorded",
    }
