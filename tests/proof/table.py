"""What `make prove` ends with: a table of the layers, and which test caught each mechanism that was switched off.

It is printed by the process that gathers the reports, which collects no test and so reads no conftest of this directory.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pytest

LAYERS = {
    "tests/hub/test_parallel.py": "T8 crowd on PostgreSQL",
    "tests/hub/test_upgrade.py": "T9 hub from earlier schemas",
    "tests/hub/test_cli_faults.py::test_an_older_database": "T9 hub from earlier schemas",
    "tests/hub/": "T1 hub against its model",
    "tests/journal/test_model.py": "T1 journal against its model",
    "tests/proof/test_simulation.py": "T2 fleet in virtual time",
    "tests/proof/test_crash_migrations.py": "T9 journal from earlier schemas",
    "tests/proof/test_crash_": "T3 crash states of the journal",
    "tests/proof/test_lying_storage.py": "T4 storage that lies",
    "tests/journal/test_upgrade.py": "T9 journal from earlier schemas",
    "tests/journal/": "T5 journal under kill -9",
    "tests/proof/test_kills.py": "T5 programs under kill -9",
    "tests/proof/test_barriers.py": "T5 kill -9 at named steps",
    "tests/printing/": "T5 printing under kill -9",
    "tests/proof/test_rooms.py::test_t6": "T6 network faults by a proxy",
    "tests/proof/test_network.py": "T6 network stacks apart",
    "tests/proof/test_rooms.py::test_t7": "T7 clocks that lie",
    "tests/proof/test_soak.py": "T10 soak of 50 kiosks",
    "tests/proof/test_mutations.py": "T11 mechanisms switched off",
    "tests/proof/test_parsers.py": "fuzz of the parsers",
}
"""(facts: sync-fleet A10); the first that fits counts."""
LAST = 11
"""The number of the last layer of the plan."""


@dataclass
class Layer:
    """What became of one layer."""

    cases: int = 0
    violations: int = 0
    seconds: float = 0.0


def _layer(nodeid: str) -> str:
    return next((name for begin, name in LAYERS.items() if nodeid.startswith(begin)), "others")


def _number(name: str) -> int:
    """Return the number of a layer; what has none comes last."""
    word = name.split(maxsplit=1)[0]
    return int(word[1:]) if word[1:].isdigit() else LAST + 1


def say(terminal: pytest.TerminalReporter) -> None:
    """Print the table when anything of this tier has run; the names of tests are keywords too, so the tier has to be asked for."""
    if "prove" not in terminal.config.option.markexpr.replace("not prove", ""):
        return
    layers: dict[str, Layer] = defaultdict(Layer)
    caught: list[tuple[str, str]] = []
    for outcome in ("passed", "failed", "error"):
        for report in terminal.stats.get(outcome, []):
            if not isinstance(report, pytest.TestReport) or "prove" not in report.keywords:
                continue
            layer, told = layers[_layer(report.nodeid)], dict(report.user_properties)
            layer.seconds += report.duration
            if report.when == "call":
                layer.cases += int(str(told.get("cases", 1)))
            layer.violations += report.failed
            if report.passed and "mechanism" in told:
                caught.append((str(told["mechanism"]), str(told["test"])))
    if not layers:
        return
    write = terminal.write_line
    terminal.section("proof")
    write(f"{'layer':<36}{'cases':>10}{'violations':>12}{'seconds':>10}")
    for name, layer in sorted(layers.items(), key=lambda one: (_number(one[0]), one[0])):
        write(f"{name:<36}{layer.cases:>10}{layer.violations:>12}{layer.seconds:>10.1f}")
    ran = {_number(name) for name in layers}
    if absent := [f"T{n}" for n in range(1, LAST + 1) if n not in ran]:
        write(f"no test of {', '.join(absent)} ran")
    for mechanism, test in sorted(caught):
        write(f"caught  {mechanism}  by  {test}")
