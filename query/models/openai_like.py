"""A model behind any server with OpenAI's interface, over plain HTTP requests.

The stock client takes seconds to import; this one takes what a chat completion needs. `query.models.llama.as_llm`
shows it to LlamaIndex.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.errors import ProviderError
from query.models.model import Completion, Message, estimated, within

MOST_BYTES = 1_000_000  # of one answer; a model that goes on is not read further
PATIENCE_S = 1.0  # the longest wait before the one second try
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class OpenAILike:
    """`options` go into the request as they are; one that is None takes a default (such as `temperature`) out."""

    base_url: str
    name: str
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    proxy: str = ""

    def complete(self, messages: Sequence[Message], *, within_s: float) -> Completion:
        """The text of the first choice. Asks a second time where the server is busy or breaks off, if time is left."""
        until = time.monotonic() + within_s
        return within(within_s, self.name, lambda: self._twice(messages, until))

    def _twice(self, messages: Sequence[Message], until: float) -> Completion:
        try:
            return self._once(messages, until)
        except _Again as again:
            if time.monotonic() + again.wait_s >= until:
                raise
            time.sleep(again.wait_s)
            return self._once(messages, until)

    def _once(self, messages: Sequence[Message], until: float) -> Completion:
        import httpx

        body = {
            "model": self.name,
            "messages": [{"role": m.role, "content": m.text} for m in messages],
            "temperature": 0,
            "stream": False,
            **self.options,
        }
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        left = max(0.05, until - time.monotonic())
        try:
            # Only what the settings name decides where data goes: no proxy of the environment, no redirect.
            with httpx.Client(timeout=left, trust_env=False, proxy=self.proxy or None) as client:
                url = f"{self.base_url.rstrip('/')}/chat/completions"
                said = {key: value for key, value in body.items() if value is not None}
                with client.stream("POST", url, json=said, headers=headers) as response:
                    raw = _read(response, until)
                    if response.status_code in _AGAIN:
                        wait = _wait(response.headers.get("Retry-After", ""))
                        raise _Again(f"the model {self.name} answered {response.status_code}", wait)
                    if response.status_code != 200:
                        raise ProviderError(
                            f"the model {self.name} answered {response.status_code}",
                            hint="check `base_url`, `model` and the key",
                        )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ProviderError(
                f"the model {self.name} cannot be reached", hint="check its `base_url` and that it runs"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _Again(f"the model {self.name} broke off: {type(error).__name__}", 0.0) from error
        text = text_of(raw, self.name)
        used = _usage(raw)
        return Completion(
            text,
            used.get("prompt_tokens") or sum(estimated(m.text) for m in messages),
            used.get("completion_tokens") or estimated(text),
        )


class _Again(ProviderError):
    """A failure that a second try may mend, after `wait_s` seconds."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message, hint="try again later")
        self.wait_s = wait_s


def _read(response: Any, until: float) -> bytes:
    raw = bytearray()
    for piece in response.iter_bytes():
        raw += piece
        if len(raw) > MOST_BYTES:
            raise ProviderError(f"a model answered more than {MOST_BYTES:,} bytes", hint="check what it is")
        if time.monotonic() > until:
            raise ProviderError("the model did not answer in time", hint="raise its `timeout_s`")
    return bytes(raw)


def text_of(raw: bytes, name: str) -> str:
    """The text of a chat completion, whole or streamed; raises `ProviderError` for anything else."""
    import json

    try:
        text = raw.decode("utf-8")
        if text.lstrip().startswith("data:"):
            return "".join(_delta(json.loads(line)) for line in _events(text))
        message = json.loads(text)["choices"][0]["message"]
        content = message["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ProviderError(f"the model {name} answered something that is no chat completion") from error
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise ProviderError(f"the model {name} answered without a text")
    return content


def _usage(raw: bytes) -> dict[str, int]:
    """The provider's count of tokens; empty where it gives none."""
    import json

    try:
        used = json.loads(raw).get("usage") or {}
    except ValueError:  # a stream: its events need not count
        return {}
    return {k: v for k, v in used.items() if isinstance(v, int) and v > 0} if isinstance(used, dict) else {}


def _events(text: str) -> list[str]:
    lines = (line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:"))
    return [line for line in lines if line and line != "[DONE]"]


def _delta(event: Any) -> str:
    choices = event.get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or "")


def _wait(retry_after: str) -> float:
    return min(PATIENCE_S, float(retry_after)) if retry_after.strip().isdigit() else 0.2
