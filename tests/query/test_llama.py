from __future__ import annotations

from llama_index.core.schema import QueryBundle
from llama_index.core.tools import ToolMetadata

from query.llama import DESCRIPTIONS, TowerSelector, router_query_engine
from query.plan import Plan, Route
from tests.query.office import administrator, engine


def test_the_llamaindex_router_gives_the_same_answer_with_its_citations_as_nodes() -> None:
    built, scope = engine(), administrator()
    question = "How many tickets are there?"
    direct = built.answer(question, scope)
    router = router_query_engine(lambda q: built.plan(q, scope), lambda q: built.answer(q, scope))
    response = router.query(question)
    assert str(response) == direct.answer
    assert response.metadata is not None
    assert response.metadata["selector_result"].ind == list(DESCRIPTIONS).index("sql")
    assert [n.metadata["kind"] for n in response.source_nodes] == [c.kind for c in direct.citations]
    assert response.source_nodes[0].metadata["value"] == 3


def test_the_selector_always_makes_a_valid_choice() -> None:
    choices = [ToolMetadata(name=name, description=text) for name, text in DESCRIPTIONS.items()]
    for path in ("sql", "vector", "hybrid", "clarify", "refuse"):
        selector = TowerSelector(lambda q, path=path: Plan(q, Route(path, "because", 0.5)))  # type: ignore[misc, arg-type]
        result = selector.select(choices, QueryBundle("anything"))
        assert 0 <= result.ind < len(choices)
        assert path in result.reason
