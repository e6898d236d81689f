"""Print-ready stands and posters. Lengths are millimetres, type is points, colours are per cent CMYK.

    result = posters.make("stand-a6", {"store_id": "S0001", ...}, Path("stand.pdf"), look="warm")

Importing this package loads nothing heavy; reportlab, pikepdf, pdfium and the decoder load with the first artefact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posters.catalog import TemplateInfo, templates
    from posters.checking import check
    from posters.errors import FailedError, PosterError, RefusedError, UsageError
    from posters.making import make
    from posters.result import FaceProof, Finding, Result

_HOMES = {
    "TemplateInfo": "catalog",
    "templates": "catalog",
    "check": "checking",
    "make": "making",
    "Result": "result",
    "Finding": "result",
    "FaceProof": "result",
    "PosterError": "errors",
    "UsageError": "errors",
    "RefusedError": "errors",
    "FailedError": "errors",
}

__all__ = [
    "FaceProof",
    "FailedError",
    "Finding",
    "PosterError",
    "RefusedError",
    "Result",
    "TemplateInfo",
    "UsageError",
    "check",
    "make",
    "templates",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'posters' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"posters.{home}"), name)
