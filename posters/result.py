"""What making and checking answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from posters.errors import RefusedError
from posters.words import say

Verdict = Literal["printable", "confirm", "refuse"]
Level = Literal["note", "confirm", "refuse"]


class Finding(Struct, frozen=True):
    """One thing that a person should know before printing."""

    level: Level
    code: str
    where: str
    sentence: str
    args: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, level: Level, code: str, where: str, sentence: str, **args: object) -> Finding:
        """Build a finding; the arguments become text."""
        return cls(level, code, where, sentence, {k: str(v) for k, v in args.items()})

    @classmethod
    def refusal(cls, error: RefusedError) -> Finding:
        """Turn a refusal into the finding that reports it."""
        return cls.of("refuse", error.code, error.where, error.sentence, **error.args_of_sentence)

    def say(self, locale: str = "en") -> str:
        """Return the sentence in `locale`."""
        return say(self.sentence, locale, **self.args)

    def as_json(self, locale: str = "en") -> dict[str, str]:
        """Return the finding as the proof file words it."""
        return {"level": self.level, "code": self.code, "where": self.where, "message": self.say(locale)}


class FaceProof(Struct, frozen=True):
    """One QR code as it was read back from the rendered page."""

    page: int
    payload: str
    level: str
    version: int
    module_mm: float
    quiet_modules: float
    k_only: bool
    gates: dict[str, bool]
    distance_m: float


class Shrunk(Struct, frozen=True):
    """Type that was set smaller than the template wanted; sizes in pt."""

    field: str
    wanted_pt: float
    used_pt: float


class Result(Struct, frozen=True):
    """The outcome of making or checking one artefact."""

    verdict: Verdict
    pages: int = 0
    faces: list[FaceProof] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fonts: list[dict[str, Any]] = field(default_factory=list)
    sheets: list[dict[str, Any]] = field(default_factory=list)
    shrunk: list[Shrunk] = field(default_factory=list)
    file: Path | None = None
    sha256: str = ""

    def as_json(self, locale: str = "en") -> dict[str, Any]:
        """Return the proof as INTERFACE words it."""
        import msgspec

        return {
            "verdict": self.verdict,
            "pages": self.pages,
            "faces": [msgspec.to_builtins(face) for face in self.faces],
            "fonts": self.fonts,
            "pages_measured": self.sheets,
            "autoshrink": [msgspec.to_builtins(decision) for decision in self.shrunk],
            "findings": [finding.as_json(locale) for finding in self.findings],
            "sha256": self.sha256,
        }


def judge(findings: list[Finding]) -> Verdict:
    """Return the verdict that the worst finding asks for."""
    levels = {finding.level for finding in findings}
    if "refuse" in levels:
        return "refuse"
    return "confirm" if "confirm" in levels else "printable"
