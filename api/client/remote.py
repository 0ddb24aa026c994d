"""A server as `Tower`'s backend: problem documents become the errors that a workspace in process raises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.client.calls import error_named, error_of
from index.errors import SourceError, StorageError

if TYPE_CHECKING:
    import httpx

    from api.service import Progress

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

    def answer(self, answer_id: str) -> dict[str, Any]:
        """An answer given earlier."""
        return self._call("GET", f"/v1/answers/{_part(answer_id)}")

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

    def drafts(self, status: str | None) -> list[dict[str, Any]]:
        """The approval queue."""
        query = f"?status={_part(status)}" if status else ""
        found: list[dict[str, Any]] = self._call("GET", f"/v1/drafts{query}")["drafts"]
        return found

    def draft(self, draft_id: str) -> dict[str, Any]:
        """One draft."""
        return self._call("GET", f"/v1/drafts/{_part(draft_id)}")

    def edit_draft(self, draft_id: str, subject: str | None, body: str | None) -> dict[str, Any]:
        """Change a draft."""
        changed = {name: text for name, text in (("subject", subject), ("body", body)) if text is not None}
        return self._call("PATCH", f"/v1/drafts/{_part(draft_id)}", changed)

    def feedback(self, answer_id: str, given: dict[str, Any]) -> dict[str, Any]:
        """Keep what the asker thinks of an answer."""
        return self._call("POST", f"/v1/answers/{_part(answer_id)}/feedback", given)

    def ingest(self, sources: Sequence[str], full: bool, progress: Progress) -> list[dict[str, Any]]:
        """Bring sources up to date in the server's process, following the job to its end."""
        job = self._call("POST", "/v1/admin/ingest", {"sources": list(sources), "full": full})
        for name, data in self._events(f"/v1/admin/jobs/{_part(job['id'])}/events"):
            if name == "progress":
                progress(data["what"], data["done"], data["total"])
            elif name == "error":
                raise error_named(data["code"], data["message"], data["hint"])
            elif name == "done":
                found: list[dict[str, Any]] = data["result"]
                return found
        raise StorageError("the server stopped during the ingest", hint="run it again: what was finished is kept")

    def status(self) -> dict[str, Any]:
        """The server's status."""
        return self._call("GET", "/v1/status")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _events(self, path: str) -> Iterator[tuple[str, Any]]:
        """The server-sent events of one response, each with its name and data."""
        import httpx

        name = ""
        try:
            with self._client.stream("GET", path) as response:
                if response.is_error:
                    raise error_of(response.status_code, str(response.url), response.read())
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        yield name, json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise self._silent(path, error) from error

    def _silent(self, path: str, error: Exception) -> SourceError:
        return SourceError(
            f"no answer from {self._client.base_url}{path.lstrip('/')}: {error or type(error).__name__}",
            hint="is `tower serve` running there?",
        )

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._silent(path, error) from error
        if response.is_error:
            raise error_of(response.status_code, str(response.url), response.content)
        found: dict[str, Any] = response.json()
        return found


def _part(text: str) -> str:
    """A text as a part of a path."""
    return quote(text, safe="")
