"""What every role needs of a language model, and a deadline that holds whatever the model does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from index.errors import ProviderError

Made = TypeVar("Made")
Spoken = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Spoken
    text: str


@dataclass(frozen=True)
class Completion:
    """What a model said. Tokens are the provider's count, or an estimate where it gives none."""

    text: str
    tokens_in: int
    tokens_out: int


def estimated(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // 4)


class Model(Protocol):
    """A language model. `name` is what the record of an answer calls it."""

    @property
    def name(self) -> str:
        """The model's name at its provider."""
        ...

    def complete(self, messages: Sequence[Message], *, within_s: float) -> Completion:
        """What the model says next. Raises `ProviderError` for every way of failing, and after `within_s` seconds."""
        ...


def within(seconds: float, name: str, call: Callable[[], Made]) -> Made:
    """`call()`, or `ProviderError` once `seconds` are over: a connection that drips resets every time-out of its own.

    The call runs on a thread of its own, which is left behind when it is late; whatever it raises is raised here.
    """
    if seconds <= 0:
        raise ProviderError(f"the model {name} had no time left", hint="raise its `timeout_s`")
    done: queue.SimpleQueue[tuple[bool, Made | BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((True, call()))
        except BaseException as error:
            done.put((False, error))

    threading.Thread(target=run, name=f"model {name}", daemon=True).start()
    try:
        well, result = done.get(timeout=seconds)
    except queue.Empty:
        raise ProviderError(
            f"the model {name} did not answer within {seconds:.3g} s",
            hint="raise its `timeout_s`, or see to the server",
        ) from None
    if not well:
        assert isinstance(result, BaseException)
        raise result
    return result  # type: ignore[return-value]
