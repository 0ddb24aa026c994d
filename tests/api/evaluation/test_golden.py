"""Scoring: what counts as the expected answer, and that a wrong one does not."""

import datetime as dt
from pathlib import Path

import pytest

from api.evaluation.evaluate import evaluate, figures_without_source
from api.evaluation.golden import Golden, fault, read_golden, same_rows, same_value
from index.errors import UsageError
from query.answer import Answer
from tests.api.fake import ANSWERS, FakeService

COUNT, LEAVES, ZIPS = ANSWERS["How many accounts?"], ANSWERS["Who leaves?"], ANSWERS["Are zips covered?"]


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (3, 3.0, True),
        (10.126, 10.13, True),
        (10.10, 10.12, False),
        (1_000_000.0, 1_000_000.9, True),
        (1_000_000.0, 1_000_002.0, False),
        ("emea", "EMEA ", True),
        ("2026-05-01", dt.date(2026, 5, 1), True),
        ("2026-05-01", "2026-05-01T00:00:00", True),
        ("3", 3, False),
        (None, None, True),
        (None, 0, False),
        (True, 1, True),
    ],
)
def test_values_agree_as_the_docs_say(expected: object, got: object, same: bool) -> None:
    assert same_value(expected, got) is same


def test_rows_match_in_any_order_and_with_more_columns() -> None:
    assert same_rows([["a", 1], ["b", 2]], [[2, "x", "b"], [1, "y", "a"]], ordered=False)
    assert not same_rows([["a", 1], ["b", 2]], [["b", 2], ["a", 1]], ordered=True)
    assert not same_rows([["a", 1]], [["a", 1], ["b", 2]], ordered=False)
    assert not same_rows([["a", "a"]], [["a", "b"]], ordered=False)
    assert not same_rows([[1], [1]], [[1], [2]], ordered=False)


def test_rows_that_could_match_greedily_wrong_are_still_matched() -> None:
    assert same_rows([[1], [1, 2]], [[1, 2], [1, 3]], ordered=False)


def expecting(route: str, **expect: object) -> Golden:
    return Golden("g", "q", route, None, expect)


@pytest.mark.parametrize(
    ("golden", "answer", "right"),
    [
        (expecting("sql", rows=[[3]]), COUNT, True),
        (expecting("sql", rows=[[4]]), COUNT, False),
        (expecting("sql", rows=[[4]], alternatives=[[[3]]]), COUNT, True),
        (expecting("sql", rows=[[3]]), ZIPS, False),
        (expecting("vector", doc_ids=["warranty.md"], contains=["two  YEARS"]), ZIPS, True),
        (expecting("vector", doc_ids=["arranty.md"]), ZIPS, False),
        (expecting("vector", contains=["three years"]), ZIPS, False),
        (expecting("hybrid", items=["A1"], drafts=1, chart=True, images=True), LEAVES, True),
        (expecting("hybrid", items=["A1", "A2"]), LEAVES, False),
        (expecting("hybrid", items=[]), LEAVES, False),
        (expecting("hybrid", drafts=2), LEAVES, False),
        (expecting("sql", chart=True), COUNT, False),
        (expecting("refuse"), COUNT, False),
        (expecting("clarify"), COUNT, False),
    ],
)
def test_an_answer_is_right_or_wrong_with_a_reason(golden: Golden, answer: Answer, right: bool) -> None:
    assert (fault(golden, answer) == "") is right


def test_a_refusal_is_right_where_one_is_expected_and_wrong_elsewhere() -> None:
    refused = FakeService().ask("Something else", FakeService().scope_for(None))
    assert fault(expecting("refuse"), refused) == ""
    assert fault(expecting("sql", rows=[]), refused).startswith("refuse: ")


def test_a_figure_without_a_source_is_found() -> None:
    assert figures_without_source(COUNT) == ()
    assert figures_without_source(LEAVES) == ()
    assert figures_without_source(ANSWERS["Made up?"]) == ("answer: 77",)


def test_a_question_that_crashes_counts_as_wrong_and_the_rest_goes_on() -> None:
    cases = [
        Golden("a", "crash", "sql", None, {"rows": []}),
        Golden("b", "How many accounts?", "sql", "mallory", {"rows": [[3]]}),
        Golden("c", "How many accounts?", "sql", None, {"rows": [[3]]}),
    ]
    result = evaluate(FakeService(), cases, lambda done, total: None)
    assert [bool(one.why) for one in result.outcomes] == [True, True, False]
    assert result.as_json()["by_route"] == {"sql": {"right": 1, "asked": 3}}
    assert "forbidden" in result.outcomes[1].why
    assert evaluate(FakeService(), [], lambda done, total: None).accuracy == 0


@pytest.mark.parametrize("line", ['{"id": 1}', '{"question": "x", "route": "sideways"}', "[]", "x"])
def test_a_bad_golden_file_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(f'{{"question": "x", "route": "sql", "expect": {{"rows": []}}}}\n{line}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_golden(path)


def test_an_unknown_expectation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"question": "x", "route": "sql", "expect": {"row": []}}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="unknown expectation 'row'"):
        read_golden(path)
