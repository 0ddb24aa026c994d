"""An image model behind any server with OpenAI's interface: a prompt in, a picture out, within a deadline."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from index.errors import ProviderError
from query.models.model import within

MOST_BYTES = 30_000_000  # of one answer, which is a picture in base64


@dataclass(frozen=True)
class ImageLike:
    """Asks `{base_url}/images/generations`. `options` go into the request as they are (`size`, `quality`)."""

    base_url: str
    name: str
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    proxy: str = ""

    def picture(self, prompt: str, *, within_s: float) -> bytes:
        """The picture file that the model makes. Raises `ProviderError` for every way of failing, and after `within_s`
        seconds; a link in place of a picture is a failure, for nothing is fetched from elsewhere."""
        until = time.monotonic() + within_s
        return within(within_s, self.name, lambda: self._ask(prompt, until))

    def _ask(self, prompt: str, until: float) -> bytes:
        import httpx

        body = {"model": self.name, "prompt": prompt, "n": 1, "size": "1024x1024", "response_format": "b64_json"}
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        said = {key: value for key, value in {**body, **self.options}.items() if value is not None}
        try:
            # Only what the settings name decides where data goes: no proxy of the environment, no redirect.
            left = max(0.05, until - time.monotonic())
            with httpx.Client(timeout=left, trust_env=False, proxy=self.proxy or None) as client:
                url = f"{self.base_url.rstrip('/')}/images/generations"
                with client.stream("POST", url, json=said, headers=headers) as response:
                    if response.status_code != 200:
                        raise ProviderError(
                            f"the image model {self.name} answered {response.status_code}",
                            hint="check `base_url`, `model` and the key",
                        )
                    raw = bytearray()
                    for piece in response.iter_bytes():
                        raw += piece
                        if len(raw) > MOST_BYTES or time.monotonic() > until:
                            raise ProviderError(f"the image model {self.name} sends too much or too slowly")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderError(
                f"the image model {self.name} cannot be reached: {type(error).__name__}",
                hint="check its `base_url` and that it runs",
            ) from error
        return _decoded(bytes(raw), self.name)


def _decoded(raw: bytes, name: str) -> bytes:
    try:
        first = json.loads(raw)["data"][0]
        return base64.b64decode(first["b64_json"], validate=True)
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error) as error:
        raise ProviderError(
            f"the image model {name} gave no picture",
            hint="it must answer with `data[0].b64_json`; a link is not followed",
        ) from error
