"""The sample company, Alpenglow Outfitters: generator, catalogue, golden questions.

import data
data.write_workspace(Path("home"))     # tower.yaml, catalogue.yaml and the exports under sample/
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.generator import Progress
    from data.generator.world import World

__all__ = ["generate", "write_workspace"]


def generate(out: Path, seed: int = 7, progress: Progress | None = None) -> World:
    """Write the sample company's exports into the folder `out`; gives back the truth behind them.

    The same seed writes the same content. Takes some 6 s and 25 MB.
    """
    from data.generator import generate as run

    return run(out, seed, progress)


def write_workspace(home: Path, progress: Progress | None = None) -> World:
    """Make a workspace of the sample company in `home`: `tower.yaml`, `catalogue.yaml`, and the exports in `sample/`.

    `sample/golden.jsonl` holds the golden questions with the results that the truth gives; they are made for the
    default seed (another one may tie where a question asks for the highest), so this takes none.
    `sample/variations.jsonl` holds other ways to ask the four seed questions, `sample/generated.jsonl` five hundred
    questions made from templates.
    Files of an earlier run are replaced.
    """
    from data import golden

    home.mkdir(parents=True, exist_ok=True)
    world = generate(home / "sample", progress=progress)
    for name in ("tower.yaml", "catalogue.yaml"):
        text = (Path(__file__).parent / name).read_text(encoding="utf-8")
        (home / name).write_text(text, encoding="utf-8")
    (home / "sample" / "golden.jsonl").write_text(golden.lines(world), encoding="utf-8")
    (home / "sample" / "variations.jsonl").write_text(golden.variation_lines(world), encoding="utf-8")
    (home / "sample" / "generated.jsonl").write_text(golden.generated_lines(world), encoding="utf-8")
    return world
