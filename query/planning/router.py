"""The router: which path a question takes, with the reason and a probability that the path answers it.

It decides from what is measured: how sure the table planner is, how near the best passage is, what the tables explain
of the question, how it is put and what it is like. Over a reviewed catalogue learned weights decide (`routing_model`),
over a drafted one the planner's learned confidence. It always returns a valid choice.
"""

from __future__ import annotations

import math

from query.plan import Path, Route
from query.planning.routing_model import routing_model
from query.planning.routing_signals import GUIDE_CUES, TABLE_CUES, TEXT_CUES, RouteFeatures
from query.text2sql.ranking import OUTRIGHT

ENOUGH = 0.42  # below this, neither tables nor passages are trusted to answer
SURE = 0.6  # a reading from which the tables are preferred, unless the question asks what is written
CLOSE_LINK = 0.9  # score of a link from which a word is meant as it is written
VERY_SURE = 0.9  # and even then, when it is put as a question about records
SHOWN = 0.35  # of a drafted catalogue: a reading that is shown although a word of the question stays unexplained
TENTATIVE = 0.05  # of a reviewed catalogue: a reading below this is no answer, whatever the question is like
CLOSE = 0.05  # readings nearer than this to the best are put to the asker,
UNSURE = 0.6  # when the best one is less sure than this
EVEN = 0.9  # of the best one's confidence: a runner-up as likely as this is put to the asker beside it,
LIKELY = 0.35  # when the best one is at least this likely

NOT_SURE_ENOUGH = "the tables may hold this, but no reading of the question is sure enough to be an answer"
NOWHERE = "neither the tables nor the documents hold this"
SEVERAL_MEANINGS = "the words of the question can be meant in more than one way"
CLOSE_READINGS = "two readings of the question are about equally likely"


def route(features: RouteFeatures) -> Route:
    """The path for a question; total, deterministic, and quick (no reads)."""
    if features.steps:
        return Route("hybrid", "several steps over records and documents", _bounded(max(features.sql, 0.6)))
    if features.joined:
        return Route("hybrid", "records choose the entities, their documents decide", _bounded(0.55 + features.sql / 4))
    if features.drafted:
        return _unreviewed(features)
    chances = routing_model().probabilities(features)
    right = _bounded(features.sql * (1 - 0.8 * features.unknown))
    likeliest = max(chances, key=lambda name: chances[name])
    if likeliest == "vector":
        return Route("vector", "the documents speak of this", _bounded(chances["vector"]))
    if likeliest == "refuse" and not _all_explained(features):
        return Route("refuse", NOWHERE, _bounded(chances["refuse"]))
    if features.meanings > 1:
        return Route("clarify", SEVERAL_MEANINGS, right)
    if features.sql < TENTATIVE:
        return Route("refuse", NOWHERE, _bounded(1 - features.sql))
    close = features.runner_up_differs and features.sql - features.runner_up < CLOSE
    if features.sql < UNSURE and close:
        return Route("clarify", CLOSE_READINGS, right)
    return Route("sql", "the tables hold what is asked", right)


def _unreviewed(features: RouteFeatures) -> Route:
    """The path over a drafted catalogue, or where nothing but documents is held."""
    table, text = table_probability(features), text_probability(features)
    tables_first = table >= text or _plainly_tables(features)
    if features.meanings > 1 and tables_first:
        return Route("clarify", SEVERAL_MEANINGS, _bounded(features.sql * (1 - 0.8 * features.unknown)))
    if features.sql and (tables_first or text < ENOUGH):
        return _over_drafted(features)
    if text < ENOUGH:
        return Route("refuse", NOWHERE, _bounded(1 - text))
    return Route("vector", "the documents speak of this", _bounded(text))


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


def _all_explained(features: RouteFeatures) -> bool:
    """True for a sure reading that uses every word of the question as it is written: there is nothing to refuse."""
    told = features.told
    return bool(told.words) and not told.loose and told.weakest >= CLOSE_LINK and _plainly_tables(features)


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
