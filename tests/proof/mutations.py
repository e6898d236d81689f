"""T11: each mechanism behind a promise, how it is switched off in a copy of the source, and the test that must turn red."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYNC, PROOF, CUTS = "tests/sync", "tests/proof/test_simulation.py", "tests/proof/test_crash"

SHOW = (
    "            shown = tell.outcome(Ended(result, known.batch), attempt.place.locale, self._clock.trusted().at)\n"
    "            self._bus.publish(shown)\n"
)
"""Tells the counter that a coupon is accepted."""


@dataclass(frozen=True)
class Mutation:
    """One mechanism switched off."""

    promise: str
    mechanism: str
    test: str
    """Node id of the test that must fail, without its parameters."""
    changes: tuple[tuple[str, str, str], ...]
    """(file, text that is there exactly once, what takes its place)."""

    def apply(self, root: Path) -> None:
        """Change the copy below `root`; a text that is not there once is an error of this table."""
        for name, old, new in self.changes:
            path = root / name
            source = path.read_text("utf-8")
            if source.count(old) != 1:
                raise LookupError(
                    f"{self.mechanism}: {name} holds {source.count(old)} times {old!r}, not once"
                )
            path.write_text(source.replace(old, new), "utf-8")


def _one(promise: str, mechanism: str, test: str, file: str, old: str, new: str) -> Mutation:
    return Mutation(promise, mechanism, test, ((file, old, new),))


MUTATIONS = (
    _one(
        "P1", "acknowledged by the hub, not by having been sent", f"{SYNC}/test_upload.py::test_every_item_takes_effect_once_whatever_happens_on_the_way",
        "kiosk/sync/exchange.py",
        "            told = await self._post(p.Upload(run.epoch, run.first_seq, run.prev, run.items))",
        "            await self.journal.acknowledge(run.epoch, run.items[-1].seq, ())\n"
        "            told = await self._post(p.Upload(run.epoch, run.first_seq, run.prev, run.items))",
    ),
    _one(
        "P1", "a record is durable before anything is said", f"{PROOF}::test_the_promises_hold_in_a_few_histories",
        "kiosk/counter/redeem.py",
        "            await self._journal.record(attempt.rid, **record)",
        "            record.clear()",
    ),
    _one(
        "P1", "what was decided alone is durable before it is shown", f"{PROOF}::test_the_promises_hold_in_a_few_histories",
        "kiosk/counter/redeem.py",
        "            await self._journal.record(attempt.rid, **record)",
        f"{SHOW}            await self._journal.record(attempt.rid, **record)",
    ),
    _one(
        "P1", "what the hub accepted is durable before it is shown", f"{PROOF}::test_the_promises_hold_in_a_few_histories",
        "kiosk/counter/redeem.py",
        "            await self._loose.record(attempt.rid, known.key, record)",
        f"{SHOW}            await self._loose.record(attempt.rid, known.key, record)",
    ),
    Mutation(
        "P1", "a print is durable before its first byte leaves",
        "tests/printing/test_spooler.py::test_a_slip_is_durable_before_anything_leaves_and_its_end_is_recorded",
        (
            ("kiosk/printing/spooler.py", '        await self._journal.job_mark(job.id, "sending", note, item=False)\n', ""),
            (
                "kiosk/printing/spooler.py", "            return await self._sending\n",
                "            ended = await self._sending\n"
                '            await self._journal.job_mark(job.id, "sending", note, item=False)\n'
                "            return ended\n",
            ),
        ),
    ),
    Mutation(
        "P1", "synchronous=FULL", f"{CUTS}_states.py::test_power_cuts_lose_nothing_that_was_acknowledged",
        (
            ("kiosk/journal/database.py", 'db.execute("PRAGMA synchronous=FULL")', 'db.execute("PRAGMA synchronous=NORMAL")'),
            ("kiosk/journal/database.py", '"synchronous": 2', '"synchronous": 1'),
        ),
    ),
    _one(
        "P1", "a migration is one transaction", f"{CUTS}_migrations.py::test_t9_a_power_cut_during_a_migration_costs_no_row",
        "kiosk/journal/database.py",
        'f"BEGIN IMMEDIATE;\\n{path.read_text(\'utf-8\')}\\nPRAGMA user_version={number};\\nCOMMIT;"',
        'f"{path.read_text(\'utf-8\')}\\nPRAGMA user_version={number};"',
    ),
    _one(
        "P1", "what can be read of a damaged journal is saved, whenever the power goes",
        f"{CUTS}_damage.py::test_a_power_cut_while_a_damaged_journal_is_set_aside_costs_no_row",
        "kiosk/journal/store.py", "left = self._db.damaged() if not self.epoch else []", "left: list[Path] = []",
    ),
    _one(
        "P1", "a hub restored from a backup is sent again what it lost", f"{SYNC}/test_upload.py::test_a_hub_restored_from_a_backup_gets_again_what_it_has_lost",
        "kiosk/sync/exchange.py",
        "        if not await self.journal.send_again(", "        if told.ack_through < 0 and not await self.journal.send_again(",
    ),
    _one(
        "P1", "a restored hub is sent what it lost of older epochs, too",
        f"{SYNC}/test_restored.py::test_redemptions_of_older_epochs_go_up_again",
        "kiosk/journal/again.py", "        items.move(db, row, fresh, now)", "        continue",
    ),
    _one("P1", "the older epochs come before the acknowledgement", f"{SYNC}/test_restored.py::test_what_is_lost_is_found_before_the_acknowledgement_ends_the_telling",
         "kiosk/sync/exchange.py", "            await self._older(told.had)\n            await self.journal.ack", "            await self.journal.ack"),
    _one(
        "P3", "a position of a lost history is known however far the log goes again",
        "tests/hub/test_restored.py::test_a_position_that_was_lost_is_known_however_far_the_log_goes_again",
        "hub/store/openings.py", "    return 0 if fits else int(rows[0][0])", "    return 0",
    ),
    _one(
        "P3", "a restored hub gives no code a second time", "tests/hub/test_restored.py::test_no_code_is_given_twice",
        "hub/store/restored.py", "values(skipped=batches.c.skipped + gap)", "values(skipped=batches.c.skipped)",
    ),
    _one(
        "P1", "an upload sent twice counts once", "tests/hub/test_upload.py::test_sending_twice_changes_nothing",
        "hub/store/upload.py", "            if seq <= tip:", "            if seq < 0:",
    ),
    _one(
        "P1", "a limit on the way makes uploads smaller", f"{SYNC}/test_upload.py::test_what_a_proxy_calls_too_large_goes_up_in_halves",
        "kiosk/sync/exchange.py",
        "        self._ceiling = self._max_items = max(1, self._max_items // 2)", "        self._ceiling = self._max_items",
    ),
    Mutation(
        "P2", "the local guard", f"{SYNC}/test_pool.py::test_a_slip_of_its_own_pool_is_taken_at_home_without_asking",
        (
            ("kiosk/journal/attempts.py", "            if len(uses) >= intent.max_uses:", "            if len(uses) < 0:"),
            ("kiosk/journal/attempts.py", "            if len(uses) >= max_uses:", "            if len(uses) < 0:"),
        ),
    ),
    Mutation(
        "P2", "a code that was replaced", "tests/counter/test_replace.py::test_the_old_slip_is_refused_and_the_new_one_is_worth_once",
        (
            ("kiosk/journal/attempts.py", "            if is_void(db, coupon):\n                raise Replaced\n            db.", "            db."),
            ("kiosk/journal/attempts.py", "            if is_void(db, coupon):\n                raise Replaced\n            seq", "            seq"),
        ),
    ),
    _one(
        "P2", "what was redeemed is never made void", "tests/journal/test_voids.py::test_a_redeemed_code_cannot_be_made_void",
        "kiosk/journal/voids.py", '        return "used"', "        return None",
    ),
    _one(
        "P1", "what was undone at the hub is undone at its kiosk", f"{SYNC}/test_undo.py::test_the_coupon_is_good_again_at_its_kiosk_also_without_the_hub",
        "kiosk/journal/objects.py", '                if change.type == "rollback" and change.op == "put"', '                if change.type == "none" and change.op == "put"',
    ),
    _one(
        "P2", "a redemption is undone once", "tests/hub/test_undo.py::test_a_redemption_is_undone_once_and_its_kiosk_alone_is_told",
        "hub/store/acts.py", "        if known.state == UNDONE:", "        if not known.state:",
    ),
    _one(
        "P3", "the hub honours no code that was replaced", "tests/hub/test_void_codes.py",
        "hub/store/uses.py", '        coupons.c.state != "void",\n', "",
    ),
    _one(
        "P3", "a batch that needs the hub is refused without it", f"{SYNC}/test_fleet.py::test_never_and_foreign_home_coupons_are_refused_without_the_hub",
        "kiosk/coupons/machine.py",
        '        return _leased(batch, standing)\n    return "hub_away"', '        return _leased(batch, standing)\n    return ""',
    ),
    _one(
        "P3", "only a coupon's own home decides alone", f"{SYNC}/test_pool.py::test_a_slip_of_its_own_pool_is_taken_at_home_without_asking",
        "kiosk/coupons/machine.py", 'return "" if standing.is_home else "not_home"', 'return ""',
    ),
    _one(
        "P3", "check and use are one statement", f"{SYNC}/test_fleet.py::test_a_coupon_asked_for_at_many_kiosks_at_once_is_used_once",
        "hub/store/uses.py", "        coupons.c.uses < coupons.c.max_uses,\n", "",
    ),
    _one(
        "P3", "a lease ends with the epoch of its journal", "tests/coupons/test_machine.py",
        "kiosk/coupons/machine.py", "lease.epoch != standing.epoch", "lease.left < 0",
    ),
    _one(
        "P3", "a lease names its coupons", f"{SYNC}/test_leases.py::test_a_leased_coupon_is_honoured_without_the_hub_by_its_kiosk_alone",
        "kiosk/journal/leases.py", "return body.coupons is None or coupon in body.coupons", "return True",
    ),
    _one(
        "P3", "nobody takes a use of a slip that has got a home meanwhile",
        "tests/hub/test_rights_race.py::test_a_slip_that_gets_a_home_during_a_decision_is_left_to_it",
        "hub/store/uses.py", "    take = TAKE_AT_HOME if at_home else TAKE\n", "    take = TAKE\n",
    ),
    _one(
        "P3", "who is shut out is given no lease meanwhile", "tests/hub/test_rights_race.py::test_a_kiosk_is_shut_out_after_what_it_is_being_given",
        "hub/store/leases.py", "        if not keeps_rights(c, self.tenant, device):\n", "        if False:\n",
    ),
    _one(
        "P4", "an excess use is named", f"{SYNC}/test_fleet.py::test_a_capped_coupon_used_twice_offline_is_one_conflict_naming_both",
        "hub/store/facts.py", '        self._note(c, device, "conflict", told, values["recorded_at"])\n', "",
    ),
    _one(
        "P4", "a use that comes free resolves the oldest conflict", "tests/hub/test_upload.py::test_a_use_that_comes_free_resolves_the_oldest_conflict",
        "hub/store/facts.py", "        if waiting is not None and take_use(", "        if False and take_use(",
    ),
    _one(
        "P4", "a use that is freed while a conflict is being written goes to it",
        "tests/hub/test_postgres.py::test_a_use_that_is_freed_while_a_conflict_is_being_written_goes_to_it",
        "hub/store/upload.py", "        hold_all(c, self.tenant, (raw for raw in upload.items if raw.seq > tip))", "        pass",
    ),
    _one(
        "P5", "a void frees the use", f"{SYNC}/test_decide.py::test_a_lost_answer_is_voided_and_the_use_is_free_again",
        "hub/store/facts.py",
        '            self._release(c, known, "void", now)', '            self._set(c, known.rid, state="void")',
    ),
    _one(
        "P5", "a late request finds its void", f"{SYNC}/test_decide.py::test_a_request_that_arrives_after_its_void_never_takes_effect",
        "hub/store/decide.py", '        if state in ("void", "rolled_back"):', "        if not state:",
    ),
    _one(
        "P5", "what a restart finds open is voided", f"{SYNC}/test_decide.py::test_a_stop_in_the_middle_of_a_question_leaves_no_use_behind",
        "kiosk/journal/store.py",
        '            self._void(db, row["rid"], "the kiosk was restarted before the attempt had ended")', "            pass",
    ),
    _one(
        "P5", "a broken connection is tried again with the same rid", f"{SYNC}/test_decide.py::test_a_connection_that_breaks_under_the_request_costs_no_verdict",
        "kiosk/sync/client.py", "            raise HubAway(_short(err), broken=True) from err", "            raise HubAway(_short(err)) from err",
    ),
    _one(
        "P6", "a start looks at every index", "tests/journal/test_salvage.py::test_an_index_that_misses_a_row_is_damage",
        "kiosk/journal/database.py", "PRAGMA integrity_check(1)", "PRAGMA quick_check(1)",
    ),
    _one(
        "P6", "a start walks the chain", "tests/journal/test_salvage.py::test_a_row_that_is_missing_between_others_is_damage",
        "kiosk/journal/store.py", "self._db.open(items.damage)", "self._db.open()",
    ),
    _one(
        "P6", "both ends are compared at every contact", f"{SYNC}/test_recovery.py::test_a_restored_copy_is_named_and_learns_its_own_uses_before_it_decides_alone",
        "kiosk/sync/exchange.py", "        if told.ack_through <= (await self.journal.ends()).tip:", "        if told.ack_through >= 0:",
    ),
    _one(
        "P6", "a new epoch is noted", f"{SYNC}/test_recovery.py::test_a_restored_copy_is_named_and_learns_its_own_uses_before_it_decides_alone",
        "hub/store/upload.py", '            self._note(c, device, "epoch_change", told, now)', "            pass",
    ),
    _one(
        "P6", "a copied card is found", f"{SYNC}/test_twins.py::test_a_copied_card_is_found_and_decides_nothing_alone_until_it_is_trusted",
        "hub/store/upload.py", "        self._twins.look(c, device, upload.epoch, now)", "        pass",
    ),
    _one(
        "P6", "a kiosk whose card was copied decides nothing alone", f"{SYNC}/test_twins.py::test_a_copied_card_is_found_and_decides_nothing_alone_until_it_is_trusted",
        "kiosk/counter/redeem.py", "            reconciled=not place.suspended and ", "            reconciled=",
    ),
    _one(
        "P6", "a hub started anew is compared with", f"{SYNC}/test_twins.py::test_a_hub_that_was_started_anew_is_compared_with_at_its_next_answer",
        "kiosk/sync/exchange.py", '        self.restarted |= self._run not in ("", run)', "        self.restarted = False",
    ),
    _one(
        "P3", "a replacement inherits no slip that was used elsewhere", f"{SYNC}/test_homes.py::test_until_there_is_one_they_are_good_everywhere_and_what_was_used_stays_so",
        "hub/store/homes.py", "        coupons.c.uses == 0,\n", "",
    ),
    _one(
        "P3", "the pool of another hub is forgotten", f"{SYNC}/test_twins.py::test_the_pool_of_another_hub_goes_and_nothing_else",
        "kiosk/journal/pool.py", '    db.execute("DELETE FROM pool")\n', "",
    ),
    _one(
        "P6", "what is lost is named by number", f"{SYNC}/test_recovery.py::test_a_restored_copy_is_named_and_learns_its_own_uses_before_it_decides_alone",
        "hub/store/upload.py", "                told |= gaps.told(", "                gaps.told(",
    ),
    _one(
        "P6", "what came down and was lost is asked for again", "tests/journal/test_recovery.py::test_what_came_down_and_was_lost_is_asked_for_again",
        "kiosk/journal/store.py", "            revisions.ask_again(db)", "            pass",
    ),
    _one(
        "P2", "uses are brought in line with the items", "tests/journal/test_recovery.py::test_a_use_that_one_table_has_lost_is_known_from_the_others",
        "kiosk/journal/mend.py", "ALL = (ENDED, LOST, ROLLED_BACK, USES_OF_ATTEMPTS,", "ALL = (ENDED, LOST, ROLLED_BACK,",
    ),
    _one(
        "P1", "a recorded attempt is not voided for an older page", "tests/journal/test_recovery.py::test_what_was_recorded_is_not_voided_for_an_older_page",
        "kiosk/journal/mend.py", "ALL = (ENDED, LOST,", "ALL = (LOST,",
    ),
    _one(
        "P7", "an offline use counts though its attempt was lost", "tests/journal/test_mend.py::test_an_offline_use_counts_against_its_lease_and_its_cap",
        "kiosk/journal/mend.py", "ALL = (ENDED, LOST,", "ALL = (",
    ),
    _one(
        "P5", "what was rolled back stays free after an older page", "tests/journal/test_mend.py::test_what_was_rolled_back_is_not_used_again",
        "kiosk/journal/mend.py", " ROLLED_BACK, USES_OF_ATTEMPTS, FREED,", " USES_OF_ATTEMPTS,",
    ),
    _one(
        "P2", "a replaced code stays void after an older page", "tests/journal/test_mend.py::test_a_code_that_was_replaced_stays_void",
        "kiosk/journal/mend.py", " PRINTED, REPLACED)", " PRINTED)",
    ),
    _one(
        "P6", "offline rights wait for the reconciliation", f"{SYNC}/test_recovery.py::test_until_it_has_reconciled_a_restored_kiosk_decides_nothing_alone",
        "kiosk/coupons/machine.py", "    if not standing.reconciled:", "    if False:",
    ),
    _one(
        "P6", "own redemptions are learned", f"{SYNC}/test_recovery.py::test_a_restored_copy_is_named_and_learns_its_own_uses_before_it_decides_alone",
        "kiosk/sync/exchange.py", "            await self.journal.learn_uses(page.items)", "            pass",
    ),
    _one(
        "P6", "the hub's record wins over a void of an older copy", f"{SYNC}/test_recovery.py::test_a_void_of_a_restored_copy_takes_no_redemption_back",
        "hub/store/facts.py", '        elif known.state == "ok":\n            self._release(c, known, "void", now)',
        '        elif known.state in ("ok", "recorded"):\n            self._release(c, known, "void", now)',
    ),
    _one(
        "P7", "the cap on the number", f"{SYNC}/test_fleet.py::test_what_the_hub_has_not_heard_of_is_capped_and_frees_itself",
        "kiosk/coupons/machine.py",
        "    if rule.count is not None and standing.exposure.count + 1 > rule.count:", "    if False:",
    ),
    _one(
        "P7", "the cap on the value", f"{SYNC}/test_fleet.py::test_what_the_hub_has_not_heard_of_is_capped_and_frees_itself",
        "kiosk/coupons/machine.py",
        "    if rule.value is not None and standing.exposure.value + batch.value > rule.value:", "    if False:",
    ),
    _one(
        "P7", "the cap on the age", "tests/coupons/test_machine.py",
        "kiosk/coupons/machine.py", "standing.since_sync_s > rule.max_age_s", "standing.since_sync_s < 0",
    ),
    _one(
        "P7", "the age counts the older of the two ways", f"{SYNC}/test_download.py::test_since_sync_counts_the_older_of_the_two_ways",
        "kiosk/sync/reach.py", "min(self._up, self._down)", "max(self._up, self._down)",
    ),
    _one(
        "P7", "an end that was not clean is known after a power cut",
        f"{CUTS}_states.py::test_power_cuts_lose_nothing_that_was_acknowledged",
        "kiosk/journal/files.py", "    flush_names(path.parent)", "    pass",
    ),
    _one(
        "P7", "a revoked kiosk has no rights", f"{SYNC}/test_enrol.py::test_a_revoked_kiosk_has_no_right_to_decide_alone",
        "kiosk/sync/service.py", '            self.state = "revoked"\n            await self._shut_out()', '            self.state = "accepted"',
    ),
    _one(
        "P7", "a kiosk that the hub shuts out at a question decides nothing alone",
        f"{SYNC}/test_decide.py::test_whatever_the_hub_says_of_the_kiosk_itself_ends_its_rights_until_it_is_let_in",
        "kiosk/sync/authority.py", "            if err.error in SHUT_OUT:", "            if False:",
    ),
    _one(
        "P7", "what the hub said of the kiosk is durable before the next scan",
        "tests/counter/test_redeem_alone.py::test_shut_out_nothing_is_decided_alone_any_more",
        "kiosk/counter/redeem.py", '            await self._journal.put("unreconciled", SHUT_OUT)', "            pass",
    ),
    _one(
        "leases", "a hub whose clock was put back is asked once a minute",
        f"{SYNC}/test_leases.py::test_a_hub_whose_clock_was_put_back_is_not_asked_again_and_again",
        "kiosk/sync/leases.py", "        if told.amount == 0 or ahead_s > AGAIN_S:", "        if told.amount == 0:",
    ),
    _one(
        "outage", "nobody asks a hub that is known to be away", f"{SYNC}/test_decide.py::test_only_the_first_customer_of_an_outage_waits",
        "kiosk/counter/redeem.py", "        if self._authority.away:", "        if False:",
    ),
    Mutation(
        "stop", "a stop is heeded at whatever moment", f"{SYNC}/test_upload.py::test_a_connection_that_breaks_during_the_stop_does_not_swallow_it",
        (
            ("kiosk/sync/service.py", "            await asyncio.wait([self._task], timeout=0.2)", "            break"),
            ("kiosk/sync/service.py", "        while not self._stopping:", "        while True:"),
        ),
    ),
    _one(
        "printing", "what was being sent at a crash is unknown", "tests/printing/test_spooler_stops.py::test_what_a_crash_left_open",
        "kiosk/printing/spooler.py", 'self._journal.jobs(("sending", "sent"))', 'self._journal.jobs(("nothing",))',
    ),
    _one(
        "printing", "a copy settles the doubt in the step that orders it",
        "tests/journal/test_voids.py::test_a_copy_settles_the_doubt_about_the_slip_that_it_repeats",
        "kiosk/journal/jobs.py", "WHERE id = ? AND state = 'unknown'\"", "WHERE id = ? AND state = 'nothing'\"",
    ),
    _one(
        "display", "a page that does not move is stale", "tests/web/test_counter.py::test_a_frozen_page_is_stale_even_if_it_reports",
        "kiosk/counter/glass.py", "        return frame > last", "        return True",
    ),
    _one(
        "display", "only the page in the keeper's browser proves the screen", "tests/counter/test_screen_watch.py::test_with_a_keeper_only_the_page_in_its_browser_counts",
        "kiosk/counter/screen_watch.py", "        return not self.has_keeper or not self._page or page == self._page", "        return True",
    ),
    _one(
        "display", "a compositor that hangs is ended", "tests/screen/test_keeper.py::test_a_compositor_that_hangs_is_ended_by_its_client",
        "kiosk/screen/keeper.py", "        for sig in (signal.SIGTERM, signal.SIGKILL):", "        for sig in (signal.SIGTERM,):",
    ),
    Mutation(
        "paper", "what fails the proof leaves no file", "tests/posters/test_making.py::test_a_failed_proof_leaves_nothing",
        (
            ("posters/making.py", '    if verdict == "refuse":\n        return Made(result)', "    pass"),
            ("posters/making.py", '        return self.result.verdict != "refuse"', "        return True"),
        ),
    ),
)  # fmt: skip
