"""What staff or programs asked for and did not get: a code and one sentence, said in any language."""

from __future__ import annotations

from ui.texts import Texts


class NotDone(Exception):
    """A change that was not made; the sentence is a msgid with `{places}`."""

    def __init__(self, code: str, sentence: str, **args: object) -> None:
        super().__init__(sentence.format(**args) if args else sentence)
        self.code, self.sentence, self.args_ = code, sentence, args

    def say(self, t: Texts) -> str:
        """Return the sentence in a language."""
        return t(self.sentence, **self.args_)
