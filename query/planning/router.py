"""The router: which path a question takes, with the reason and a probability that the path answers it.

It decides from four measured things: how sure the table planner is, how near the best passage is, what the question
wants done, and a few words that tell a question about texts from one about records. It always returns a valid choice.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from query.plan import Path, Route
from query.text2sql.ranking import OUTRIGHT

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
ENOUGH = 0.42  # below this, neither tables nor passages are trusted to answer
SURE = 0.6  # a reading from which the tables are preferred, unless the question asks what is written
VERY_SURE = 0.9  # and even then, when it is put as a question about records
SHOWN = 0.35  # of a drafted catalogue: a reading that is shown although a word of the question stays unexplained
TENTATIVE = 0.2  # a reading that is shown with the question back
CLOSE = 0.05  # readings nearer than this to the best are put to the asker,
UNSURE = 0.6  # when the best one is less sure than this
EVEN = 0.9  # of the best one's confidence: a runner-up as likely as this is put to the asker beside it,
LIKELY = 0.35  # when the best one is at least this likely

ONE_UNSURE_READING = "the tables may hold this, but the one reading of it is unsure"
NOT_SURE_ENOUGH = "the tables may hold this, but no reading of the question is sure enough to be an answer"
NOWHERE = "neither the tables nor the documents hold this"
SEVERAL_MEANINGS = "the words of the question can be meant in more than one way"
CLOSE_READINGS = "two readings of the question are about equally likely"


@dataclass(frozen=True)
class RouteFeatures:
    """What the router looks at. `sql` and `runner_up` are confidences of the two best readings (0 when there is none);
    `relevance` is the best passage's cosine, `coverage` the share of the question's content words that the best
    passages hold; `unknown` the share of content words that no table explains, or only by a far-fetched link, and
    `strange` how many no table explains at all. `drafted` is true over a catalogue that
    nobody has reviewed: its confidences are learned, so they decide alone. `meanings` says in how many ways the words
    of the question can be meant, whatever the data."""

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


def route(features: RouteFeatures) -> Route:
    """The path for a question; total, deterministic, and quick (no reads)."""
    if features.steps:
        return Route("hybrid", "several steps over records and documents", _bounded(max(features.sql, 0.6)))
    if features.joined:
        return Route("hybrid", "records choose the entities, their documents decide", _bounded(0.55 + features.sql / 4))
    table, text = table_probability(features), text_probability(features)
    right = _bounded(features.sql * (1 - 0.8 * features.unknown))
    tables_first = table >= text or _plainly_tables(features)
    if features.meanings > 1 and tables_first:
        return Route("clarify", SEVERAL_MEANINGS, right)
    if features.drafted and features.sql and (tables_first or text < ENOUGH):
        return _over_drafted(features)
    if max(table, text) < ENOUGH:
        if features.sql >= TENTATIVE and not features.unknown:
            return Route("clarify", ONE_UNSURE_READING, right)
        return Route("refuse", NOWHERE, _bounded(1 - max(table, text)))
    if tables_first:
        return _over_reviewed(features, right)
    return Route("vector", "the documents speak of this", _bounded(text))


def _over_reviewed(features: RouteFeatures, right: float) -> Route:
    """The tables of a reviewed catalogue: an answer, unless two readings are close."""
    close = features.runner_up_differs and features.sql - features.runner_up < CLOSE
    if features.sql < UNSURE and close:
        return Route("clarify", CLOSE_READINGS, right)
    return Route("sql", "the tables hold what is asked", right)


def _over_drafted(features: RouteFeatures) -> Route:
    """The tables of a drafted catalogue: an answer only where the learned confidence is high enough; else two
    readings that are about as likely are put to the asker, and a single one is shown for what it is. A question with
    a word that nothing explains is refused, unless the reading is likely all the same."""
    right = _bounded(features.sql)
    if right >= OUTRIGHT:
        return Route("sql", "the tables hold what is asked", right)
    if features.strange and right < SHOWN:
        return Route("refuse", NOWHERE, _bounded(1 - right))
    if features.runner_up_differs and features.sql >= LIKELY and features.runner_up >= EVEN * features.sql:
        return Route("clarify", CLOSE_READINGS, right)
    return Route("refuse", NOT_SURE_ENOUGH, right)


def _plainly_tables(features: RouteFeatures) -> bool:
    """True for a sure reading of a question that does not ask what is written, or that is put as one about records."""
    if features.unknown or features.sql < SURE:
        return False
    asks_text = bool(TEXT_CUES.search(features.question))
    return not asks_text or (features.sql >= VERY_SURE and bool(TABLE_CUES.search(features.question)))


def table_probability(features: RouteFeatures) -> float:
    """How likely the tables are what the question is about: the planner's confidence, words that nothing explains,
    and how the question is put."""
    if not features.sql:
        return 0.0
    sure = min(0.98, max(0.02, features.sql))
    cue = 1.2 * bool(TABLE_CUES.search(features.question)) - 1.0 * bool(TEXT_CUES.search(features.question))
    return _sigmoid(1.2 * math.log(sure / (1 - sure)) - 7 * features.unknown + cue + 0.5)


def text_probability(features: RouteFeatures) -> float:
    """How likely the nearest passages answer the question: nearness in meaning and shared words both count."""
    asks_text = bool(TEXT_CUES.search(features.question) or GUIDE_CUES.search(features.question))
    cue = 1.5 * asks_text - 0.8 * bool(TABLE_CUES.search(features.question))
    evidence = 12 * (features.relevance - 0.5) + 6 * (features.coverage - 0.75) + cue
    return _sigmoid(evidence)


def path_names() -> tuple[Path, ...]:
    """Every path there is."""
    return ("sql", "vector", "hybrid", "clarify", "refuse")


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _bounded(probability: float) -> float:
    return round(min(0.99, max(0.01, probability)), 3)
