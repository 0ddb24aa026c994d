"""Deliberate defects of guard, policy and vector filter: does the suite catch each of them?

    python -m scripts.mutants [--only TEXT] [--list]

`tests/index/mutants.jsonl` holds one defect a line: an edit of one file, and the tests that must fail with it. Each is
made in a copy of the checkout. Exit status 1 where one is not caught.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "tests" / "index" / "mutants.jsonl"
COPIED = ("index", "query", "ingest", "api", "data", "scripts", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands once in `file`, becomes `new`; one of `tests` (files, with spaces between) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


def read() -> list[Mutant]:
    """The defects of the data file."""
    return [Mutant(**json.loads(line)) for line in MUTANTS.read_text(encoding="utf-8").splitlines()]


def copy(folder: Path) -> None:
    """What the tests need of the checkout, in `folder`."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def caught(mutant: Mutant, folder: Path) -> bool:
    """True when a test fails with the defect made in the copy at `folder`, which is put right again."""
    path = folder / mutant.file
    sound = path.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: its text stands {sound.count(mutant.old)} times in {mutant.file}")
    path.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", "not milliseconds"]
        done = subprocess.run(
            [*command, *mutant.tests.split()], cwd=folder, capture_output=True, text=True, check=False, timeout=900
        )
    finally:
        path.write_text(sound, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutant.name}: the tests did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


def main() -> int:
    """Try every defect and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="defects whose name holds this")
    parser.add_argument("--list", action="store_true", help="print their names and stop")
    arguments = parser.parse_args()
    mutants = [mutant for mutant in read() if arguments.only in mutant.name]
    if arguments.list:
        print("\n".join(mutant.name for mutant in mutants))
        return 0
    missed = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy(folder)
        for mutant in mutants:
            found = caught(mutant, folder)
            missed += not found
            print(f"{'caught' if found else 'MISSED'}  {mutant.file:24} {mutant.name}", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} defects caught")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
