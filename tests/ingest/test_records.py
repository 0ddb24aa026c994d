"""Records to rows: keys, duplicates, references, and totals that balance."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import SourceError
from ingest.records import RawRow, TableSpec, build_table


def _raws(*values: dict[str, Any]) -> list[RawRow]:
    return [RawRow("f.csv", str(n), v) for n, v in enumerate(values, 1)]


def _reasons(built: Any) -> dict[str, str]:
    return {r.origin: r.reason for r in built.rejected}


def test_an_exact_repeat_is_no_second_row() -> None:
    built = build_table(TableSpec("t", "s", ("id",)), _raws({"id": "1", "a": "x"}, {"id": "1", "a": "x"}))
    assert (len(built.rows), built.repeated, built.rejected) == (1, 1, ())


def test_a_repeat_that_only_lacks_values_is_no_conflict() -> None:
    built = build_table(TableSpec("t", "s", ("id",)), _raws({"id": "1", "a": "x"}, {"id": "1", "a": "x", "b": "y"}))
    assert built.repeated == 1 and built.rows[0].values == (1, "x", "y")


def test_of_conflicting_records_the_newest_stands() -> None:
    old, new = {"id": 1, "a": "old", "updated_at": "2026-01-01"}, {"id": 1, "a": "new", "updated_at": "2026-02-01"}
    for first, second in ((old, new), (new, old)):
        built = build_table(TableSpec("t", "s", ("id",)), _raws(first, second))
        assert built.rows[0].values[1] == "new"
        assert "duplicate key 1" in built.rejected[0].reason and '"old"' in built.rejected[0].record
    built = build_table(TableSpec("t", "s", ("id",)), _raws({"id": 1, "a": "first"}, {"id": 1, "a": "last"}))
    assert built.rows[0].values[1] == "last"


def test_missing_keys_and_references_are_rejected() -> None:
    spec = TableSpec("t", "s", ("id",), references={"owner": ("users.id", {"7"})})
    built = build_table(spec, _raws({"id": "1", "owner": 7}, {"id": "", "owner": 7}, {"id": "2", "owner": 8}))
    assert [row.key for row in built.rows] == ["1"]
    assert _reasons(built) == {
        "f.csv#2": "missing key id", "f.csv#3": "missing reference: owner 8 is not in users.id",
    }  # fmt: skip


def test_a_key_column_that_is_not_there_is_an_error_with_the_near_one() -> None:
    with pytest.raises(SourceError, match="no column 'ticket_id'") as error:
        build_table(TableSpec("t", "s", ("ticket_id",)), _raws({"ticketid": 1}))
    assert "'ticketid'" in error.value.hint


def test_a_key_is_inferred_where_one_column_is_called_like_it_and_unique() -> None:
    assert build_table(TableSpec("orders", "s"), _raws({"order_id": 1}, {"order_id": 2})).table.key == ("order_id",)
    assert build_table(TableSpec("orders", "s"), _raws({"order_id": 1}, {"order_id": 1})).table.key == ()


def test_without_a_key_equal_rows_stay_apart() -> None:
    built = build_table(TableSpec("log", "s"), _raws({"a": "x"}, {"a": "x"}, {"a": "y"}))
    assert len({row.key for row in built.rows}) == 3 and built.repeated == 0


def test_declared_columns_are_there_even_without_values() -> None:
    built = build_table(TableSpec("t", "s", ("id",), types={"promo": "date"}), _raws({"id": "1"}))
    assert [(c.name, c.type) for c in built.table.columns] == [("id", "integer"), ("promo", "date")]
    assert built.warnings == ("t: no record has a column 'promo'",)


_VALUES = st.one_of(st.none(), st.integers(0, 5), st.sampled_from(["", "1", "2", "x", "NA", "2026-01-01"]))


@given(st.lists(st.fixed_dictionaries({"id": _VALUES, "a": _VALUES}, optional={"updated_at": _VALUES}), max_size=30))
def test_every_record_ends_as_a_row_a_repeat_or_a_rejection(records: list[dict[str, Any]]) -> None:
    spec = TableSpec("t", "s", ("id",) if records else (), types={"a": "integer"})
    built = build_table(spec, _raws(*records))
    assert len(built.rows) + built.repeated + len(built.rejected) == len(records)
    assert len({row.key for row in built.rows}) == len(built.rows)
