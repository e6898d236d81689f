"""Why an artefact was not made. Each error is one sentence and knows its exit code."""

from __future__ import annotations

from typing import ClassVar

from posters.words import say


class PosterError(Exception):
    """Base: a sentence with its arguments, to be said in any language."""

    exit_code: ClassVar[int] = 4

    def __init__(self, sentence: str, **args: object) -> None:
        super().__init__(sentence.format(**args))
        self.sentence = sentence
        self.args_of_sentence = args

    def __reduce__(self) -> tuple[object, ...]:
        """Cross from a worker process with the arguments, not only with the finished sentence."""
        return _again, (type(self), self._given(), self.args_of_sentence)

    def _given(self) -> tuple[str, ...]:
        return (self.sentence,)

    def say(self, locale: str = "en") -> str:
        """Return the sentence in `locale`."""
        return say(self.sentence, locale, **self.args_of_sentence)


class UsageError(PosterError):
    """Nobody could have made this: wrong option, file or template."""

    exit_code = 2


class FailedError(PosterError):
    """It could have been made, but the machine did not let us; nothing happened."""

    exit_code = 4


class RefusedError(PosterError):
    """The data of this store cannot be printed."""

    exit_code = 1

    def __init__(self, code: str, where: str, sentence: str, **args: object) -> None:
        super().__init__(sentence, **args)
        self.code = code
        self.where = where

    def _given(self) -> tuple[str, ...]:
        return self.code, self.where, self.sentence


def _again(kind: type[PosterError], given: tuple[str, ...], args: dict[str, object]) -> PosterError:
    """Build an error again on the other side."""
    return kind(*given, **{name: str(value) for name, value in args.items()})
