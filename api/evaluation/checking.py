"""Reading every citation of a finished answer from its source again: the check behind `tower eval`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from index.errors import NotFoundError
from query.evidence import Citation
from query.proof.prove import Prover
from query.proof.reread import TableRereader

if TYPE_CHECKING:
    from index.scope import Scope
    from query.answer import Answer, CitationView
    from query.evidence import EntityScore
    from query.parts import Parts


def check_citations(answer: Answer, scope: Scope, parts: Parts) -> tuple[str, ...]:
    """A line for each citation of the answer and its drafts that does not hold; empty when all do.

    Cells, rows and aggregates are queried again, passages cut out of the stored document again, scores computed again.
    """
    prover = Prover(
        parts.catalogue,
        scores=_scores(answer, scope, parts),
        document_text=_document_text(scope, parts),
        rereader=TableRereader(parts.reader, parts.catalogue, scope),
        fresh=True,
    )
    return tuple(
        f"{where} [{view.n}]: {reason}"
        for where, view in _cited(answer)
        if (reason := prover.citation_fault(_citation(view)))
    )


def _cited(answer: Answer) -> Iterator[tuple[str, CitationView]]:
    for view in answer.citations:
        yield "answer", view
    for draft in answer.drafts:
        for view in draft.citations:
            yield f"draft {draft.id}", view


def _citation(view: CitationView) -> Citation:
    return Citation(**{name: value for name, value in view.model_dump().items() if name in Citation.__match_args__})


def _scores(answer: Answer, scope: Scope, parts: Parts) -> list[EntityScore]:
    """The scores that the citations speak of, computed now: of the entities cited, and of the answer's items."""
    keys: dict[str, set[str]] = defaultdict(set)
    for _where, view in _cited(answer):
        if view.kind == "score" and view.table:
            keys[view.table] |= {view.key} if view.key else {item.key for item in answer.items}
    return [score for name, wanted in keys.items() for score in parts.scorer.score(name, sorted(wanted), scope)]


def _document_text(scope: Scope, parts: Parts) -> Callable[[str], str | None]:
    texts: dict[str, str | None] = {}

    def text(doc_id: str) -> str | None:
        if doc_id not in texts:
            try:
                texts[doc_id] = parts.documents.document(doc_id, scope).text if parts.documents else None
            except NotFoundError:
                texts[doc_id] = None
        return texts[doc_id]

    return text
