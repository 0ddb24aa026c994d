from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from query.router import RouteFeatures, path_names, route

SHARE = st.floats(0, 1)


def features(**given: object) -> RouteFeatures:
    base: dict[str, object] = {
        "question": "How many orders are there?", "sql": 0.0, "runner_up": 0.0, "runner_up_differs": False,
        "relevance": 0.0, "coverage": 0.0, "unknown": 0.0, "steps": False, "joined": False,
    }  # fmt: skip
    return RouteFeatures(**{**base, **given})  # type: ignore[arg-type]


def test_a_sure_reading_goes_to_the_tables() -> None:
    assert route(features(sql=0.9, relevance=0.3)).path == "sql"


def test_a_question_about_a_policy_goes_to_the_documents() -> None:
    assert (
        route(
            features(question="What is the policy on time off?", sql=0.2, relevance=0.6, coverage=1.0, unknown=0.5)
        ).path
        == "vector"
    )


def test_what_nothing_speaks_of_is_refused() -> None:
    assert route(features(question="Will it rain in Oslo?", sql=0.1, relevance=0.1, unknown=1.0)).path == "refuse"


def test_two_close_readings_are_asked_back() -> None:
    assert route(features(sql=0.55, runner_up=0.54, runner_up_differs=True)).path == "clarify"


@given(st.text(max_size=80), SHARE, SHARE, st.booleans(), SHARE, SHARE, SHARE, st.booleans())
def test_any_features_give_a_valid_choice(
    question: str, sql: float, second: float, differs: bool, near: float, shared: float, unknown: float, steps: bool
) -> None:
    made = route(RouteFeatures(question, sql, second, differs, near, shared, unknown, steps))
    assert made.path in path_names()
    assert 0 < made.confidence < 1
    assert made.reason
