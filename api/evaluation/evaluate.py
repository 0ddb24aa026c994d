"""Golden questions asked and scored: accuracy by route, citations and figures checked, latency."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from api.evaluation.golden import Golden, fault, read_golden
from index.errors import TowerError
from query.drafts.localise import english
from query.proof.prove import unproven_figures

if TYPE_CHECKING:
    from api.access.caller import Caller
    from index.scope import Scope
    from query.answer import Answer


class Asked(Protocol):
    """Who is asked: an `api.service.Service`, or an `api.evaluation.trial.Trial`."""

    def scope_for(self, user: str | Caller | None) -> Scope:
        """What `user` may see."""
        ...

    def ask(self, question: str, scope: Scope, *, conversation: str = "") -> Answer:
        """Answer within `scope`."""
        ...

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """A line for each citation that does not hold."""
        ...


@dataclass(frozen=True)
class Outcome:
    """One golden question's result. `why` is empty when the answer was right; `unproven` lists what is not backed."""

    id: str
    question: str
    route: str
    path: str
    why: str
    citations: int
    unproven: tuple[str, ...]
    ms: float


@dataclass(frozen=True)
class Evaluation:
    """All results. An empty file has accuracy 0."""

    outcomes: tuple[Outcome, ...]

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return sum(not one.why for one in self.outcomes) / max(len(self.outcomes), 1)

    @property
    def all_proven(self) -> bool:
        """True when every citation resolves and every figure is found in what is cited."""
        return not any(one.unproven for one in self.outcomes)

    def by_route(self) -> dict[str, tuple[int, int]]:
        """Route to (right, asked)."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for one in self.outcomes:
            counts[one.route][0] += not one.why
            counts[one.route][1] += 1
        return {route: (right, asked) for route, (right, asked) in counts.items()}

    def latency(self, share: float) -> float:
        """The milliseconds within which `share` of the answers came."""
        times = sorted(one.ms for one in self.outcomes)
        return times[min(int(share * len(times)), len(times) - 1)] if times else 0.0

    def as_json(self) -> dict[str, Any]:
        """The public shape."""
        return {
            "questions": len(self.outcomes),
            "right": sum(not one.why for one in self.outcomes),
            "accuracy": round(self.accuracy, 4),
            "by_route": {route: {"right": right, "asked": asked} for route, (right, asked) in self.by_route().items()},
            "citations": sum(one.citations for one in self.outcomes),
            "unproven": [{"id": one.id, "what": what} for one in self.outcomes for what in one.unproven],
            "latency_ms": {"p50": round(self.latency(0.5), 1), "p95": round(self.latency(0.95), 1)},
            "failures": [
                {"id": one.id, "question": one.question, "route": one.route, "path": one.path, "why": one.why}
                for one in self.outcomes
                if one.why
            ],
        }


def evaluate_file(
    service: Asked, path: Path, on_case: Callable[[int, int], None], *, user: str | None = None
) -> Evaluation:
    """Ask every question of the file; `on_case(done, total)` is called after each. A bad file is a `UsageError`."""
    return evaluate(service, read_golden(path), on_case, user=user)


def evaluate(
    service: Asked, cases: Sequence[Golden], on_case: Callable[[int, int], None], *, user: str | None = None
) -> Evaluation:
    """Ask and score, as the user that a case names, else as `user`; a question that fails counts as wrong, with the
    failure as its reason."""
    service.scope_for(user)  # refused at once, not once a question
    outcomes = []
    for number, case in enumerate(cases, 1):
        outcomes.append(_outcome(service, case, user))
        on_case(number, len(cases))
    return Evaluation(tuple(outcomes))


def _outcome(service: Asked, case: Golden, user: str | None) -> Outcome:
    started = time.perf_counter()
    try:
        scope = service.scope_for(case.user or user)
        conversation = service.ask(case.after, scope).conversation_id if case.after else ""
        started = time.perf_counter()
        answer = service.ask(case.question, scope, conversation=conversation)
        ms = (time.perf_counter() - started) * 1000
        unproven = (*service.check_citations(answer, scope), *figures_without_source(answer))
    except Exception as error:  # one question's failure must not hide the others' results
        ms = (time.perf_counter() - started) * 1000
        code = error.code if isinstance(error, TowerError) else f"unexpected {type(error).__name__}"
        return Outcome(case.id, case.question, case.route, "error", f"{code}: {error}", 0, (), ms)
    cited = len(answer.citations) + sum(len(draft.citations) for draft in answer.drafts)
    why = fault(case, answer)
    return Outcome(case.id, case.question, case.route, answer.route.path, why, cited, unproven, ms)


def figures_without_source(answer: Answer) -> tuple[str, ...]:
    """Figures in the answer and its drafts that no cited cell, aggregate or passage holds, nor the question.

    The titles of the passages may be repeated. A question back claims nothing: it numbers the readings, and says the
    dates that they would mean.
    """
    if answer.route.path == "clarify":
        return ()
    stated = [answer.question, answer.carried, *(passage.title for passage in answer.passages)]
    found = [f"answer: {figure}" for figure in _unproven(answer.answer, answer.citations, stated)]
    for draft in answer.drafts:
        text = english(f"{draft.subject}\n{draft.body}", draft.language)
        found += [f"draft {draft.id}: {figure}" for figure in _unproven(text, draft.citations, stated)]
    return tuple(found)


def _unproven(text: str, citations: Sequence[Any], stated: Sequence[str]) -> tuple[str, ...]:
    return unproven_figures(text, [citation.model_dump() for citation in citations], stated)
