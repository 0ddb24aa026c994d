"""What ranking may weigh besides words and meaning, where a workspace asks: recency, authority, a second reading.

Without settings nothing here changes a rank.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from index.documents import Passage
from index.errors import ModelError

_REREAD = 40  # passages that a cross-encoder reads for one question


class Rereader(Protocol):
    """Judges passages by reading each beside the question."""

    def judge(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """A probability for each text that it answers the query."""
        ...


@dataclass(frozen=True)
class Signals:
    """Each acts on the log-odds of a passage's score, so that a score stays a probability.

    A passage loses `recency` per half-life of its age (`half_life_days`; 0 is off; one without a date counts as one
    half-life old). `authority` adds to passages by their source. `per_author` caps passages with one `author` in their
    document's meta (0 is off), and `per_sender` those of one sender (`Passage.sender`) among eight, so that nobody
    fills the evidence by sending in a lot. A `rereader`'s judgement replaces the score of the best passages.
    """

    half_life_days: float = 0.0
    recency: float = 0.5
    authority: Mapping[str, float] = field(default_factory=dict)
    per_author: int = 0
    rereader: Rereader | None = None
    per_sender: int = 3
    today: Callable[[], dt.date] = dt.date.today

    @property
    def reorders(self) -> bool:
        """True when some signal may change the order."""
        return bool(self.half_life_days or self.authority or self.rereader)

    def of_sender(self, k: int) -> int:
        """How many of `k` passages one sender may have; 0 is any number."""
        return max(self.per_sender, self.per_sender * k // 8)

    def order(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The passages with their scores as the signals have them, the best first."""
        if not self.reorders:
            return list(passages)
        read = self._reread(query, passages)
        weighed = [replace(one, score=_moved(one.score, self._shift(one))) for one in read]
        return sorted(weighed, key=lambda one: -one.score)

    def _reread(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        if self.rereader is None or not passages:
            return list(passages)
        chosen, rest = passages[:_REREAD], passages[_REREAD:]
        judged = self.rereader.judge(query, [f"{one.title}\n{one.text}" for one in chosen])
        floor = min(judged)
        return [replace(one, score=score) for one, score in zip(chosen, judged, strict=True)] + [
            replace(one, score=min(one.score, floor)) for one in rest
        ]

    def _shift(self, passage: Passage) -> float:
        shift = self.authority.get(passage.source, 0.0)
        if self.half_life_days:
            shift -= self.recency * self._age(passage.date)
        return shift

    def _age(self, date: str) -> float:
        """In half-lives; what is dated in the future is new."""
        try:
            days = (self.today() - dt.date.fromisoformat(date[:10])).days
        except ValueError:
            return 1.0
        return max(0, days) / self.half_life_days


class CrossEncoderReader:
    """A `Rereader` on the sentence-transformers cross-encoder in `folder`. torch is loaded at the first question."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"no cross-encoder at {folder}: there is no config.json",
                hint="`ranking.cross_encoder` in tower.yaml names the folder of a sentence-transformers cross-encoder",
            )
        self._folder = folder
        self._loaded: Any = None

    def judge(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Probabilities, from the model's one logit for each pair."""
        if self._loaded is None:
            import torch
            from sentence_transformers import CrossEncoder

            self._loaded = CrossEncoder(str(self._folder), activation_fn=torch.nn.Sigmoid(), local_files_only=True)
        found = self._loaded.predict([(query, text) for text in texts], show_progress_bar=False)
        return [float(value) for value in found]


def _moved(score: float, shift: float) -> float:
    """A probability moved by `shift` in log-odds."""
    bounded = min(1 - 1e-9, max(1e-9, score))
    return 1 / (1 + math.exp(-(math.log(bounded / (1 - bounded)) + shift)))
