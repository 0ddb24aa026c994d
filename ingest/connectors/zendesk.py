"""Zendesk's incremental exports: tickets and users by cursor, organizations by time.

Deleted tickets come in the export with the status `deleted`. The exports give records twice where they changed, and
at time boundaries; both are taken by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field as Setting
from pydantic import SecretStr

from ingest.connectors.support.contract import Batch, Connector, Field, Json, Stream
from ingest.connectors.support.signin import AuthOptions, SignIn
from ingest.connectors.support.web import Api, WebOptions

_FULL = 1_000  # a time-based page with fewer records is the last one
_TICKET = {"id": "id", "title": "subject", "text": ["subject", "description"], "date": "created_at", "kind": "ticket"}

_FIELDS = (
    Field("id", "integer"),
    Field("subject", "text"),
    Field("description", "text"),
    Field("status", "text"),
    Field("created_at", "datetime"),
    Field("updated_at", "datetime"),
)


class ZendeskOptions(WebOptions):
    """A Zendesk account, or a service desk with the same API. Signed in with an OAuth token, or with an agent's
    address and an API token. `start` is the first second that is exported, since 1970."""

    url: str
    email: str = ""
    api_token: SecretStr = SecretStr("")
    oauth_token: SecretStr = SecretStr("")
    start: int = Setting(default=0, ge=0)
    page: int = Setting(default=1_000, ge=1, le=1_000)


class ZendeskConnector(Connector):
    """Reads tickets, users and organizations."""

    Options = ZendeskOptions
    options: ZendeskOptions

    def open(self) -> None:
        """Make ready; nothing is asked yet."""
        options = self.options
        if options.oauth_token.get_secret_value():
            auth = AuthOptions(type="token", token=options.oauth_token)
        else:
            auth = AuthOptions(type="basic", user=f"{options.email}/token", password=options.api_token)
        self._api = Api(options.url, options, SignIn(auth))

    def test(self) -> str:
        """Ask who is signed in."""
        user = self._api.get("/api/v2/users/me.json").get("user") or {}
        return f"{self._api.name}: as {user.get('email') or 'an unnamed user'} ({user.get('role')})"

    def describe(self) -> Sequence[Stream]:
        """The three exports."""
        return [
            Stream("tickets", ("id",), _FIELDS, "updated_at", "told", documents=_TICKET),
            Stream("users", ("id",), cursor="updated_at", deletes="told"),
            Stream("organizations", ("id",), cursor="updated_at", deletes="told"),
        ]

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """What changed since the cursor."""
        held = cursor if isinstance(cursor, dict) else {}
        if stream.name == "organizations":
            yield from self._by_time(stream, int(held.get("time") or self.options.start))
        else:
            yield from self._by_cursor(stream, str(held.get("after") or ""))

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _by_cursor(self, stream: Stream, after: str) -> Iterator[Batch]:
        path = f"/api/v2/incremental/{stream.name}/cursor.json"
        while True:
            asked: dict[str, Any] = {"cursor": after} if after else {"start_time": self.options.start}
            body = self._api.get(path, {**asked, "per_page": self.options.page})
            after = str(body.get("after_cursor") or after)
            yield _batch(body[stream.name], {"after": after})
            if body.get("end_of_stream") or not body.get("after_cursor"):
                return

    def _by_time(self, stream: Stream, start: int) -> Iterator[Batch]:
        while True:
            body = self._api.get(f"/api/v2/incremental/{stream.name}.json", {"start_time": start})
            end = int(body.get("end_time") or start)
            yield _batch(body[stream.name], {"time": end})
            if len(body[stream.name]) < _FULL or end <= start:
                return
            start = end


def _batch(items: Sequence[Mapping[str, Any]], cursor: Json) -> Batch:
    dead = [item.get("status") == "deleted" or item.get("active") is False for item in items]
    kept = [item for item, gone in zip(items, dead, strict=True) if not gone]
    return Batch(kept, cursor, gone=[item for item, gone in zip(items, dead, strict=True) if gone])
