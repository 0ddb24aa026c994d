"""What becomes of unsure readings over a catalogue that nobody has reviewed."""

from __future__ import annotations

import pytest

from index.catalogue.model import Catalogue, Column, Table
from query.plan import Choice, Link, Reading
from query.planning.entity_names import Mention, Named
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


class _Films:
    """Three films that are called the same."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole

    def find(self, question: str) -> tuple[Mention, ...]:
        meant = tuple(Named("film", str(n), "Nightfall") for n in range(3))
        at = question.find("Nightfall")
        return (Mention(at, at + 9, meant, self.whole),) if at >= 0 else ()


def _about_films(*, whole: bool) -> Planner:
    return Planner(CATALOGUE, _Tables(0.9, 0.1), _Films(whole=whole), lambda _: Nearness(), lambda one, other: False)


def test_a_name_that_several_bear_in_full_is_a_value_like_any_other() -> None:
    assert _about_films(whole=True).plan("In how many shops is Nightfall sold?").route.path == "sql"
    assert _about_films(whole=False).plan("In how many shops is Nightfall sold?").route.path == "clarify"


@pytest.mark.parametrize(
    ("question", "refused"),
    [
        ("Give the names of the shops with at least five visits", False),
        ("Give every shop's name", False),
        ("Give all shops a discount of 10 %", True),
        ("Give Eva access to the shops", True),
    ],
)
def test_to_give_is_to_answer_or_to_change(question: str, refused: bool) -> None:
    plan = _planner(agree=False).plan(question)
    assert ("does not change data" in plan.route.reason) == refused


class _Nothing(_Tables):
    """No reading of any question."""

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        return ()


@pytest.mark.parametrize(
    "question", ["Which shops are at risk of churn?", "Draft an e-mail to the shops at risk of churn"]
)
def test_where_no_score_is_declared_the_asker_is_told_how_one_comes_to_be(question: str) -> None:
    plan = Planner(CATALOGUE, _Nothing(0, 0), _Nobody(), lambda _: Nearness(), lambda *_: False).plan(question)
    assert plan.route.path == "refuse" and "docs/scores.md" in plan.clarification
