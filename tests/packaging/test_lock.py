"""The lock: hashed, without addresses, whole, and installable from wheels on a Raspberry Pi."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from docs.generate.locks import NAMES, PYTHONS, ROOT, normal, project, read, text, wheels

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
GLIBC_OF_DEBIAN_12 = 36
PI = [f"manylinux_2_{minor}_aarch64" for minor in range(GLIBC_OF_DEBIAN_12, 16, -1)]
PI += ["manylinux2014_aarch64", "linux_aarch64"]
# "pi" holds lgpio alone: a Pi takes it from Debian (docs/reference.md), its newest wheels need a newer glibc.
EXTRAS = {"kiosk": (), "demo": ("hub",), "dev": ("hub", "dev")}


def tags_of_a_pi(python: str) -> set[Tag]:
    """Return the tags that CPython of a version accepts on Raspberry Pi OS, 64 bit."""
    major, minor = (int(part) for part in python.split("."))
    return {
        *cpython_tags((major, minor), platforms=PI),
        *compatible_tags((major, minor), f"cp{major}{minor}", platforms=PI),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_pinned_hashed_and_without_an_address(name: str) -> None:
    assert len(read(name)) > 40
    assert "://" not in text(name)
    assert " @ " not in text(name)


def test_the_listing_of_wheels_matches_the_lock() -> None:
    pins, listed = read("kiosk"), wheels()
    assert set(listed) == {f"{p.name}=={p.version}" for p in pins.values()}
    for pin in pins.values():
        files = listed[f"{pin.name}=={pin.version}"]
        assert files, (
            f"{pin.name} has neither a wheel for aarch64 nor a pure one; run make lock or choose another"
        )
        assert set(files.values()) <= pin.hashes
        for file in files:
            name, version, _, _ = parse_wheel_filename(file)
            assert (normal(name), str(version)) == (pin.name, pin.version)


@pytest.mark.parametrize("python", PYTHONS)
def test_a_pi_installs_every_dependency_from_a_wheel(python: str) -> None:
    accepted, listed = tags_of_a_pi(python), wheels()
    without = [
        pin.name
        for pin in read("kiosk").values()
        if pin.wanted(python)
        and not any(accepted & parse_wheel_filename(file)[3] for file in listed[f"{pin.name}=={pin.version}"])
    ]
    assert without == []


def test_what_a_pi_takes_from_debian_is_not_locked_and_the_reference_says_so() -> None:
    (needed,) = project()["project"]["optional-dependencies"]["pi"]
    assert Requirement(needed).name == "lgpio"
    assert "lgpio" not in read("dev")
    assert "`python3-lgpio`" in (ROOT / "docs" / "reference.md").read_text("utf-8")


def test_the_lock_files_agree_on_versions() -> None:
    kiosk, demo, dev = (read(name) for name in NAMES)
    assert {n: p.version for n, p in kiosk.items()}.items() <= {n: p.version for n, p in demo.items()}.items()
    assert {n: p.version for n, p in demo.items()}.items() <= {n: p.version for n, p in dev.items()}.items()


def declared(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for, and the build backend: it must come from the lock too."""
    ours = project()
    parts = ours["project"]
    optional = [n for e in extras for n in parts["optional-dependencies"][e]]
    for line in [*parts["dependencies"], *optional, *ours["build-system"]["requires"]]:
        need = Requirement(line)
        if normal(need.name) != parts["name"]:
            yield need


@pytest.mark.parametrize("name", NAMES)
def test_what_is_declared_is_locked(name: str) -> None:
    pins = read(name)
    for need in declared(EXTRAS[name]):
        pin = pins.get(normal(need.name))
        assert pin, f"{name}.txt has no {need.name}; run make lock"
        assert need.specifier.contains(pin.version), f"{name}.txt: {pin.name} {pin.version} is not {need}"


@pytest.mark.parametrize("name", NAMES)
def test_the_lock_holds_what_is_needed_and_nothing_else(name: str) -> None:
    pins = read(name)
    wanted = {pin.name for pin in pins.values() if pin.wanted(HERE, platform.machine())}
    open_needs, seen = list(declared(EXTRAS[name])), set[tuple[str, str]]()
    while open_needs:
        need = open_needs.pop()
        for extra in ("", *need.extras):
            if (normal(need.name), extra) in seen:
                continue
            seen.add((normal(need.name), extra))
            for line in metadata.requires(need.name) or ():
                inner = Requirement(line)
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    open_needs.append(inner)
    assert {package for package, _ in seen} == wanted


def test_what_is_installed_here_is_what_is_locked() -> None:
    for pin in read("dev").values():
        if pin.wanted(HERE, platform.machine()):
            assert metadata.version(pin.name) == pin.version, f"{pin.name}: run make test again"
