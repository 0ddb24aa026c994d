"""Whether a new generation of the vector index may take the place of the live one.

Passages taken from all over it have to be found by their own words, and it may not answer golden questions wrong that
the live one answers right. The live one is asked only those that the new one fails: where it fails none, questions that
run are not disturbed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from index.errors import TowerError

if TYPE_CHECKING:
    from api.evaluation.golden import Golden
    from api.service import Progress
    from api.settings import Settings
    from api.upkeep.owned import Owned
    from index.vectors.gateway import VectorGateway

NAMED = 5  # questions that a message names
MOST_LOST = 0.1  # of the passages looked for; near-duplicates hide each other


@dataclass(frozen=True)
class Tried:
    """What came of trying a generation: passages looked for and found by their own words, golden questions asked, and
    which were answered wrong, by their place in the file, with the ways that those went."""

    looked_for: int
    found: int
    asked: int = 0
    wrong: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Wrong:
    """A golden question that the new generation answers wrong: the way it went, and what the live one makes of it:
    `right`, `wrong` or `not asked`. What the answers said is not here: who may see jobs need not see the data."""

    id: str
    question: str
    path: str
    live: str


@dataclass(frozen=True)
class Verdict:
    """What was found out about a new generation. `reason` is why it may not be put to use; empty when it may."""

    looked_for: int
    found: int
    asked: int
    wrong: tuple[Wrong, ...]
    note: str
    reason: str

    @property
    def summary(self) -> str:
        """One line for people."""
        if not self.asked:
            return f"{self.note}; {self.found} of {self.looked_for} passages found by their own words"
        line = f"{self.asked - len(self.wrong)} of {self.asked} golden questions right"
        return f"{line}; wrong: {_named(self.wrong)}" if self.wrong else line

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "asked": self.asked,
            "right": self.asked - len(self.wrong),
            "wrong": [asdict(one) for one in self.wrong],
            "passages": {"looked_for": self.looked_for, "found": self.found},
            "summary": self.summary,
        }


def golden_questions(settings: Settings, *, wanted: bool) -> tuple[Sequence[Golden], str]:
    """The workspace's golden questions, and why there are none. A bad file is a `UsageError`."""
    from api.evaluation.golden import read_golden

    if not wanted:
        return (), "golden questions were not asked"
    if not settings.golden_path.is_file():
        return (), f"no golden questions: there is no {settings.golden}"
    found = read_golden(settings.golden_path)
    return found, "" if found else f"no golden questions: {settings.golden} is empty"


def try_out(owned: Owned, gateway: VectorGateway, golden: Sequence[Golden], progress: Progress) -> Tried:
    """Look for passages in a generation, and ask it golden questions."""
    from api.evaluation.evaluate import evaluate
    from api.evaluation.trial import Trial
    from ingest.reindex import unfound

    workspace = owned.workspace
    looked_for, missing = unfound(owned.store, gateway, owned.embedder, workspace.administrator())
    trial = Trial(workspace, owned.live.over(gateway))
    outcomes = evaluate(trial, golden, lambda done, total: progress("golden questions", done, total)).outcomes
    wrong = tuple((number, one.path) for number, one in enumerate(outcomes) if one.why)
    return Tried(looked_for, looked_for - len(missing), len(outcomes), wrong)


def judge(owned: Owned, tried: Tried, golden: Sequence[Golden], note: str, allowed: int) -> Verdict:
    """Compare a generation that was tried with the live one. `allowed` golden questions may be answered worse."""
    failed = [golden[number] for number, _ in tried.wrong]
    live = _asked_of_the_live_one(owned, failed)
    wrong = tuple(
        Wrong(one.id, one.question, path, held) for one, (_, path), held in zip(failed, tried.wrong, live, strict=True)
    )
    worse = [one for one in wrong if one.live == "right"]
    reason = ""
    if tried.looked_for - tried.found > MOST_LOST * tried.looked_for:
        lost = tried.looked_for - tried.found
        reason = f"{lost} of {tried.looked_for} passages are not found by their own words"
    elif len(worse) > allowed:
        right = tried.asked - len(wrong)
        reason = (
            f"it answers {right} of {tried.asked} golden questions right, and {len(worse)} wrong that the live one "
            f"answers right: {_named(worse)}; `golden_worse` in tower.yaml allows some, --no-golden asks none"
        )
    return Verdict(tried.looked_for, tried.found, tried.asked, wrong, note, reason)


def _asked_of_the_live_one(owned: Owned, golden: Sequence[Golden]) -> list[str]:
    """What the live generation makes of each of these questions."""
    from api.evaluation.evaluate import evaluate
    from api.evaluation.trial import Trial

    if not golden:
        return []
    try:
        passages = owned.live.opened()
    except TowerError:  # its vectors are of another model: it answers nothing now
        passages = None
    if passages is None:
        return ["not asked" for _ in golden]
    outcomes = evaluate(Trial(owned.workspace, passages), golden, lambda _done, _total: None).outcomes
    return ["wrong" if one.why else "right" for one in outcomes]


def _named(wrong: Sequence[Wrong]) -> str:
    named = ", ".join(one.id for one in wrong[:NAMED])
    return f"{named} and {len(wrong) - NAMED} more" if len(wrong) > NAMED else named
