from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.document_tables.grid import figure, grids

SALES = """Sales by contract (in millions):

|  |  | Years Ended September 30, |  |
| --- | --- | --- | --- |
|  | 2019 | 2018 | 2017 |
| Fixed Price | $ 1,452.4 | $ 1,146.2 | $ 1,036.9 |
| Services: |  |  |  |
| Other | 44.1 | (56.7) | — |

After the table.
"""


@pytest.mark.parametrize(
    ("written", "number"),
    [("$ 1,452.4", "1452.4"), ("(56.7)", "-56.7"), ("$(2,727)", "-2727"), ("-3.5%", "-3.5"), ("—", None), ("n/a", None),
     ("2019", "2019"), ("0.5x", "0.5"), ("1,2,3", None), ("", None)],
)  # fmt: skip
def test_a_cell_writes_a_number_or_none(written: str, number: str | None) -> None:
    assert figure(written) == (None if number is None else Decimal(number))


def test_header_sections_and_cells_are_told_apart() -> None:
    (grid,) = grids(SALES)
    assert [grid.years(c) for c in range(3)] == [{2019}, {2018}, {2017}]
    assert all("Years Ended September 30" in column for column in grid.columns)
    assert [(row.label.text, row.section) for row in grid.rows] == [("Fixed Price", ""), ("Other", "Services:")]
    assert grid.rows[1].cells[2] is None
    assert grid.scale == "million"


def test_every_cell_stands_at_its_place_in_the_text() -> None:
    (grid,) = grids(SALES)
    cells = [cell for row in grid.rows for cell in (row.label, *row.cells) if cell is not None]
    assert all(SALES[cell.start : cell.end] == cell.text for cell in cells)


def test_a_text_without_a_table_has_no_grid() -> None:
    assert list(grids("Nothing | here\nor here")) == []
    assert list(grids("| a |\n| --- |\n| b |")) == []


_CELL = st.text(
    st.characters(blacklist_characters="|\\\n\r", blacklist_categories=("Cs", "Zl", "Zp", "Cc")), max_size=8
)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=4), min_size=2, max_size=5), st.text("ab \n", max_size=20))
def test_any_table_keeps_the_places_of_its_cells(rows: list[list[str]], lead: str) -> None:
    text = lead + "\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)
    for grid in grids(text):
        for row in grid.rows:
            for cell in (row.label, *row.cells):
                assert cell is None or text[cell.start : cell.end] == cell.text
