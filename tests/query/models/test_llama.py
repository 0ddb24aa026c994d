"""LlamaIndex's models behind our door, and ours behind LlamaIndex's."""

from __future__ import annotations

import time
from typing import Any

import pytest
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata, MockLLM

from index.errors import ProviderError, SettingsError
from query.models.llama import LlamaModel, as_llm, load_llm
from query.models.model import Message
from query.models.openai_like import OpenAILike
from tests.scripted_model import ScriptedModel, says

ASKED = [Message("user", "How many?")]


class Scripted(CustomLLM):
    """Says `text`, or fails, or takes its time."""

    text: str = ""
    fails: bool = False
    sleep_s: float = 0.0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        time.sleep(self.sleep_s)
        if self.fails:
            raise RuntimeError("out of memory")
        return CompletionResponse(text=self.text)

    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        raise RuntimeError("not streamed")


def test_any_llamaindex_model_is_loaded_by_its_class_path() -> None:
    llm = load_llm(f"{__name__}.Scripted", {"text": "SELECT 1"})
    assert LlamaModel(llm, "s").complete(ASKED, within_s=2).text == "SELECT 1"


def test_the_stock_openai_like_class_works_too() -> None:
    with ScriptedModel(says("SELECT 3")) as model:
        options = {"model": "m", "api_base": model.base_url, "api_key": "k", "is_chat_model": True}
        llm = load_llm("llama_index.llms.openai_like.OpenAILike", options)
        assert LlamaModel(llm, "m").complete(ASKED, within_s=60).text == "SELECT 3"


def test_what_a_model_raises_is_one_error() -> None:
    with pytest.raises(ProviderError, match="RuntimeError"):
        LlamaModel(Scripted(fails=True), "s").complete(ASKED, within_s=2)


def test_a_slow_model_is_not_waited_for() -> None:
    with pytest.raises(ProviderError, match="did not answer"):
        LlamaModel(Scripted(sleep_s=1.0), "s").complete(ASKED, within_s=0.1)


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("no.such.Class", {}, "no model class"),
        ("pathlib.Path", {}, "no LlamaIndex LLM"),
        ("nothing", {}, "no model class"),
        (f"{__name__}.Scripted", {"sleep_s": "long"}, "does not take its options"),
    ],
)
def test_a_class_that_is_none_is_a_settings_error(path: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_llm(path, options)


def test_our_client_is_a_llamaindex_model() -> None:
    with ScriptedModel(says("SELECT 1")) as model:
        llm = as_llm(OpenAILike(model.base_url, "scripted"))
        assert llm.complete("How many?").text == "SELECT 1"
        assert [piece.delta for piece in llm.stream_complete("How many?")] == ["SELECT 1"]
        assert llm.metadata.model_name == "scripted"
        assert not isinstance(llm, MockLLM)
