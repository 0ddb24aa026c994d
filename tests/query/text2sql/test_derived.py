"""Metrics that columns make plain: the days that something takes."""

from __future__ import annotations

from dataclasses import replace

from index.catalogue.model import Catalogue, Column, Metric, Table
from query.text2sql.derived import with_derived_metrics

_DATES = (
    Column("created_at", "datetime", "Created at"),
    Column("resolved_at", "datetime", "Resolved at"),
    Column("due_on", "date", "Due on"),
    Column("status", "text", "Status"),
)
_TICKETS = Table("tickets", "Tickets", _DATES, time_column="created_at")


def test_what_was_done_took_the_days_since_the_row_began() -> None:
    (days,) = with_derived_metrics(Catalogue((_TICKETS,))).metrics
    assert days.sql == 'AVG(JULIANDAY("resolved_at") - JULIANDAY("created_at"))'
    assert (days.label, days.unit) == ("Average days from Created at to Resolved at", "days")
    assert days.time == "tickets.created_at"
    assert {"resolution time", "average time to close", "time to resolved"} <= set(days.synonyms)


def test_another_verb_stands_for_its_own_date_only() -> None:
    both = replace(_TICKETS, columns=(*_DATES, Column("closed_at", "datetime", "Closed at")))
    metrics = {m.name: m for m in with_derived_metrics(Catalogue((both,))).metrics}
    assert "time to close" not in metrics["days_to_resolved_at"].synonyms
    assert "time to closed" in metrics["days_to_closed_at"].synonyms


def test_what_a_column_is_called_or_what_must_be_done_is_no_duration() -> None:
    told = replace(_TICKETS, columns=(*_DATES, Column("resolution_time", "integer", "Resolution time")))
    (days,) = with_derived_metrics(Catalogue((told,))).metrics
    assert "resolution time" not in days.synonyms and "days to resolved" in days.synonyms
    assert not any("need" in text or "arriv" in text for text in days.synonyms)


def test_a_date_that_may_not_be_seen_makes_no_metric() -> None:
    seen = replace(_TICKETS, columns=tuple(c for c in _DATES if c.name != "resolved_at"))
    assert with_derived_metrics(Catalogue((_TICKETS,)), (seen,)).metrics == ()


def test_a_metric_of_the_catalogue_is_not_said_twice() -> None:
    own = Metric("speed", "Speed", "tickets", "AVG(JULIANDAY(resolved_at) - JULIANDAY(created_at))")
    assert with_derived_metrics(Catalogue((_TICKETS,), metrics=(own,))).metrics == (own,)


def test_a_table_without_a_date_of_its_own_has_none() -> None:
    assert with_derived_metrics(Catalogue((replace(_TICKETS, time_column=None),))).metrics == ()
