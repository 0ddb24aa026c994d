"""The client for OpenAI's interface over real HTTP: one text or one clear failure, and never later than asked."""

from __future__ import annotations

import time

import pytest

from index.errors import ProviderError
from query.models.model import Message
from query.models.openai_like import OpenAILike
from tests.scripted_model import Reply, ScriptedModel, breaks_off, closes, drips, endless, fails, garbage, hangs, says

ASKED = [Message("system", "You write SQL."), Message("user", "How many?")]


def ask(model: ScriptedModel, within_s: float = 2.0, **options: object) -> str:
    return OpenAILike(model.base_url, "scripted", "secret", options).complete(ASKED, within_s=within_s).text


def test_the_text_of_the_answer_comes_back_and_the_key_goes_out() -> None:
    with ScriptedModel(says("SELECT 1")) as model:
        assert ask(model) == "SELECT 1"
        sent = model.requests[0]
        assert (sent.path, sent.key) == ("/v1/chat/completions", "secret")
        assert sent.messages == [("system", "You write SQL."), ("user", "How many?")]
        assert (sent.body["model"], sent.body["temperature"]) == ("scripted", 0)


def test_options_go_into_the_request_and_none_takes_a_default_out() -> None:
    with ScriptedModel(says("")) as model:
        ask(model, temperature=None, seed=7)
        assert "temperature" not in model.requests[0].body
        assert model.requests[0].body["seed"] == 7


def test_a_server_that_streams_all_the_same_is_understood() -> None:
    with ScriptedModel(says("SELECT name FROM accounts")) as model:
        assert ask(model, stream=True) == "SELECT name FROM accounts"


@pytest.mark.parametrize("reply", [fails(429, Retry_After="0"), fails(503), breaks_off("SELECT"), closes()], ids=str)
def test_a_busy_or_broken_server_is_asked_once_more(reply: Reply) -> None:
    with ScriptedModel(reply, says("SELECT 2")) as model:
        assert ask(model) == "SELECT 2"
        assert len(model.requests) == 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (fails(401), "answered 401"),
        (fails(500), "answered 500"),
        (garbage(), "no chat completion"),
        (endless(), "more than"),
        (breaks_off("SELECT 1"), "broke off"),
        (Reply("[]", "garbage"), "no chat completion"),
        (Reply('{"choices": [{"message": {"content": null}}]}', "garbage"), "without a text"),
        (Reply('{"choices": []}', "garbage"), "no chat completion"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.manner,
)
def test_every_failure_is_one_error(reply: Reply, said: str) -> None:
    with ScriptedModel(reply) as model, pytest.raises(ProviderError, match=said):
        ask(model)


@pytest.mark.parametrize("reply", [hangs(), drips("SELECT 1 " * 50, pause_s=0.05)], ids=lambda r: r.manner)
def test_a_deadline_holds_whatever_the_server_does(reply: Reply) -> None:
    with ScriptedModel(reply) as model:
        started = time.monotonic()
        with pytest.raises(ProviderError, match="did not answer"):
            ask(model, within_s=0.4)
        assert time.monotonic() - started < 2


def test_a_server_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(ProviderError, match="cannot be reached"):
        OpenAILike("http://127.0.0.1:9/v1", "gone").complete(ASKED, within_s=2)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(OpenAILike("http://127.0.0.1:9/v1", "m", "secret"))
