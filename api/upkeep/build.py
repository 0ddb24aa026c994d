"""Building a generation of the vector index in a process of its own.

The embedded engine lets no other thread of its process run while it writes to its files, and embedding takes the
processor: a server that did both itself would answer late. That process also tries the generation; the server opens it
when that is done, and switches to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from api.upkeep.gate import Tried, golden_questions, try_out
from index.errors import StorageError, TowerError

if TYPE_CHECKING:
    from api.service import Progress


_NICE = 10
_PATIENCE_S = 30.0
_SHARE = 0.1  # of one core; with less it would take for ever, and hold up the next ingest
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True)
class Built:
    """A generation that is filled, how many passages were embedded for it, and what came of trying it."""

    embedded: int
    tried: Tried


def build_apart(home: Path, generation: str, progress: Progress, *, golden: bool = False) -> Built:
    """Fill and try `generation` of the workspace at `home`; `progress` may end it by raising. With `golden` the
    workspace's golden questions are asked.

    Raises `StorageError` with what the process said. It ends with this one, however this one ends.
    """
    command = [sys.executable, "-m", __spec__.name, str(home.absolute()), generation, "golden" if golden else ""]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None and process.stderr is not None
    said: list[str] = []
    errors = process.stderr
    reading = threading.Thread(target=lambda: said.extend(errors), daemon=True)
    reading.start()
    built = None
    try:
        for line in process.stdout:
            told = json.loads(line)
            if "built" in told:
                tried = {**told["tried"], "wrong": tuple((number, path) for number, path in told["tried"]["wrong"])}
                built = Built(told["built"], Tried(**tried))
            else:
                progress(told["what"], told["done"], told["total"])
        status = process.wait()
    finally:
        process.kill()
        process.wait()
        reading.join(5)
    if status or built is None:
        reason = "".join(said).strip()[-1_000:] or f"exit status {status}"
        raise StorageError(f"the vector index {generation} was not built: {reason}", hint="the one before it stays")
    return built


def _build(home: Path, generation: str, *, golden: bool) -> Built:
    from api.settings import load_settings
    from api.upkeep.owned import Owned
    from api.wiring import open_workspace
    from api.workspace import Workspace
    from ingest.reindex import build

    settings = load_settings(home)
    settings = settings.model_copy(update={"threads": max(1, settings.worker_threads - 1)})  # a core for questions
    workspace = open_workspace(home, settings)
    try:
        owned = Owned(cast(Workspace, workspace.inner))
        chosen = next(one for one in owned.store.generations() if one.generation == generation)
        gateway = owned.generations.open(chosen, owned.embedder)
        try:
            told = lambda done, total: _tell("embedding passages", done, total)  # noqa: E731
            embedded, _ = build(generation, gateway, owned.store, owned.embedder, told)
            asked, _ = golden_questions(settings, wanted=golden)
            return Built(embedded, try_out(owned, gateway, asked, _tell))
        finally:
            gateway.close()
    finally:
        workspace.close()


def _tell(what: str, done: int, total: int | None) -> None:
    _say({"what": what, "done": done, "total": total})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Whoever began this holds the other end of stdin: when that is gone, so is the reason for the work."""
    sys.stdin.read()
    os._exit(1)


def give_way() -> None:
    """Take the processor and the disk only while nobody else wants them: questions come first. Where others want them
    all the time, work at a low priority rather than not at all."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    if hasattr(os, "SCHED_IDLE") and _THREADS.is_dir():  # Linux; such a thread's reads and writes are idle ones as well
        threading.Thread(target=_insist, daemon=True).start()
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _insist() -> None:
    """Watch what this process gets; this thread is no idle one."""
    used = 0.0
    while True:
        time.sleep(_PATIENCE_S)
        before, used = used, time.process_time()
        if used - before < _SHARE * _PATIENCE_S:
            break
    for thread in _THREADS.iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def _main(home: str, generation: str, golden: str) -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    give_way()
    try:
        built = _build(Path(home), generation, golden=bool(golden))
    except TowerError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    _say({"built": built.embedded, "tried": asdict(built.tried)})
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(*sys.argv[1:4]))
