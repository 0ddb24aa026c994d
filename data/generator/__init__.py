"""The generator of the sample company: one module a system, all drawing from the truth in `world`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from data.generator import billing, crm, library, pictures, portal, shop, support
from data.generator.world import World, build_world

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the step and the number of steps."""


def build(seed: int = 7) -> World:
    """The whole truth in memory, nothing written."""
    world = build_world(seed)
    shop.build(world)
    billing.build_contracts(world)
    crm.build(world)
    billing.build(world)
    portal.build(world)
    support.build(world)
    library.build(world)
    return world


def generate(out: Path, seed: int = 7, progress: Progress | None = None) -> World:
    """Write what the company's systems would export into the folder `out`; gives back the truth behind it.

    The same seed gives the same files. `out` is made when missing; files in it are replaced, others are left.
    """
    steps: tuple[tuple[str, Callable[[World, Path], None]], ...] = (
        ("CRM", crm.write),
        ("Shop", shop.write),
        ("Billing", billing.write),
        ("Portal", portal.write),
        ("Support", support.write),
        ("Library", library.write),
        ("Pictures", pictures.write),
    )
    tell = progress or (lambda what, step, steps: None)
    tell("World", 0, len(steps) + 1)
    world = build(seed)
    out.mkdir(parents=True, exist_ok=True)
    for at, (label, write) in enumerate(steps, 1):
        tell(label, at, len(steps) + 1)
        write(world, out)
    (out / "dirt.json").write_text(json.dumps(world.dirt.rows(), indent=1), encoding="utf-8")
    tell("Done", len(steps) + 1, len(steps) + 1)
    return world
