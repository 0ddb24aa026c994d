from __future__ import annotations

from query.compose.sentences import said_of
from query.plan import Reading


def test_a_value_is_told_with_the_conditions_it_stands_under() -> None:
    reading = Reading("SELECT 1", 0.9, "number of tickets where open ticket", title="number of tickets")
    assert said_of(reading) == "Number of tickets where open ticket"


def test_conditions_with_figures_that_nothing_cites_are_left_out() -> None:
    reading = Reading(
        "SELECT 1", 0.9, "number of orders where order date is at least 2025-01-01", title="number of orders"
    )
    assert said_of(reading) == "Number of orders"
