"""A model whose use is counted for whoever asks, and not called where what they may use is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.errors import ProviderError
from index.stages import stage
from index.usage import current
from query.models.model import Completion, Message, Model, estimated

MILLION = 1_000_000


@dataclass(frozen=True)
class Metered:
    """`price_in` and `price_out` are for a million tokens, in whatever unit the limits on cost are."""

    inner: Model
    price_in: float = 0.0
    price_out: float = 0.0

    @property
    def name(self) -> str:
        """The model's name at its provider."""
        return self.inner.name

    def complete(self, messages: Sequence[Message], *, within_s: float) -> Completion:
        """What the model says. Raises `LimitError` before it is asked; a failure counts as what was sent."""
        usage = current()
        usage.require()
        with stage("model") as mark:
            try:
                said = self.inner.complete(messages, within_s=within_s)
            except ProviderError:
                sent = sum(estimated(m.text) for m in messages)
                mark.note(model=self.name, tokens_in=sent, cost=sent * self.price_in / MILLION)
                usage.spend(tokens=sent, cost=sent * self.price_in / MILLION)
                raise
            cost = (said.tokens_in * self.price_in + said.tokens_out * self.price_out) / MILLION
            mark.note(model=self.name, tokens_in=said.tokens_in, tokens_out=said.tokens_out, cost=cost)
        usage.spend(tokens=said.tokens_in + said.tokens_out, cost=cost)
        return said
