"""Structured files: records out, broken parts reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.errors import SourceError
from ingest.readers import Broken, Record, read_records


def _read(path: Path, content: str | bytes, **options: str) -> tuple[list[dict[str, Any]], list[Broken]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = list(read_records(path, **options))
    return [dict(r.values) for r in found if isinstance(r, Record)], [b for b in found if isinstance(b, Broken)]


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ([{"a": 1}], ""), ({"records": [{"a": 1}], "done": True}, ""), ({"d": {"results": [{"a": 1}]}}, ""),
        ({"x": {"y": [{"a": 1}]}}, "x.y"), ({"value": [{"a": 1}], "other": [{"b": 1}]}, ""), ({"a": 1}, ""),
    ],
)  # fmt: skip
def test_json_records_are_found_where_they_are(tmp_path: Path, body: object, records: str) -> None:
    assert _read(tmp_path / "a.json", json.dumps(body), records=records)[0] == [{"a": 1}]


def test_json_that_breaks_off_gives_what_stood_before(tmp_path: Path) -> None:
    good, broken = _read(tmp_path / "a.json", '{"records": [{"a": 1}, {"a": 2}, {"a": ')
    assert good == [{"a": 1}, {"a": 2}]
    assert [b.place for b in broken] == ["3"] and "not JSON from here on" in broken[0].reason


def test_json_without_the_named_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing at 'rows'"):
        _read(tmp_path / "a.json", '{"records": []}', records="rows")


def test_bad_lines_of_json_lines_are_broken_one_by_one(tmp_path: Path) -> None:
    good, broken = _read(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": \n[1]\n{"a": 2}')
    assert good == [{"a": 1}, {"a": 2}]
    assert [(b.place, b.reason[:8]) for b in broken] == [("3", "not JSON"), ("4", "expected")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["a", "b"], ["1", "x y"], ["2", "z"]))
    assert _read(tmp_path / "a.csv", text)[0] == [{"a": "1", "b": "x y"}, {"a": "2", "b": "z"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    text = "name,city\nZoë Müller,Zürich\n" + "Ann,Bern\n" * 20
    assert _read(tmp_path / "a.csv", text.encode(encoding))[0][0] == {"name": "Zoë Müller", "city": "Zürich"}


def test_lines_in_two_encodings_are_each_read_in_their_own(tmp_path: Path) -> None:
    content = b"name\n" + "Zoë\n".encode() + "Müller\n".encode("cp1252")
    assert _read(tmp_path / "a.csv", content)[0] == [{"name": "Zoë"}, {"name": "Müller"}]


def test_a_declared_encoding_is_used_and_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.csv", "n\nПривет".encode("cp1251"), encoding="cp1251")[0] == [{"n": "Привет"}]
    with pytest.raises(SourceError, match="'klingon' is not an encoding"):
        _read(tmp_path / "a.csv", "n\n1", encoding="klingon")


def test_rows_of_the_wrong_width_are_broken_and_quoted_line_ends_are_not(tmp_path: Path) -> None:
    good, broken = _read(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n2\n3,4,5\n6,7,\n\n8,9\n')
    assert good == [{"a": "1", "b": "x\ny"}, {"a": "6", "b": "7"}, {"a": "8", "b": "9"}]
    assert [(b.place, b.reason) for b in broken] == [
        ("4", "1 fields where the header has 2"), ("5", "3 fields where the header has 2"),
    ]  # fmt: skip


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    lines = ["a,b", "1,x", '2,"open', *(f"{n},y" for n in range(3, 30))]
    good, broken = _read(tmp_path / "a.csv", "\n".join(lines))
    assert len(good) + len(broken) == 29 and len(good) >= 28 and good[-1] == {"a": "29", "b": "y"}


def test_headers_are_made_complete_and_unique(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.csv", "a,,a\n1,2,3")[0] == [{"a": "1", "column_2": "2", "a_3": "3"}]


def test_parquet_keeps_its_types_and_leaves_bytes_out(tmp_path: Path) -> None:
    import datetime as dt

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"n": [1, None], "day": [dt.date(2026, 1, 2)] * 2, "raw": [b"x", b"y"]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = list(read_records(tmp_path / "a.parquet"))
    assert next(dict(r.values) for r in found if isinstance(r, Record)) == {"n": 1, "day": dt.date(2026, 1, 2)}
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:60])
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        list(read_records(tmp_path / "b.parquet"))


def test_a_workbook_gives_its_first_sheet_and_those_like_it(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for name, rows in (("a", [[], ["id", "x"], [1, "y"]]), ("b", [["id", "x"], [2, "z"]]), ("c", [["k"], [9]])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "a.xlsx")
    found = [r for r in read_records(tmp_path / "a.xlsx") if isinstance(r, Record)]
    assert [(r.place, dict(r.values)) for r in found] == [("a!3", {"id": 1, "x": "y"}), ("b!2", {"id": 2, "x": "z"})]
    assert [dict(r.values) for r in read_records(tmp_path / "a.xlsx", records="c") if isinstance(r, Record)] == [
        {"k": 9}
    ]
    with pytest.raises(SourceError, match="no sheet 'nope'"):
        list(read_records(tmp_path / "a.xlsx", records="nope"))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"\.png is no table"):
        read_records(tmp_path / "a.png")
