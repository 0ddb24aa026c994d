"""A server as `Tower`'s backend: problem documents become the errors that a workspace in process raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.client.calls import error_of
from index.errors import SourceError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 120.0


class Remote:
    """Talks to `tower serve` over HTTP. `transport` replaces the network, for tests."""

    def __init__(self, url: str, token: str | None = None, *, transport: httpx.BaseTransport | None = None) -> None:
        import httpx

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, transport=transport)

    def ask(self, question: str, conversation: str = "") -> dict[str, Any]:
        """The answer in the public shape."""
        following = {"conversation_id": conversation} if conversation else {}
        return self._call("POST", "/v1/ask", {"question": question, **following})

    def search(self, query: str, k: int) -> list[dict[str, Any]]:
        """The passages."""
        hits: list[dict[str, Any]] = self._call("POST", "/v1/search", {"query": query, "k": k})["hits"]
        return hits

    def sql(self, text: str) -> dict[str, Any]:
        """A result set."""
        return self._call("POST", "/v1/sql", {"sql": text})

    def explain(self, question: str) -> dict[str, Any]:
        """A plan."""
        return self._call("POST", "/v1/explain", {"question": question})

    def status(self) -> dict[str, Any]:
        """The server's status."""
        return self._call("GET", "/v1/status")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise SourceError(
                f"no answer from {self._client.base_url}{path.lstrip('/')}: {error or type(error).__name__}",
                hint="is `tower serve` running there?",
            ) from error
        if response.is_error:
            raise error_of(response.status_code, str(response.url), response.content)
        found: dict[str, Any] = response.json()
        return found
