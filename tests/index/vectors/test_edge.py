"""The embedded engine: one owner, nothing acknowledged is lost, half a shard is made again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from index.errors import BusyError, NotFoundError, StorageError
from index.vectors import edge
from index.vectors.edge import EdgeGateway, point_id
from index.vectors.gateway import Narrow, Point, SparseVector
from tests.index.shelf import reader

HERE = Path(__file__).resolve().parents[3]


def point(chunk_id: str, tags: tuple[str, ...] = ("public",)) -> Point:
    return Point(chunk_id, chunk_id, "library", tags, (), "", "h", [1.0, 0.0, 0.0, 0.0], SparseVector((5,), (1.0,)))


def shard(path: Path, *, create: bool = True) -> EdgeGateway:
    return EdgeGateway(path / "shard", create=create, dimension=4)


def run(path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, with `shard` and `point` at hand."""
    start = f"from pathlib import Path; from tests.index.vectors.test_edge import *; path = Path({str(path)!r})\n"
    return subprocess.run([sys.executable, "-c", start + code], cwd=HERE, capture_output=True, text=True, check=False)


def test_points_are_there_after_reopening(tmp_path: Path) -> None:
    gateway = shard(tmp_path)
    gateway.upsert([point(f"d{n}#0") for n in range(2_500)])
    gateway.close()
    again = shard(tmp_path, create=False)
    assert again.count() == 2_500
    again.close()


def test_a_missing_shard_is_not_made_by_accident(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no vector index"):
        shard(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_is_told_who_owns_the_shard(tmp_path: Path) -> None:
    gateway = shard(tmp_path)
    other = run(tmp_path, "try: shard(path)\nexcept BusyError as error: print(error.message)")
    assert f"pid {os.getpid()}" in other.stdout
    with pytest.raises(BusyError):
        shard(tmp_path)
    gateway.close()
    assert "ok" in run(tmp_path, "shard(path).close(); print('ok')").stdout


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    code = """gateway = shard(path)
gateway.upsert([point(f'd{n}#0') for n in range(300)])
gateway.delete(['d0#0'])
import os, signal
os.kill(os.getpid(), signal.SIGKILL)"""
    killed = run(tmp_path, code)
    assert killed.returncode == -9
    gateway = shard(tmp_path, create=False)
    assert gateway.count() == 299
    gateway.close()


def test_a_shard_whose_creation_was_cut_off_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "shard" / "segments").mkdir(parents=True)
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    gateway = shard(tmp_path)
    assert gateway.upsert([point("a#0")]) == 1
    gateway.close()


def test_a_damaged_shard_is_a_clear_error_and_releases_the_lock(tmp_path: Path) -> None:
    shard(tmp_path).close()
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    for _ in range(2):
        with pytest.raises(StorageError, match="cannot be opened") as error:
            shard(tmp_path)
        assert "reindex" in error.value.hint


def test_a_closed_gateway_says_so(tmp_path: Path) -> None:
    gateway = shard(tmp_path)
    gateway.close()
    with pytest.raises(StorageError, match="closed"):
        gateway.count()


def test_what_the_engine_returns_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = shard(tmp_path)
    gateway.upsert([point("mine#0"), point("theirs#0", ("secret",))])
    monkeypatch.setattr(edge, "_filter", lambda _scope, _narrow: None)
    with caplog.at_level(logging.ERROR):
        hits = gateway.search(reader("public"), [1.0, 0, 0, 0], SparseVector((5,), (1.0,)), narrow=Narrow(), limit=9)
    assert [hit.chunk_id for hit in hits] == ["mine#0"]
    assert "theirs#0" in caplog.text
    gateway.close()


def test_a_chunk_keeps_its_point() -> None:
    assert point_id("library:a.md#0") == "54bfcbbe-9d92-50ae-83fb-c5ba57062058"


def test_a_purge_leaves_nothing_of_deleted_points_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "g0001"
    gateway = shard(path)
    gateway.upsert(point(f"plantedplanted{n}" if n % 2 else f"kept{n}") for n in range(40))
    gateway.delete([f"plantedplanted{n}" for n in range(1, 40, 2)])
    held = [path for path in tmp_path.rglob("*") if path.is_file() and b"plantedplanted" in path.read_bytes()]
    gateway.purge()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and b"plantedplanted" in path.read_bytes()]
    assert held and left == [] and gateway.count() == 20
    gateway.close()
    again = shard(path, create=False)
    assert again.count() == 20
    again.close()
