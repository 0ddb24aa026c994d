"""Deliberate defects are caught: two of them here, all by `python -m scripts.mutants`."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.mutants import ROOT, caught, copy, read

MUTANTS = read()


def test_there_are_many_defects_and_each_can_be_made() -> None:
    assert len(MUTANTS) >= 50 and len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    texts = {mutant.file: (ROOT / mutant.file).read_text(encoding="utf-8") for mutant in MUTANTS}
    assert [mutant.name for mutant in MUTANTS if texts[mutant.file].count(mutant.old) != 1] == []
    assert [
        mutant.name for mutant in MUTANTS if not all((ROOT / test).is_file() for test in mutant.tests.split())
    ] == []


@pytest.mark.parametrize("name", ["columns of roles with different rows add up", "points are not looked at again"])
def test_a_defect_is_caught(name: str, tmp_path: Path) -> None:
    copy(tmp_path)
    [mutant] = [mutant for mutant in MUTANTS if mutant.name == name]
    assert caught(mutant, tmp_path)
