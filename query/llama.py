"""Tower on LlamaIndex's interfaces: a `BaseSelector`, three `BaseQueryEngine`s and the `RouterQueryEngine` over them.

Any LlamaIndex program can take these parts. They call the same planner, executor and checker as `Tower.ask`, so that
both give the same answer; evidence travels as `NodeWithScore` whose metadata carries the citation. This module is the
only one on the query side that imports LlamaIndex, because the import costs more than a whole answer does
(docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import LLM, MockLLM
from llama_index.core.prompts.mixin import PromptDictType, PromptMixinType
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool, ToolMetadata

from query.answer import Answer, CitationView
from query.plan import Path, Plan

DESCRIPTIONS: dict[Path, str] = {
    "sql": "Counts, sums, lists, rankings and trends from the company's tables.",
    "vector": "What the company's documents, tickets and mails say.",
    "hybrid": "Questions that need records and documents together, scores, and drafts.",
}
PlanQuestion = Callable[[str], Plan]
AskQuestion = Callable[[str], Answer]


class TowerSelector(BaseSelector):
    """Chooses by Tower's router. Always returns a valid choice: a question that is refused or asked back goes to the
    first tool whose engine says so; the reason carries the route's confidence."""

    def __init__(self, plan: PlanQuestion) -> None:
        self._plan = plan

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        return None

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        route = self._plan(query.query_str).route
        names = [choice.name for choice in choices]
        index = names.index(route.path) if route.path in names else 0
        reason = f"{route.path}: {route.reason} (confidence {route.confidence:.2f})"
        return SelectorResult(selections=[SingleSelection(index=index, reason=reason)])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return self._select(choices, query)


class TowerQueryEngine(BaseQueryEngine):
    """Answers a question with Tower; `response.metadata["answer"]` is the whole answer, source nodes its citations."""

    def __init__(self, ask: AskQuestion) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._ask = ask

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._ask(query_bundle.query_str)
        nodes = [citation_node(citation) for citation in answer.citations]
        return Response(answer.answer, source_nodes=nodes, metadata={"answer": answer.model_dump(mode="json")})

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return self._query(query_bundle)


def citation_node(citation: CitationView) -> NodeWithScore:
    """A citation as a node: the quoted text or the cited value, with every field of the citation as metadata."""
    fields: dict[str, Any] = citation.model_dump(mode="json", exclude_none=True)
    text = citation.quote if citation.quote is not None else str(citation.value)
    return NodeWithScore(node=TextNode(text=text, metadata=fields), score=1.0)


def router_query_engine(plan: PlanQuestion, ask: AskQuestion, llm: LLM | None = None) -> RouterQueryEngine:
    """A `RouterQueryEngine` whose tools are named sql, vector and hybrid. `llm` would only be used to merge several
    answers, which `TowerSelector` never asks for; it defaults to a mock, so that no ambient model is reached."""
    tools = [
        QueryEngineTool(TowerQueryEngine(ask), ToolMetadata(name=path, description=text))
        for path, text in DESCRIPTIONS.items()
    ]
    return RouterQueryEngine(selector=TowerSelector(plan), query_engine_tools=tools, llm=llm or MockLLM())
