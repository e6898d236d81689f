"""Whom to believe on TLS while the machine's calendar is wrong (facts: sync-fleet A8).

A board without a clock of its own starts in 1970 or at its last stop, and OpenSSL would find every certificate not yet
valid: the hub that tells the time could never be reached. Then the trusted time is asked in OpenSSL's place, of every
certificate of the chain; all else (its signatures, its name) is checked as always.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from kiosk.clock import Clock, Trusted

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL, X509_VERIFY_PARAM_set_flags(3)); the module `ssl` has no name for it."""
WRONG = timedelta(hours=1)
"""A calendar that is off by less does no harm: public certificates are backdated and renewed days before their end."""


class Trust:
    """What connections to the hub are checked by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext | bool:
        """Return what a new connection is checked by: True, as usual, while the calendar is believable."""
        if abs(self._clock.wall() - self._clock.trusted().at) < WRONG:
            return True
        if self._context is None:
            self._context = _by(self._clock)
        return self._context


def within(cert: dict[str, Any], now: Trusted) -> str:
    """Return why a certificate (in the form of `getpeercert`) is not valid at a time; empty when it may be."""
    begins, ends = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(cert[key]), UTC) for key in ("notBefore", "notAfter")
    )
    slack = timedelta(seconds=now.error_s or 0) + WRONG
    if ends < now.at - slack:
        return f"it ended on {ends:%Y-%m-%d}"
    # Without a time from the hub, what is known is a lower bound: the certificate may well have begun since.
    if now.certain and begins > now.at + slack:
        return f"it begins on {begins:%Y-%m-%d}"
    return ""


def _chain(connection: ssl.SSLObject) -> list[tuple[str, dict[str, Any]]]:
    """Return the certificates by which a connection was believed, from the hub's own to the authority's, each with its name.

    OpenSSL looks at the dates of all of them. The module `ssl` gives the chain from Python 3.13 on, and then without the dates;
    what it is made from is the same since 3.10 (Modules/_ssl.c: `_ssl._SSLSocket.get_verified_chain`, `_ssl.Certificate.get_info`).
    """
    found = [cert.get_info() for cert in cast("Any", connection)._sslobj.get_verified_chain()]
    return [(", ".join(value for part in cert["subject"] for _, value in part), cert) for cert in found]


def _by(clock: Clock) -> ssl.SSLContext:
    """Return a context whose handshakes end in a look at the trusted time."""

    class Checked(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            for name, cert in _chain(self):
                if why := within(cert, clock.trusted()):
                    raise ssl.SSLCertVerificationError(f"{name}: {why}")

    context = ssl.create_default_context()
    context.verify_flags |= NO_CHECK_TIME
    context.sslobject_class = Checked
    return context
