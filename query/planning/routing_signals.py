"""What is seen of a question when it is routed: how it is put, what the tables explain of it, how near documents come.

`signals` turns the `RouteFeatures` of a question into named numbers of about -4 to 4, for `routing_model`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from query.plan import Link, Reading
from query.text2sql.thesaurus import FUNCTION_WORDS

TEXT_CUES = re.compile(
    r"\b(?:polic(?:y|ies)|procedure|process|guidelines?|handbook|playbook|warrant(?:y|ies)|terms?|clause|agreement|"
    r"notice period|sla|instructions?|how (?:do|does|can|should|to|would)|why|explain|describe|"
    r"what (?:does|do|did)\b.*\b(?:say|said|cover|mean|include|state|require|recommend|promise|offer)|what happens|"
    r"when (?:can|should|may)|who (?:approves|decides|pays|is responsible)|can (?:i|we|you|a)|"
    r"may (?:i|we|a)|is it (?:allowed|possible)|are we allowed|should (?:i|we)|complain\w*|feedback|say about|"
    r"cover(?:s|ed)?|document(?:s|ation)?|according to)\b",
    re.I,
)
GUIDE_CUES = re.compile(
    r"\b(?:polic(?:y|ies)|procedure|process|guidelines?|handbook|playbooks?|warrant(?:y|ies)|instructions?|"
    r"(?:may|should|can|do|must) (?:we|i|you|one)|how (?:should|long|much|can|do|does)|"
    r"what happens|when (?:can|should|may|are)|who (?:pays|approves|decides|is responsible)|allowed|according to|"
    r"has to|have to|is planned|are the)\b",
    re.I,
)
TABLE_CUES = re.compile(
    r"^\s*(?:which|list|name)\b|\b(?:how many|how much|number of|count|total|sum|average|mean|median|top \d+|highest|"
    r"lowest|most|least|per|by (?:month|quarter|year|week|region|country|segment|category)|list|show|revenue|sales|"
    r"percentage|share|compare[ds]?|trend|between \d|more than|less than|at least|best[- ]selling|largest|smallest|"
    r"oldest|newest)\b",
    re.I,
)
_PUT = {  # how a question is put: a signal a pattern
    "cue: tables": TABLE_CUES,
    "cue: texts": TEXT_CUES,
    "cue: guides": GUIDE_CUES,
    "cue: duty": re.compile(r"\b(?:may|must|should|can|could|need to|have to|has to|allowed|possible)\b", re.I),
    "cue: habit": re.compile(
        r"\b(?:do|does|is|are) (?:we|i|you|one|a|an|the|it)\b|"
        r"\bhow (?:do|does|should|soon|quickly|fast|often|long)\b",
        re.I,
    ),
    "asks: list": re.compile(r"^\s*(?:which|list|show|name|give)\b", re.I),
    "asks: how many": re.compile(r"^\s*how (?:many|much)\b", re.I),
    "asks: how": re.compile(r"^\s*how (?!many|much)", re.I),
    "asks: what": re.compile(r"^\s*what\b", re.I),
    "asks: when": re.compile(r"^\s*(?:when|by when|at|from|after|in)\b", re.I),
    "asks: who": re.compile(r"^\s*who\b", re.I),
    "asks: whether": re.compile(r"^\s*(?:is|are|do|did|does|has|have|any|can|may)\b", re.I),
    "words: time": re.compile(r"\b(?:20\d\d|last|this|next|month|quarter|year|week)\b", re.I),
    "words: measure": re.compile(r"\b(?:per|by|each|average|total|top|most|highest|share|number)\b", re.I),
    "words: us": re.compile(r"\b(?:our|we|us)\b", re.I),
    "words: past": re.compile(r"\b(?:did|was|were|had|has|have)\b", re.I),
}  # fmt: skip
_KINDS = ("value", "metric", "table", "period", "term")
_AGGREGATE = re.compile(r"\b(?:COUNT|SUM|AVG|MAX|MIN)\b")
FAR_FETCHED = 0.7  # score of a link below which a word is not taken as explained


@dataclass(frozen=True)
class Explained:
    """How much of a question the tables explain: `words` counts its content words, `loose` those under no link, `used`
    is the share under a link of the best reading; `kinds` are the kinds of its links, `weakest` is their lowest score;
    `filtered` and `aggregated` say what the best reading does."""

    words: int = 0
    loose: int = 0
    used: float = 0.0
    kinds: frozenset[str] = frozenset()
    weakest: float = 0.0
    filtered: bool = False
    aggregated: bool = False


@dataclass(frozen=True)
class RouteFeatures:
    """What the router looks at. `sql` and `runner_up` are confidences of the two best readings (0 when there is none);
    `relevance` is the best passage's cosine, `coverage` the share of the question's content words that the best
    passages hold; `unknown` the share of content words that no table explains, or only by a far-fetched link, and
    `strange` how many no table explains at all; `told` says more of that. `drafted` is true over a catalogue that
    nobody has reviewed: its confidences are learned, so they decide alone. `meanings` says in how many ways the words
    of the question can be meant, whatever the data; `named` that it names an entity. `vector` is its embedding by
    `embedder`, where there is one."""

    question: str
    sql: float
    runner_up: float
    runner_up_differs: bool
    relevance: float
    coverage: float
    unknown: float
    steps: bool = False
    joined: bool = False
    drafted: bool = False
    meanings: int = 1
    strange: int = 0
    named: bool = False
    told: Explained = Explained()
    embedder: str = ""
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


def explained(body: str, links: Sequence[Link], best: Reading | None, light: frozenset[str]) -> Explained:
    """What the `links` of `body` and its best reading explain of it; the verbs in `light` need no explanation."""
    spans = [(m.group().lower(), m.start()) for m in re.finditer(r"[^\W_]+", body)]
    content = [(w, at) for w, at in spans if len(w) > 1 and w not in FUNCTION_WORDS and not w.isdigit()]
    sure = [k for k in links if k.kind != "none" and k.score >= FAR_FETCHED]
    used = [k for k in (best.links if best else ()) if k.kind != "none" and k.score >= FAR_FETCHED]
    loose = sum(not _under(at, sure) and word not in light for word, at in content)
    return Explained(
        words=len(content),
        loose=loose,
        used=sum(_under(at, used) for _, at in content) / max(1, len(content)),
        kinds=frozenset(k.kind for k in links),
        weakest=min((k.score for k in links if k.kind != "period"), default=0.0),
        filtered=best is not None and " WHERE " in best.sql,
        aggregated=best is not None and bool(_AGGREGATE.search(best.sql)),
    )


def signals(features: RouteFeatures) -> dict[str, float]:
    """The named numbers of a question."""
    f, told = features, features.told
    words = max(1, told.words)
    sure = min(0.98, max(0.02, f.sql))
    put = {name: float(bool(pattern.search(f.question))) for name, pattern in _PUT.items()}
    kinds = {f"links: {kind}": float(kind in told.kinds) for kind in _KINDS}
    return {
        "reading: confidence": math.log(sure / (1 - sure)) if f.sql else -4.0,
        "reading: none": float(not f.sql),
        "reading: lead": f.sql - f.runner_up if f.runner_up_differs else f.sql,
        "reading: filtered": float(told.filtered),
        "reading: aggregated": float(told.aggregated),
        "reading: used": told.used,
        "unexplained": f.unknown,
        "strange": float(min(3, f.strange)),
        "loose": float(min(3, told.loose)),
        "loose share": told.loose / words,
        "words": told.words / 6,
        "links: weakest": told.weakest,
        "links: any": float(bool(told.kinds)),
        "named": float(f.named),
        "passages: relevance": f.relevance,
        "passages: coverage": f.coverage,
        "passages: both": f.relevance * f.coverage,
        **kinds,
        **put,
    }


def _under(at: int, links: Sequence[Link]) -> bool:
    return any(k.start <= at < k.end for k in links)
