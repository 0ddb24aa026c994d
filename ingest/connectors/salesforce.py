"""Salesforce: SOQL pages in the order of change, Bulk API 2.0 for long first reads, deletes by getDeleted.

Written on httpx and not on simple-salesforce: that library signs in once and does not renew in the middle of a page,
has no retries, and brings a SOAP stack (zeep) for a login that we do not offer.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field as Setting
from pydantic import SecretStr

from index.catalogue.model import ColumnType
from index.errors import SourceError
from ingest.connectors.support.contract import Batch, Connector, Field, Json, Key, Stream
from ingest.connectors.support.moments import moment, rewound, written
from ingest.connectors.support.signin import AuthOptions, SignIn
from ingest.connectors.support.web import Api, Reply, WebOptions

STAMP = "SystemModstamp"
_TYPES: dict[str, ColumnType] = {
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
}
_UNREAD = frozenset({"address", "location", "base64", "complexvalue"})  # compound fields have their parts as fields too
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_WINDOW = dt.timedelta(minutes=1)  # getDeleted takes no shorter one


class SalesforceOptions(WebOptions):
    """A Salesforce org. With `private_key` and `user` it is signed in by JWT bearer, else by client credentials.

    `most_of_limit` is the share of the org's daily API calls at which a sync stops; a first read of more than
    `bulk_above` records goes through the Bulk API.
    """

    login_url: str = "https://login.salesforce.com"
    client_id: str
    client_secret: SecretStr = SecretStr("")
    user: str = ""
    private_key: SecretStr = SecretStr("")
    audience: str = ""
    version: str = Setting(default="v62.0", pattern=r"v\d+\.\d$")
    objects: tuple[str, ...] = Setting(min_length=1)
    most_of_limit: float = Setting(default=0.9, gt=0, le=1)
    bulk_above: int = Setting(default=50_000, ge=0)
    bulk_page: int = Setting(default=50_000, ge=1)
    bulk_wait: float = Setting(default=5.0, gt=0)


class SalesforceConnector(Connector):
    """Reads the objects that tower.yaml names."""

    Options = SalesforceOptions
    options: SalesforceOptions

    def open(self) -> None:
        """Make ready; the first request signs in."""
        options = self.options
        by_key = bool(options.private_key.get_secret_value())
        self._auth = SignIn(
            AuthOptions(
                type="jwt" if by_key else "client_credentials",
                token_url=f"{options.login_url.rstrip('/')}/services/oauth2/token",
                client_id=options.client_id,
                client_secret=options.client_secret,
                user=options.user,
                private_key=options.private_key,
                audience=options.audience or options.login_url,
            )
        )
        self._signed: Api | None = None
        self._streams: dict[str, Stream] = {}

    @property
    def _api(self) -> Api:
        """The org's own address, which comes with the token."""
        if self._signed is None:
            login = Api(self.options.login_url, self.options, name="Salesforce")
            try:
                self._auth.headers(login)
            finally:
                login.close()
            instance = str(self._auth.granted.get("instance_url") or self.options.login_url)
            self._signed = Api(instance, self.options, self._auth, name="Salesforce")
            self._signed.heard = self._check_limit
        return self._signed

    def _check_limit(self, reply: Reply) -> None:
        found = _USAGE.search(reply.headers.get("sforce-limit-info", ""))
        if found and int(found[1]) > int(found[2]) * self.options.most_of_limit:
            raise SourceError(
                f"Salesforce: {found[1]} of {found[2]} API calls of the day are used; the sync stops here",
                hint="the next sync goes on where this one stopped; raise `most_of_limit` to use more",
            )

    def _path(self, rest: str) -> str:
        return f"/services/data/{self.options.version}/{rest}"

    def test(self) -> str:
        """Sign in and ask for the org's limits."""
        limits = self._api.get(self._path("limits"))
        calls = limits.get("DailyApiRequests", {})
        return f"{urlsplit(self._api.base).netloc}: {calls.get('Remaining')} of {calls.get('Max')} API calls are left"

    def describe(self) -> Sequence[Stream]:
        """The objects with their fields and types."""
        for name in self.options.objects:
            if name not in self._streams:
                self._streams[name] = self._described(name)
        return list(self._streams.values())

    def _described(self, name: str) -> Stream:
        if not _NAME.match(name):
            raise SourceError(f"Salesforce: {name!r} is no name of an object", hint="for example Account or Order__c")
        body = self._api.get(self._path(f"sobjects/{name}/describe"))
        fields = tuple(
            Field(f["name"], _TYPES.get(f["type"], "text")) for f in body["fields"] if f["type"] not in _UNREAD
        )
        stamped = any(f.name == STAMP for f in fields)
        return Stream(name, ("Id",), fields, STAMP if stamped else "", "told" if stamped else "scan")

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """Changed records in the order of their change, then the ids of those that were deleted since."""
        held = cursor if isinstance(cursor, dict) else {}
        # What is deleted while the first read runs must be asked for later, so this moment is taken before it.
        told = str(held.get("deleted") or written(self._server_time()))
        if not stream.cursor:
            for records, total in self._query(self._soql(stream, "")):
                yield Batch(records, None, total=total)
            return
        since = str(held.get("since") or "")
        if "job" in held or (not since and self._count(stream) > self.options.bulk_above):
            for batch in self._bulk(stream, held, told):
                since = str((batch.cursor or {}).get("since") or since) if isinstance(batch.cursor, dict) else since
                yield batch
        else:
            for records, total in self._changes(stream, since):
                since = max(since, str(records[-1][STAMP])) if records else since
                yield Batch(records, {"since": since, "deleted": told}, total=total)
        deleted, until = self._deleted(stream, told)
        untold = deleted is None
        yield Batch((), {"since": self._never_ahead(since), "deleted": until}, deleted or (), untold=untold)

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The ids of all records."""
        for records, _ in self._query(f"SELECT Id FROM {stream.name}"):
            yield [(record["Id"],) for record in records]

    def close(self) -> None:
        """Close the connections."""
        if self._signed is not None:
            self._signed.close()

    # queries

    def _soql(self, stream: Stream, where: str, order: str = "") -> str:
        names = ", ".join(field.name for field in stream.fields)
        return f"SELECT {names} FROM {stream.name}{where}{order}"

    def _changes(self, stream: Stream, since: str) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Records from `since` on. A locator that has expired is replaced by a query from where it stood."""
        at = rewound(since, stream.overlap) if since else ""
        for _ in range(1_000):
            where = f" WHERE {STAMP} >= {at}" if at else ""
            try:
                for records, total in self._query(self._soql(stream, where, f" ORDER BY {STAMP} ASC, Id ASC")):
                    at = str(records[-1][STAMP]) if records else at
                    yield records, total
                return
            except SourceError as error:
                if "INVALID_QUERY_LOCATOR" not in error.message:
                    raise
                at = written(found) if (found := moment(at)) is not None else at

    def _query(self, soql: str) -> Iterator[tuple[list[dict[str, Any]], int]]:
        body = self._api.get(self._path("query"), {"q": soql})
        while True:
            yield [{k: v for k, v in r.items() if k != "attributes"} for r in body["records"]], int(body["totalSize"])
            if body.get("done", True):
                return
            body = self._api.get(body["nextRecordsUrl"])

    def _count(self, stream: Stream) -> int:
        return int(self._api.get(self._path("query"), {"q": f"SELECT COUNT() FROM {stream.name}"})["totalSize"])

    def _server_time(self) -> dt.datetime:
        self._api.get(self._path(""))
        return self._api.now()

    def _never_ahead(self, since: str) -> str:
        """`since`, but no time that lies ahead of the org's own clock: later changes would be passed over."""
        found, now = moment(since), self._api.now()
        return written(now) if found is not None and found > now else since

    # deletes

    def _deleted(self, stream: Stream, since: str) -> tuple[list[Key] | None, str]:
        """The ids deleted from `since` on, and up to when that is known; None where getDeleted does not reach back so
        far."""
        now = self._api.now()
        start = min(moment(rewound(since, stream.overlap)) or now, now - _WINDOW)
        path = self._path(f"sobjects/{stream.name}/deleted/")
        try:
            body = self._api.get(path, {"start": _seconds(start), "end": _seconds(now)})
        except SourceError as error:
            if "INVALID_REPLICATION_DATE" not in error.message:
                raise
            return None, written(now)
        return [(record["id"],) for record in body["deletedRecords"]], written(moment(body["latestDateCovered"]) or now)

    # bulk

    def _bulk(self, stream: Stream, held: Mapping[str, Any], told: str) -> Iterator[Batch]:
        """All records as CSV by a query job; a read that was cut off goes on with the job's next part."""
        job, locator, since = str(held.get("job") or ""), str(held.get("locator") or ""), str(held.get("since") or "")
        if job and not self._job_lives(job):
            job, locator = "", ""
        if not job:
            started = self._api.send(
                "POST", self._path("jobs/query"), body={"operation": "query", "query": self._soql(stream, "")}
            )
            job = str(started.json()["id"])
        total = self._finished(job)
        while True:
            params = {"maxRecords": self.options.bulk_page, **({"locator": locator} if locator else {})}
            headers = {"Accept": "text/csv"}
            reply = self._api.send(
                "GET", self._path(f"jobs/query/{job}/results"), params=params, headers=headers, as_json=False
            )
            records = _csv_records(reply.text)
            since = max([since, *(str(r[STAMP]) for r in records)])
            locator = reply.headers.get("sforce-locator", "null")
            if locator in ("", "null"):
                yield Batch(records, {"since": since, "deleted": told}, total=total)
                return
            yield Batch(records, {"job": job, "locator": locator, "since": since, "deleted": told}, total=total)

    def _job_lives(self, job: str) -> bool:
        return self._api.send("GET", self._path(f"jobs/query/{job}"), allowed=frozenset({404})).status == 200

    def _finished(self, job: str) -> int:
        """Wait for a query job; how many records it found."""
        for _ in range(20_000):
            body = self._api.get(self._path(f"jobs/query/{job}"))
            if body["state"] == "JobComplete":
                return int(body.get("numberRecordsProcessed") or 0)
            if body["state"] in ("Failed", "Aborted"):
                raise SourceError(
                    f"Salesforce: the bulk query {job} is {body['state']}: {body.get('errorMessage', '')}"
                )
            time.sleep(self.options.bulk_wait)
        raise SourceError(
            f"Salesforce: the bulk query {job} does not end", hint="look at it in Setup: Bulk Data Load Jobs"
        )


def _csv_records(text: str) -> list[dict[str, Any]]:
    """The records of a CSV part; an empty cell is nothing. `SourceError` where the part was cut off."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows:
        return []
    header = rows[0]
    if any(len(row) != len(header) for row in rows[1:]):
        raise SourceError("Salesforce: a part of a bulk query is cut off", hint="the next sync reads it again")
    return [{name: cell or None for name, cell in zip(header, row, strict=True)} for row in rows[1:]]


def _seconds(when: dt.datetime) -> str:
    return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
