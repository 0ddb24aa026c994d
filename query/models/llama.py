"""LlamaIndex's models as ours, and ours as LlamaIndex's. Imported only where a setting or a program asks for it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.llms import (
    LLM,
    ChatMessage,
    CompletionResponse,
    CompletionResponseGen,
    CustomLLM,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_completion_callback

from index.errors import ProviderError, SettingsError
from query.models.model import Completion, Message, Model, estimated, within


@dataclass(frozen=True)
class LlamaModel:
    """Any LlamaIndex `LLM` as a `Model`; what it raises becomes `ProviderError`."""

    llm: LLM
    name: str

    def complete(self, messages: Sequence[Message], *, within_s: float) -> Completion:
        """The content of the model's answer to the conversation."""
        said = [ChatMessage(role=MessageRole(m.role), content=m.text) for m in messages]
        try:
            answer = within(within_s, self.name, lambda: self.llm.chat(said))
        except ProviderError:
            raise
        except Exception as error:  # any class of any package: its failures are as many as there are providers
            raise ProviderError(
                f"the model {self.name} failed: {type(error).__name__}", hint="check its settings and its server"
            ) from error
        content = answer.message.content
        if not isinstance(content, str):
            raise ProviderError(f"the model {self.name} answered without a text")
        return Completion(content, sum(estimated(m.text) for m in messages), estimated(content))


def load_llm(path: str, options: Mapping[str, Any]) -> LLM:
    """The LlamaIndex model of the class at the dotted `path`; raises `SettingsError` where that is not one."""
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"no model class {path!r}: {error}", hint="install its package, and write `package.module.Class`"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, LLM)):
        raise SettingsError(f"{path!r} is no LlamaIndex LLM", hint="name a class such as llama_index.llms.x.X")
    try:
        return kind(**options)
    except Exception as error:  # a constructor checks its options in its own way
        raise SettingsError(f"{path!r} does not take its options: {error}", hint="see `options` of the role") from error


class TowerLLM(CustomLLM):
    """A `Model` as a LlamaIndex `LLM`, for any program of that framework."""

    context_window: int = 8192
    num_output: int = 1024
    within_s: float = 20.0
    _model: Model

    def __init__(self, model: Model, **fields: Any) -> None:
        super().__init__(**fields)
        self._model = model

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex asks of every model."""
        return LLMMetadata(context_window=self.context_window, num_output=self.num_output, model_name=self._model.name)

    def _said(self, prompt: str) -> str:
        return self._model.complete([Message("user", prompt)], within_s=self.within_s).text

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        """The model's answer to one text."""
        return CompletionResponse(text=self._said(prompt))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        """The answer in one piece: `Model` gives whole answers."""
        text = self._said(prompt)

        def pieces() -> CompletionResponseGen:
            yield CompletionResponse(text=text, delta=text)

        return pieces()


def as_llm(model: Model, *, within_s: float = 20.0) -> LLM:
    """`model` as a LlamaIndex `LLM`."""
    return TowerLLM(model, within_s=within_s)
