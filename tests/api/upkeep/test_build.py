"""A generation is filled in a process of its own, which ends with the one that began it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import load_settings
from api.upkeep.build import build_apart
from api.upkeep.owned import Owned
from api.wiring import open_workspace
from api.workspace import Workspace
from index.errors import BusyError, StorageError

ROOT = Path(__file__).parents[3]
SOURCES = """
sources:
  notes: {kind: files, path: notes, documents: [{files: "*.md", tags: [all]}]}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "notes").mkdir()
    for number in range(12):
        (tmp_path / "notes" / f"{number}.md").write_text(f"# Note {number}\n\nThe ridge is {number} miles long.\n")
    (tmp_path / "tower.yaml").write_text(SOURCES)
    opened = open_workspace(tmp_path, load_settings(tmp_path)).inner
    assert isinstance(opened, Workspace)
    opened.ingest([], False, lambda *_: None)
    yield opened
    opened.close()


def test_a_server_s_reindex_fills_the_new_generation_elsewhere(workspace: Workspace) -> None:
    told: list[tuple[str, int]] = []
    scope = workspace.administrator()
    assert workspace.search("ridge", scope, 3)
    report = workspace.reindex([], True, True, lambda what, done, _total: told.append((what, done)), apart=True)
    assert (report["generation"], report["embedded"], report["total"]) == ("g0002", 12, 12)
    assert ("embedding passages", 12) in told
    assert workspace.search("ridge", scope, 3) and workspace.generation == "g0002"


def test_what_goes_wrong_there_is_told_here_and_the_live_generation_stays(workspace: Workspace) -> None:
    with pytest.raises(StorageError, match=r"g0001 was not built: .*open in another process"):
        workspace.search("ridge", workspace.administrator(), 1)  # this process owns it from here on
        build_apart(workspace.home, "g0001", lambda *_: None)
    assert workspace.search("ridge", workspace.administrator(), 1)


def test_it_is_ended_where_its_progress_is_refused(workspace: Workspace) -> None:
    name = Owned(workspace).generations.begin(workspace._embedder).generation  # type: ignore[arg-type]

    def stop(_what: str, _done: int, _total: int | None) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build_apart(workspace.home, name, stop)
    report = workspace.reindex([], True, False, lambda *_: None)
    assert (report["generation"], report["total"]) == (name, 12)  # the build goes on, nobody holds it


def test_it_ends_with_the_process_that_began_it(workspace: Workspace) -> None:
    name = Owned(workspace).generations.begin(workspace._embedder).generation  # type: ignore[arg-type]
    code = (
        "import sys, time; from pathlib import Path; from api.upkeep.build import build_apart\n"
        f"build_apart(Path({str(workspace.home)!r}), {name!r}, lambda *_: time.sleep(60))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    owner = workspace.home / "vectors" / f"{name}.owner"
    for _ in range(600):
        if owner.exists():
            break
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for attempt in range(200):
        try:
            assert workspace.reindex([], True, False, lambda *_: None)["total"] == 12
            return
        except BusyError:
            assert attempt < 199, "it holds the generation still"
            time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has such a class")
def test_it_takes_an_idle_processor_and_insists_where_there_is_none() -> None:
    code = (
        "import os, time; from api.upkeep import build\n"
        "build._PATIENCE_S, build._SHARE = 0.5, 100.0  # more than there is to get\n"
        "build.give_way(); print(os.sched_getscheduler(0), os.nice(0))\n"
        "while os.sched_getscheduler(0) == os.SCHED_IDLE: time.sleep(0.05)\n"
        "print(os.sched_getscheduler(0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=True, timeout=120,
    )  # fmt: skip
    first, niceness, then = done.stdout.split()
    assert (int(first), int(niceness), int(then)) == (os.SCHED_IDLE, min(19, os.nice(0) + 10), os.SCHED_OTHER)
