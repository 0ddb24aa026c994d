"""The search graph of a large shard, built in a process of its own on a copy, then put in the shard's place.

The engine builds it in one long call that lets no other thread of its process run: 8.7 s at 20,000 points. So the
serving process never makes that call. A kill at any moment leaves the old shard or the new one, and a copy at most,
which the next collection of generations removes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from index.errors import StorageError

WORTHWHILE = 30_000  # points without a graph; up to here looking at each of them takes less than 5 ms
_BUILT = "graph"  # a file in the shard: how many points it held when its graph was built
_BUILDING, _REPLACED = ".building", ".replaced"


def is_due(path: Path, points: int, worthwhile: int = WORTHWHILE) -> bool:
    """True when so many points were added since the graph was built, or there is none, that building it pays."""
    return points - _built(path) >= worthwhile


def build_beside(path: Path, points: int) -> Path:
    """Copy the shard at `path`, which nobody may write to meanwhile, and build the copy's graph; where the copy is.

    Raises `StorageError` when it cannot be built; nothing is left of the copy then.
    """
    copy = fresh_beside(path)
    try:
        shutil.copytree(path, copy)
        command = [sys.executable, "-m", __spec__.name, str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StorageError(f"the search graph of {path} was not built: {done.stderr.strip()[-500:]}")
        (copy / _BUILT).write_text(str(points))
    except OSError as error:
        raise StorageError(f"the search graph of {path} was not built: {error}", hint="is the disk full?") from error
    except BaseException:
        discard(copy)
        raise
    return copy


def fresh_beside(path: Path) -> Path:
    """Where a shard is built that is to replace the one at `path`; nothing is there."""
    copy = path.with_name(path.name + _BUILDING)
    shutil.rmtree(copy, ignore_errors=True)
    return copy


def discard(copy: Path) -> None:
    """Remove a copy that is not wanted."""
    shutil.rmtree(copy, ignore_errors=True)


def put_in_place(path: Path, copy: Path) -> None:
    """Make the copy the shard; nobody may have either open."""
    replaced = path.with_name(path.name + _REPLACED)
    shutil.rmtree(replaced, ignore_errors=True)
    path.rename(replaced)
    copy.rename(path)
    shutil.rmtree(replaced, ignore_errors=True)


def recover(path: Path) -> None:
    """Put the shard back that a kill in the middle of `put_in_place` left aside."""
    replaced = path.with_name(path.name + _REPLACED)
    if replaced.is_dir() and not path.exists():
        replaced.rename(path)


def _built(path: Path) -> int:
    try:
        return int((path / _BUILT).read_text())
    except (OSError, ValueError):
        return 0


def _build(path: Path) -> None:
    """What the process of its own does: load, build, leave."""
    import qdrant_edge

    with contextlib.suppress(OSError):
        os.nice(10)  # questions come first
    shard = qdrant_edge.EdgeShard.load(str(path))
    shard.optimize()
    shard.flush()
    shard.close()


if __name__ == "__main__":
    _build(Path(sys.argv[1]))
