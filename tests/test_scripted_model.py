"""The scripted server speaks OpenAI's interface as the stock client reads it, and misbehaves as it is told."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.scripted_model import (
    Reply,
    Request,
    ScriptedModel,
    breaks_off,
    closes,
    drips,
    endless,
    fails,
    garbage,
    hangs,
    says,
)

ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "How many?"}]}


def ask(model: ScriptedModel, timeout: float = 1.0, **more: object) -> httpx.Response:
    return httpx.post(
        f"{model.base_url}/chat/completions", json={**ASKED, **more}, timeout=timeout,
        headers={"Authorization": "Bearer k"},
    )  # fmt: skip


def test_replies_come_in_order_and_the_last_one_repeats() -> None:
    with ScriptedModel(says("one"), says("two")) as model:
        texts = [ask(model).json()["choices"][0]["message"]["content"] for _ in range(3)]
        assert texts == ["one", "two", "two"]
        assert [(r.prompt, r.key, r.messages) for r in model.requests[:1]] == [
            ("How many?", "k", [("user", "How many?")])
        ]


def test_a_reply_may_look_at_the_request() -> None:
    def echo(request: Request) -> Reply:
        return says(request.prompt.upper())

    with ScriptedModel(echo) as model:
        assert ask(model).json()["choices"][0]["message"]["content"] == "HOW MANY?"


def test_a_stream_comes_in_pieces() -> None:
    with ScriptedModel(says("x" * 30)) as model:
        lines = [line for line in ask(model, stream=True).text.splitlines() if line]
        assert len(lines) == 5 and lines[-1] == "data: [DONE]"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reply", [hangs(), breaks_off("half of it " * 9), endless(), closes()], ids=lambda r: r.manner)
def test_it_can_fail_on_the_way(reply: Reply, stream: bool) -> None:
    started = time.monotonic()
    with ScriptedModel(reply) as model, httpx.Client(timeout=0.2) as client:
        try:
            with client.stream("POST", f"{model.base_url}/chat/completions", json={**ASKED, "stream": stream}) as got:
                body = b""
                for piece in got.iter_bytes():
                    body += piece
                    if len(body) > 1_000_000:
                        break
            assert b"[DONE]" not in body
            assert stream or reply.manner == "endless"
        except httpx.HTTPError:
            pass
    assert time.monotonic() - started < 5


def test_it_drips() -> None:
    with ScriptedModel(drips("x" * 60, pause_s=0.02)) as model:
        started = time.monotonic()
        ask(model, stream=True)
        assert time.monotonic() - started > 0.08


def test_it_sends_garbage_and_errors() -> None:
    with ScriptedModel(garbage(), fails(429, Retry_After="1"), fails(500)) as model:
        with pytest.raises(ValueError):
            ask(model).json()
        limited = ask(model)
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
        assert ask(model).status_code == 500
