"""What becomes of unsure readings over a catalogue that nobody has reviewed."""

from __future__ import annotations

import pytest

from index.catalogue.model import Catalogue, Column, Table
from query.plan import Choice, Link, Reading
from query.planning.entity_names import Mention
from query.planning.planner import Planner
from query.planning.relevance import Nearness
from query.planning.router import NOT_SURE_ENOUGH

CATALOGUE = Catalogue(tables=(Table("shops", "Shops", (Column("name", "text", "name"),)),))
QUESTION = "Which shops are large?"


class _Tables:
    """Two readings of every question, about as likely."""

    def __init__(self, best: float, second: float) -> None:
        self._readings = (Reading("SELECT 1", best, "one thing"), Reading("SELECT 2", second, "another thing"))

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        return self._readings if subject is None else ()

    def choice(self, question: str) -> Choice | None:
        return None

    def links(self, question: str) -> tuple[Link, ...]:
        return ()

    def unknown_words(self, question: str) -> tuple[str, ...]:
        return ()


class _Nobody:
    def find(self, question: str) -> tuple[Mention, ...]:
        return ()


def _planner(*, agree: bool) -> Planner:
    return Planner(CATALOGUE, _Tables(0.5, 0.49), _Nobody(), lambda _: Nearness(), lambda one, other: agree)


@pytest.mark.parametrize(("agree", "path", "shown"), [(False, "clarify", 2), (True, "refuse", 1)])
def test_two_unsure_readings_are_asked_back_unless_they_find_the_same(agree: bool, path: str, shown: int) -> None:
    plan = _planner(agree=agree).plan(QUESTION)
    assert (plan.route.path, len(plan.steps)) == (path, shown)
    assert not agree or plan.route.reason == NOT_SURE_ENOUGH


class _Unwritten(_Tables):
    """No reading can be written down, but the words leave a choice."""

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        return ()

    def choice(self, question: str) -> Choice | None:
        return Choice("attachment", ("both large", "only the second large"), ())


def test_words_with_two_meanings_are_asked_back_even_where_no_query_can_be_written() -> None:
    planner = Planner(CATALOGUE, _Unwritten(0.0, 0.0), _Nobody(), lambda _: Nearness(), lambda one, other: False)
    plan = planner.plan("Show shops and stalls that are large")
    assert (plan.route.path, plan.steps) == ("clarify", ())
    assert plan.clarification == "Do you mean both large, or only the second large?"
