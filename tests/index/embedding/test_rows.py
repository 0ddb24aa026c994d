"""Texts in rows of their own and in one row: the same vectors, and what they are computed from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.embedding.minilm import MiniLM
from index.embedding.rows import one_row, rows_apart

TEXTS = ["Which customers are at risk?", "zips", "", "How long is the warranty on tents in Norway?", "zips"]


def test_in_one_row_a_text_begins_anew_and_sees_itself_alone() -> None:
    inputs = one_row([[5], [6, 7]], 4)
    assert inputs["input_ids"].tolist() == [[5, 0, 6, 7]] and inputs["positions"].tolist() == [[0, 0, 0, 1]]
    assert inputs["attention_mask"].tolist() == [[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]]
    assert inputs["texts"].tolist() == [[1, 0, 0, 0], [0, 0, 1, 1]]
    assert one_row([[5], [6, 7], [8]], 4)["input_ids"].tolist() == [[5, 0, 6, 7, 8, 0, 0, 0]]


def test_in_rows_apart_nothing_sees_the_padding() -> None:
    inputs = rows_apart([[5, 6], [7]], 2)
    assert inputs["input_ids"].tolist() == [[5, 6], [7, 0]] and inputs["positions"].tolist() == [[0, 1], [0, 1]]
    assert inputs["attention_mask"].tolist() == [[[1, 1], [1, 1]], [[1, 0], [1, 0]]]
    assert inputs["texts"].tolist() == [[1, 1], [1, 0]]
    assert {(array.dtype, array.flags["C_CONTIGUOUS"]) for array in inputs.values()} == {(np.dtype(np.int32), True)}


def test_both_ways_give_the_same_vectors(tmp_path: Path) -> None:
    model = MiniLM(tmp_path)
    tokens = model._tokens(TEXTS, "few")
    apart, together = (model._session("few").run(tokens, together=way) for way in (False, True))
    alone = np.concatenate([model._session("few").run([one]) for one in tokens])
    assert together == pytest.approx(apart, abs=1e-5) and alone == pytest.approx(apart, abs=1e-5)
