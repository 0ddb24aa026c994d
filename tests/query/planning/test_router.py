from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.plan import Link
from query.planning.router import NOT_SURE_ENOUGH, SEVERAL_MEANINGS, path_names, route
from query.planning.routing_model import ARTEFACT, CLASSES, routing_model
from query.planning.routing_signals import Explained, RouteFeatures, explained, signals
from query.text2sql.ranking import OUTRIGHT

PLAIN = Explained(words=1, used=1.0, kinds=frozenset({"table"}), weakest=1.0, aggregated=True)
SHARE = st.floats(0, 1)


def features(**given: object) -> RouteFeatures:
    base: dict[str, object] = {
        "question": "How many orders are there?", "sql": 0.0, "runner_up": 0.0, "runner_up_differs": False,
        "relevance": 0.0, "coverage": 0.0, "unknown": 0.0, "steps": False, "joined": False,
        "told": PLAIN,
    }  # fmt: skip
    return RouteFeatures(**{**base, **given})  # type: ignore[arg-type]


def test_a_sure_reading_goes_to_the_tables() -> None:
    assert route(features(sql=0.9, relevance=0.3)).path == "sql"


def test_a_question_about_a_policy_goes_to_the_documents() -> None:
    assert (
        route(
            features(
                question="What is the policy on time off?",
                sql=0.2,
                relevance=0.6,
                coverage=1.0,
                unknown=0.5,
                told=Explained(words=2, loose=2),
            )
        ).path
        == "vector"
    )


def test_what_nothing_speaks_of_is_refused() -> None:
    assert (
        route(
            features(
                question="Will it rain in Oslo?", sql=0.1, relevance=0.1, unknown=1.0, told=Explained(words=2, loose=2)
            )
        ).path
        == "refuse"
    )


def test_two_close_readings_are_asked_back() -> None:
    assert route(features(sql=0.55, runner_up=0.54, runner_up_differs=True)).path == "clarify"


def test_over_a_drafted_catalogue_only_a_sure_reading_is_an_answer() -> None:
    assert route(features(sql=OUTRIGHT, drafted=True)).path == "sql"
    unsure = route(features(sql=OUTRIGHT - 0.05, drafted=True))
    assert (unsure.path, unsure.reason) == ("refuse", NOT_SURE_ENOUGH)


def test_two_readings_over_a_drafted_catalogue_that_are_as_likely_are_asked_back() -> None:
    assert route(features(sql=0.5, runner_up=0.49, runner_up_differs=True, drafted=True)).path == "clarify"
    assert route(features(sql=0.5, runner_up=0.2, runner_up_differs=True, drafted=True)).path == "refuse"


def test_words_that_can_be_meant_in_two_ways_are_asked_back_however_sure_the_reading() -> None:
    made = route(features(sql=0.95, drafted=True, meanings=2))
    assert (made.path, made.reason) == ("clarify", SEVERAL_MEANINGS)


@given(
    st.text(max_size=80),
    SHARE,
    SHARE,
    st.booleans(),
    SHARE,
    SHARE,
    SHARE,
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
)
def test_any_features_give_a_valid_choice(
    question: str, sql: float, second: float, differs: bool, near: float, shared: float, unknown: float, steps: bool,
    drafted: bool, meanings: int,
) -> None:  # fmt: skip
    made = route(RouteFeatures(question, sql, second, differs, near, shared, unknown, steps, False, drafted, meanings))
    assert made.path in path_names()
    assert 0 < made.confidence < 1
    assert made.reason


def test_the_chances_of_the_ways_add_up_and_what_is_not_there_has_none() -> None:
    for given_ in ({"sql": 0.9}, {"relevance": 0.6, "coverage": 1.0}, {}):
        chances = routing_model().probabilities(features(**given_))
        assert tuple(chances) == CLASSES and abs(sum(chances.values()) - 1) < 1e-9
        assert chances["sql"] == 0 or given_.get("sql")
        assert chances["vector"] == 0 or given_.get("relevance")


def test_the_embedding_counts_only_where_the_weights_were_learned_with_its_model() -> None:
    vector = np.zeros(routing_model().embedded.vector.shape[1], dtype=np.float32)
    vector[0] = 1.0
    seen = {"sql": 0.6, "relevance": 0.5, "coverage": 0.5}
    plain = routing_model().probabilities(features(**seen))
    other = routing_model().probabilities(features(**seen, embedder="another", vector=vector))
    own = routing_model().probabilities(features(**seen, embedder=routing_model().embedder, vector=vector))
    assert plain == other != own


@pytest.mark.parametrize("runtime", ["onnxruntime/fp32", "openvino/bf16"])
def test_the_runtime_of_the_same_weights_does_not_count(runtime: str) -> None:
    vector = np.zeros(routing_model().embedded.vector.shape[1], dtype=np.float32)
    vector[0] = 1.0
    seen = {"sql": 0.6, "relevance": 0.5, "coverage": 0.5, "vector": vector}
    model = "/".join(routing_model().embedder.split("/")[:2])
    own = routing_model().probabilities(features(**seen, embedder=routing_model().embedder))
    assert routing_model().probabilities(features(**seen, embedder=f"{model}/{runtime}")) == own


def test_the_weights_say_where_they_come_from_and_know_every_signal() -> None:
    held = json.loads(ARTEFACT.read_text(encoding="utf-8"))
    assert held["provenance"]["made by"] == "scripts/train_router.py"
    assert held["provenance"]["questions"] > 500
    assert set(held["plain"]["names"]) == set(held["embedded"]["names"]) == set(signals(features()))


def test_words_under_no_link_are_loose() -> None:
    told = explained(
        "Which religion do accounts have?", (Link("accounts", 18, 26, "table", "accounts"),), None, frozenset()
    )
    assert (told.words, told.loose, told.kinds) == (2, 1, frozenset({"table"}))
