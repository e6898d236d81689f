"""docs/reference.md is in step with the code, and the code says enough about itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Annotated

import msgspec
import pytest

import hub.cli
import hub.config
import kiosk.cli
import kiosk.config
import posters.arguments
from docs.generate import commands, faults, reference, settings
from docs.generate.locks import ROOT


def test_the_page_is_in_step() -> None:
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference.page(), "run make docs"


@pytest.mark.parametrize("kind", [kiosk.config.Settings, hub.config.Settings], ids=["kiosk", "hub"])
def test_every_setting_says_what_it_is(kind: type[msgspec.Struct]) -> None:
    assert settings.undescribed(kind) == []


@pytest.mark.parametrize(
    "parser",
    [kiosk.cli.build(), hub.cli.build(), posters.arguments.parser()],
    ids=["kiosk", "hub", "posters"],
)
def test_every_command_says_what_it_does(parser: argparse.ArgumentParser) -> None:
    assert commands.undescribed(parser) == []


class Oven(msgspec.Struct):
    """Bakes."""

    heat: Annotated[int, msgspec.Meta(ge=50, le=250, description="Degrees.", examples=[180])] = 200
    rack: int = 1


class Kitchen(msgspec.Struct):
    ovens: dict[str, Oven]
    spices: Annotated[dict[str, str], msgspec.Meta(description="Where each stands.")]


def test_a_setting_gets_its_bounds_default_meaning_and_example() -> None:
    made = settings.block(Kitchen)
    assert "#### `[ovens.NAME]`\n\nBakes." in made
    assert "| `spices.NAME` | text for each NAME | must be given | Where each stands. |" in made
    assert "| `heat` | whole number, 50 to 250 | `200` | Degrees. Such as `180`. |" in made


def test_a_setting_without_a_word_is_named() -> None:
    assert settings.undescribed(Oven) == ["rack"]


def test_a_command_shows_what_it_needs_and_what_it_takes() -> None:
    parser = argparse.ArgumentParser(prog="oven")
    bake = parser.add_subparsers().add_parser("bake", help="bake a cake")
    bake.add_argument("cake", metavar="CAKE")
    bake.add_argument("-t", "--time", required=True, metavar="MIN", help="minutes")
    bake.add_argument("--fan", action="store_true", help="blow")
    made = commands.block(parser)
    assert "#### `oven bake CAKE --time MIN`\n\nBake a cake." in made
    assert "| `-t MIN, --time MIN` | minutes |" in made
    assert "| `--fan` | blow |" in made


def test_the_faults_of_the_printer_simulator_are_found() -> None:
    assert {"paper_out", "silent", "reset_mid_job"} <= set(faults.found()["simulators.escpos"])


def test_a_page_that_is_not_in_step_is_named() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import pathlib, docs.generate.__main__ as m, sys\n"
            "m.documents = lambda: {'reference.md': 'something else'}\n"
            "sys.argv = ['generate', '--check']\nsys.exit(m.main())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "docs/reference.md is not in step with the code; run make docs.\n"
