"""What a model uses is counted for whoever asks, and one without anything left is not asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from index.errors import LimitError, ProviderError
from index.usage import USAGE
from query.models.metered import Metered
from query.models.model import Message
from query.models.openai_like import OpenAILike
from tests.scripted_model import ScriptedModel, garbage, says

ASKED = [Message("user", "x" * 400)]


@dataclass
class Meter:
    """Notes what is spent; `empty` lets nothing through."""

    empty: bool = False
    spent: list[tuple[int, float]] = field(default_factory=list)
    client: str = ""

    def require(self) -> None:
        if self.empty:
            raise LimitError("no tokens are left")

    def spend(self, *, rows: int = 0, tokens: int = 0, cost: float = 0.0) -> None:
        self.spent.append((tokens, cost))


def test_tokens_and_cost_are_spent_as_the_provider_counts_them() -> None:
    meter = Meter()
    with ScriptedModel(says("SELECT 1")) as model:
        token = USAGE.set(meter)
        try:
            Metered(OpenAILike(model.base_url, "m"), 10.0, 30.0).complete(ASKED, within_s=2)
        finally:
            USAGE.reset(token)
    assert meter.spent == [(2, 40e-6)]


def test_a_failure_counts_what_was_sent() -> None:
    meter = Meter()
    with ScriptedModel(garbage()) as model:
        token = USAGE.set(meter)
        try:
            with pytest.raises(ProviderError):
                Metered(OpenAILike(model.base_url, "m"), 1.0).complete(ASKED, within_s=2)
        finally:
            USAGE.reset(token)
    assert meter.spent == [(100, 100e-6)]


def test_a_model_is_not_asked_where_nothing_is_left() -> None:
    with ScriptedModel(says("SELECT 1")) as model:
        token = USAGE.set(Meter(empty=True))
        try:
            with pytest.raises(LimitError):
                Metered(OpenAILike(model.base_url, "m")).complete(ASKED, within_s=2)
        finally:
            USAGE.reset(token)
        assert model.requests == []
