"""A short selection of the fault matrix; scripts/faults.py runs all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.connectors.faults import FAULTS, run_case, sqlite_index

SHORT = ("kill -9", "everything over HTTP", "reordered")


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_it_ends_in_the_calm_runs_state_under(name: str, tmp_path: Path) -> None:
    case = run_case(name, 3, tmp_path / "home", sqlite_index(tmp_path / "home"))
    assert case.notes, "nothing went wrong, so nothing was shown"


def test_the_matrix_has_the_faults_that_are_promised() -> None:
    assert len(FAULTS) >= 25 and set(SHORT) <= set(FAULTS)
