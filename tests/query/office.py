"""The small company's query engine, for tests of the whole flow: real planner, guard and checker, small doubles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from index.catalogue.model import Feature, Score
from index.documents import Document, Passage
from index.errors import NotFoundError
from index.scope import Scope
from index.vectors.gateway import Narrow
from query.engine import QueryEngine
from query.evidence import Contribution, EntityScore
from query.parts import Parts
from query.planning.entity_names import EntityNames
from query.scoring import Keep
from query.text2sql.planner import TableQuestionPlanner
from tests.index.shelf import WordEmbedder
from tests.query import company

LOGINS = Feature(
    "logins", "{value} logins so far", "SELECT account_id, SUM(logins) FROM usage GROUP BY account_id",
    direction=-1, evidence_table="usage", lower="more logins", next_step="falling portal use",
)  # fmt: skip
SCORE = Score(
    "churn_risk", "Churn risk", "account",
    population="SELECT account_id FROM accounts", event="SELECT account_id, customer_since FROM accounts",
    features=(LOGINS,), due="renewals.renewal_date", synonyms=("at risk of churn", "likely to churn"),
)  # fmt: skip
CATALOGUE = replace(company.CATALOGUE, scores=(SCORE,))
RISKS = {"A1": 0.9, "A2": 0.2, "A3": 0.7}
DUE = {"A1": "2026-06-30", "A2": "2026-09-15", "A3": "2026-06-01"}


@dataclass
class Shelf:
    """The company's passages with the whole signature of a passage index, and its documents."""

    inner: company.WordPassages = field(default_factory=company.WordPassages)

    def search(
        self, query: str, scope: Scope, *, k: int = 8, narrow: Narrow | None = None, per_document: int = 3
    ) -> tuple[Passage, ...]:
        if not scope.tags:
            return ()
        found = self.inner.search(query, scope, k=k, narrow=narrow)
        return tuple(p for p in found if not (narrow and narrow.general and p.entities))

    def document(self, doc_id: str, scope: Scope) -> Document:
        text = self.inner.text(doc_id)
        if text is None:
            raise NotFoundError(f"no document {doc_id}")
        return Document(doc_id, "library", doc_id, text, company.TAGS)


@dataclass
class FixedScorer:
    """Scores that are given, so that a test knows them."""

    risks: dict[str, float] = field(default_factory=lambda: dict(RISKS))

    def score(self, name: str, keys: Sequence[str], scope: Scope, keep: Keep | None = None) -> tuple[EntityScore, ...]:
        if keep is not None:
            keys = keep({key: self.risks[key] for key in keys if key in self.risks})
        made = [
            EntityScore(name, "account", key, self.risks[key], 0.0, (_reason(key, self.risks[key]),), "v1",
                        dt.date(2026, 5, 18))
            for key in keys if key in self.risks
        ]  # fmt: skip
        return tuple(made)

    def due(self, name: str, start: str, end: str, scope: Scope) -> frozenset[str]:
        return frozenset(key for key, day in DUE.items() if start <= day < end)


def _reason(key: str, logit: float) -> Contribution:
    """The account's logins as the one reason of its score."""
    sql = f"SELECT SUM(logins) AS value FROM usage WHERE account_id = '{key}'"
    value = float(company.reader().connection.execute(sql).fetchone()[0])
    return Contribution(
        "logins", f"{value:.0f} logins so far", value, logit, "usage", (), sql, "more logins", "falling portal use"
    )


def engine(**changes: object) -> QueryEngine:
    """The engine over a fresh copy of the company."""
    reader, shelf = company.reader(), Shelf()
    parts = Parts(
        CATALOGUE,
        reader,
        lambda scope: TableQuestionPlanner(CATALOGUE, reader, scope),
        lambda scope: EntityNames(CATALOGUE, reader, scope),
        FixedScorer(),
        passages=shelf,
        documents=shelf,  # type: ignore[arg-type]
        embedder=WordEmbedder(),
    )
    return QueryEngine(replace(parts, **changes))  # type: ignore[arg-type]


def administrator() -> Scope:
    """The Scope that sees everything."""
    return Scope.administrator(CATALOGUE, company.TAGS)
