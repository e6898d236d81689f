"""A history from its seed to its end: the world is made, lives, comes to rest and is checked."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import device_api
from hub.store.database import Database
from tests.proof.check import check
from tests.proof.loop import run, seeded
from tests.proof.template import Template
from tests.proof.world import World


@contextmanager
def hub_time(world_now: Any) -> Iterator[None]:
    """Let the hub's handlers read the simulation's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_api, "now", world_now)
        yield


@contextmanager
def one_connection(database: Database) -> Iterator[None]:
    """Let the transactions of a history keep one connection, as those of each of the hub's own threads do."""
    database._own.lasting = True
    try:
        yield
    finally:
        database._own.lasting = False
        if (kept := getattr(database._own, "connection", None)) is not None:
            database._leave(kept)


def _let_in(template: Template) -> Path:
    """Let the kiosks in and bring them in step once: as a part of each history that would be a quarter of its time."""
    place = template.base.parent / f"{template.base.name}-cards"
    parts = template.again()
    place.mkdir()

    async def play(rng: random.Random) -> None:
        world = World(rng, parts, template.codes, place, restores=False)
        with hub_time(world.now):
            try:
                await world.begin()
            finally:
                await world.end()

    try:
        with seeded(0) as rng, one_connection(parts.database):
            run(play(rng))
    finally:
        parts.database.engine.dispose()
    return template.keep(place)


def history(seed: int, base: Path, template: Template, *, restores: bool = False) -> World:
    """Play the history of a seed and check the promises; Violation names the one that was broken."""
    place = base / f"seed-{seed}-{restores}"
    cards = template.cards or _let_in(template)
    parts = template.again()
    place.mkdir(parents=True)

    async def play(rng: random.Random) -> World:
        world = World(rng, parts, template.codes, place, restores=restores)
        with hub_time(world.now):
            try:
                await world.begin(cards=cards)
                await world.live()
                await world.rest()
                for kiosk in world.kiosks:
                    world.collect(kiosk)
                if world.failures:
                    raise world.failures[0]
                await check(world)
                world.count()
            finally:
                await world.end()
        return world

    try:
        with seeded(seed) as rng, one_connection(parts.database):
            return run(play(rng))
    finally:
        parts.database.engine.dispose()
        shutil.rmtree(place, ignore_errors=True)
