"""A sync that is killed at any moment, and then run again, ends where an undisturbed one ends."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from ingest.sync.sources import sync
from tests.ingest.company import catalogue, dump, open_store, sources, write_company

MOMENTS = 30


def _run(home: Path) -> None:
    for report in sync(sources(home), open_store(home), catalogue()):
        assert report.ok, report.message
        assert report.totals.balanced


def _run_and_kill(home: Path, after: float) -> bool:
    """Sync in a process of its own, and kill it after so many seconds; True when it was still at work."""
    pid = os.fork()
    if pid == 0:
        try:
            _run(home)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_sync_killed_at_thirty_random_moments_ends_in_the_undisturbed_state(tmp_path: Path) -> None:
    home = tmp_path / "company"
    write_company(home, accounts=15)
    _run(home)  # warms imports up, so that the time measured next is the time that the killed ones take
    _clear(home)
    begun = time.monotonic()
    _run(home)
    seconds = time.monotonic() - begun
    undisturbed = dump(open_store(home))
    moments = random.Random(7)
    interrupted = 0
    for _ in range(MOMENTS):
        _clear(home)
        interrupted += _run_and_kill(home, moments.uniform(0, seconds))
        _run(home)
        assert dump(open_store(home)) == undisturbed
    assert interrupted >= MOMENTS // 2, "the kills came too late to mean anything"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_second_sync_killed_while_sources_change_ends_in_the_state_of_a_fresh_one(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    write_company(before, accounts=12)
    _run(before)
    write_company(after, accounts=17)
    _run(after)
    expected = dump(open_store(after))
    moments = random.Random(11)
    for _ in range(5):
        home = tmp_path / "now"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(before, home)
        for name in ("crm", "support", "library"):
            shutil.rmtree(home / name)
        (home / "billing.sqlite").unlink()
        for path in after.iterdir():
            if not path.name.startswith("tower.sqlite"):
                copy = shutil.copytree if path.is_dir() else shutil.copy2
                copy(path, home / path.name)
        _run_and_kill(home, moments.uniform(0, 0.4))
        _run(home)
        found = dump(open_store(home))
        for name in expected:
            if not name.startswith("state of billing"):  # holds the times of its file
                assert found[name] == expected[name], name


def _clear(home: Path) -> None:
    for path in home.glob("tower.sqlite*"):
        path.unlink()
