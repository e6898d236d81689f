"""Errors of the hub: one sentence each."""

from __future__ import annotations


class HubError(Exception):
    """Something that an operator can mend; `code` is the exit code of a command."""

    def __init__(self, sentence: str, code: int = 2) -> None:
        super().__init__(sentence)
        self.code = code


class Refused(Exception):
    """A request that the hub does not grant; `error` is the code of the protocol.

    `keep`: what the transaction wrote before, such as a note of what was noticed, stays.
    """

    def __init__(self, error: str, message: str, status: int = 403, *, keep: bool = False) -> None:
        super().__init__(message)
        self.error, self.status, self.keep = error, status, keep
