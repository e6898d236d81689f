"""The one-line descriptions of the operations, as sentences that are said in both languages.

A handler's docstring is its description in English; a test holds both lists together.
"""

from __future__ import annotations

from ui.marks import N_

SUMMARIES = (
    N_("Redeem a code for the clerk or the till."),
    N_(
        "Say what this kiosk knows of a code, and whether the total of the basket is asked for; nothing is redeemed."
    ),
    N_("Read the code on a picture (JPEG, PNG or WebP), a coupon's before others; nothing is kept of it."),
    N_("Undo a redemption of this kiosk."),
    N_("Hold the till's sale for the next scan."),
    N_("Tell what became of the sale that was pushed last, with the result once its scan has ended."),
    N_("Take back the sale that was pushed; one that was scanned already stays."),
    N_("List the batches that run, with what happened to them here today and what is left offline."),
    N_("Print fresh slip coupons, one after the other; stop at the first that does not come out."),
    N_(
        "Give a new code for a slip of which nobody knows whether it came out; the old code is void before the new one is on paper."
    ),
    N_(
        "Offer a batch at this counter no more, or again; coupons that customers have are redeemed all the same."
    ),
    N_("Ask each printer how it is."),
    N_("Print a self-test slip."),
    N_("List slips, the newest first, with how each ended."),
    N_(
        "Print a slip once more: the same code, worth once; a slip that may be out already comes marked as a copy."
    ),
    N_("Note that a slip of which nobody knew has been seen on paper."),
    N_("Hold every slip back, as while the paper is changed; the one under way is finished."),
    N_("Go on printing."),
    N_("Print the code that lets this kiosk in."),
    N_("Print the store's code, which customers scan."),
    N_("Print the record of a redemption; one more of the same comes marked as a copy."),
    N_("Print a day's figures."),
    N_("Print how the kiosk is: addresses, lights, version."),
    N_("Draw what a slip looks like here, dot for dot; nothing is printed."),
    N_("Give a page of the journal, oldest first: ?from=&to=&after=EPOCH:SEQ."),
    N_("Walk the journal's hash chain."),
    N_("Search the record by code, day, person or batch, the newest first."),
    N_("List what waits for a person's decision."),
    N_("Let a conflict stand: the shop bears it. To undo the redemption instead, roll it back."),
    N_("Give a day's figures."),
    N_("Give a day's figures as CSV."),
    N_("Give a month's figures: by batch, and day by day."),
    N_("Give a month's figures as CSV, a line for each day and batch."),
    N_("List what can be made, with sizes in mm."),
    N_("Make a stand or a poster of this store; nothing is left of one whose codes cannot be read back."),
    N_("Give a small picture of a template in a look with this store's data."),
    N_("Give a file that was made."),
    N_("Remove made PDFs and pictures of stands; they can be made again."),
    N_("Tell whether the daemon can do its work: its journal answers."),
    N_("Give the lights."),
    N_("Give the findings, each with what is at risk and the request that mends it, where there is one."),
    N_("List devices, configured and found."),
    N_("Give the settings in use, without secrets."),
    N_("Tell the counter page to load itself anew."),
    N_("Give the diagnostics bundle: how the kiosk is, without secrets and without codes."),
    N_(
        "Give hours, holidays, look and language as kiosk.toml says them, and whether the kiosk waits for a restart."
    ),
    N_("Write hours, holidays, look and language into kiosk.toml; they hold from the next start."),
    N_("Give an encrypted copy of everything that makes this kiosk itself."),
    N_(
        "Check a backup and lay it ready for the next start; its passphrase comes as base64url in X-Passphrase."
    ),
    N_("Begin anew with kiosk.toml as it is now; what is under way is finished first."),
    N_("Look for printers on the shop's network; those that are set up already are left out."),
    N_("Print a test slip on a printer that is not in use yet."),
    N_("Write a printer into kiosk.toml."),
    N_("Take a printer out of kiosk.toml; it prints until the next start."),
    N_("Give the shop's logo."),
    N_("Take a picture as the logo: on slips at once, on the counter page from the next start."),
    N_("Take the logo away."),
    N_("List the queues of the office printer."),
    N_("Hand a PDF that was made to the office printer, which checks it first."),
    N_("List who may sign in."),
    N_(
        "Tell whether phones in the shop's network reach the staff console, where, and under which certificate."
    ),
    N_(
        "Open the staff console to the shop's network from the next start, with a certificate of the kiosk's own, or close it."
    ),
    N_("Give the certificate of this kiosk's authority, which phones and tills are to trust."),
    N_("Add a person, or change the one with that `id`; without `pin` the old one stays."),
    N_("Let a person in no more; what they did stays on record."),
    N_("Print the slip that pairs a phone; its code is on paper alone, works once and for ten minutes."),
    N_("List the phones that are signed in."),
    N_("Sign a phone out, at once."),
    N_("List the addresses that gave too many wrong PINs."),
    N_("List the tokens of programs, without their secrets."),
    N_("Let a program in: make its token, which is shown this once."),
    N_("Revoke a token; the next request with it is refused."),
    N_("Give the view as it is now."),
    N_("Give every new view to a page; a slow page gets the newest one only."),
    N_(
        "Compare what a page shows with what was ordered; the answer reaches a page whose stream is dead, too."
    ),
    N_(
        "Hear the keeper of the screen; say what it is to do (nothing, `browser`, `compositor`), whether the shop is open, and whether to look at once."
    ),
    N_("Describe the interface."),
)
