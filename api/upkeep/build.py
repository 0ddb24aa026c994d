"""Filling a generation of the vector index in a process of its own.

The embedded engine lets no other thread of its process run while it writes to its files, and embedding takes the
processor: a server that did both itself would answer late. It opens the generation when it is filled, checks it and
switches to it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

from index.errors import StorageError, TowerError

Told = Callable[[int, int], None]
_NICE = 10  # questions come first


def fill_apart(home: Path, generation: str, told: Told) -> int:
    """Fill `generation` of the workspace at `home`; how many passages were embedded. `told(done, total)` may end it by
    raising.

    Raises `StorageError` with what the process said. It ends with this one, however this one ends.
    """
    command = [sys.executable, "-m", __spec__.name, str(home.absolute()), generation]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None and process.stderr is not None
    said: list[str] = []
    errors = process.stderr
    reading = threading.Thread(target=lambda: said.extend(errors), daemon=True)
    reading.start()
    embedded = 0
    try:
        for line in process.stdout:
            done, total = json.loads(line)
            embedded = done
            told(done, total)
        status = process.wait()
    finally:
        process.kill()
        process.wait()
        reading.join(5)
    if status:
        reason = "".join(said).strip()[-1_000:] or f"exit status {status}"
        raise StorageError(f"the vector index {generation} was not built: {reason}", hint="the one before it stays")
    return embedded


def _fill(home: Path, generation: str) -> None:
    from api.settings import load_settings
    from api.wiring import open_workspace
    from api.workspace import Owned, Workspace
    from ingest.indexing import index_vectors, optimise

    workspace = open_workspace(home, load_settings(home))
    try:
        owned = Owned(cast(Workspace, workspace.inner))
        chosen = next(one for one in owned.store.generations() if one.generation == generation)
        gateway = owned.generations.open(chosen, owned.embedder)
        try:
            index_vectors(owned.store, gateway, owned.embedder, generation, _tell)
            optimise(gateway)
        finally:
            gateway.close()
    finally:
        workspace.close()


def _tell(done: int, total: int) -> None:
    sys.stdout.write(f"{json.dumps([done, total])}\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Whoever began this holds the other end of stdin: when that is gone, so is the reason for the work."""
    sys.stdin.read()
    os._exit(1)


def _main(home: str, generation: str) -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    try:
        _fill(Path(home), generation)
    except TowerError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1], sys.argv[2]))
