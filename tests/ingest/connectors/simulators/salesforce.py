"""A Salesforce org: OAuth, describe, SOQL pages, getDeleted, limits, Bulk API 2.0 queries.

After the REST, SOQL and Bulk API 2.0 developer guides. The SOQL is what a sync asks: fields or COUNT() of one object,
a lower bound on SystemModstamp, an order.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import Any

from tests.ingest.connectors.simulators.base import Request, Response, Simulator

_SOQL = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE SystemModstamp >= (?P<since>\S+))?(?P<order> ORDER BY .+)?\Z"
)
_TYPES = {bool: "boolean", int: "int", float: "double", str: "string"}


class Salesforce(Simulator):
    """Records by object; `change` writes one, `types` overrides a field's type in describe."""

    secret = "salesforce-secret-value"
    client = "tower-client"
    audience = ""

    def __init__(self, *, page: int = 10, **options: Any) -> None:
        super().__init__(**options)
        self.size = page
        self.types: dict[str, str] = {"CloseDate": "date", "SystemModstamp": "datetime", "Id": "id"}
        self.public_key = ""
        self.used, self.limit = 10, 15_000
        self.locators: dict[str, tuple[str, list[str], list[dict[str, Any]], int]] = {}
        self.jobs: dict[str, tuple[list[str], list[dict[str, Any]]]] = {}
        self.forget_locators = False
        self.earliest = dt.datetime(2026, 2, 15, tzinfo=dt.UTC)

    def change(self, name: str, key: str, /, **values: Any) -> None:
        stamp = self.tick().replace("Z", "+0000")
        self.put(name, key, Id=key, SystemModstamp=stamp, **values)

    def answer(self, request: Request) -> Response:
        if request.path == "/services/oauth2/token":
            return self._token(request)
        if not self.signed_in(request):
            return Response([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
        self.used += 1
        response = self._data(re.sub(r"^/services/data/v\d+\.\d/", "", request.path), request)
        response.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.limit}"
        return response

    def _token(self, request: Request) -> Response:
        form = request.form
        if form.get("grant_type") == "client_credentials":
            good = form.get("client_secret") == self.secret and form.get("client_id") == self.client
        else:
            good = self._signed(form.get("assertion", ""))
        if not good:
            return Response({"error": "invalid_grant", "error_description": "authentication failure"}, 400)
        return Response({"access_token": self.new_token(), "instance_url": self.url, "token_type": "Bearer"})

    def _signed(self, assertion: str) -> bool:
        import jwt

        try:
            claims = jwt.decode(
                assertion, self.public_key, ["RS256"], audience=self.audience or self.url, options={"verify_exp": False}
            )
        except jwt.PyJWTError:
            return False
        left = claims["exp"] - self.time.timestamp()
        return claims["iss"] == self.client and "@" in claims["sub"] and 0 < left <= 300

    def _data(self, path: str, request: Request) -> Response:
        if path == "":
            return Response({"sobjects": "/sobjects", "query": "/query"})
        if path == "limits":
            return Response({"DailyApiRequests": {"Max": self.limit, "Remaining": self.limit - self.used}})
        if found := re.fullmatch(r"sobjects/(\w+)/describe", path):
            return self._describe(found[1])
        if found := re.fullmatch(r"sobjects/(\w+)/deleted/", path):
            return self._deleted(found[1], request)
        if path == "query":
            return self._query(request.query["q"])
        if found := re.fullmatch(r"query/(\w+-\d+)", path):
            return self._more(found[1])
        if path == "jobs/query" and request.method == "POST":
            return self._start_job(request.json()["query"])
        if found := re.fullmatch(r"jobs/query/(\w+)(/results)?", path):
            return self._job(found[1], bool(found[2]), request)
        return Response([{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}], 404)

    def _fields(self, name: str) -> dict[str, str]:
        fields: dict[str, str] = {}
        for row in self.rows.get(name, {}).values():
            for key, value in row.items():
                fields.setdefault(key, self.types.get(key) or _TYPES.get(type(value), "string"))
        return fields or {"Id": "id", "SystemModstamp": "datetime"}

    def _describe(self, name: str) -> Response:
        if name not in self.rows:
            return Response([{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}], 404)
        fields = [{"name": key, "type": kind} for key, kind in self._fields(name).items()]
        return Response({"name": name, "fields": [*fields, {"name": "BillingAddress", "type": "address"}]})

    def _select(self, soql: str) -> tuple[str, list[str], list[dict[str, Any]]] | None:
        found = _SOQL.fullmatch(soql)
        if found is None or found["object"] not in self.rows:
            return None
        rows = self.listed(found["object"])
        if found["since"]:
            since = dt.datetime.fromisoformat(found["since"])
            rows = [r for r in rows if dt.datetime.fromisoformat(r["SystemModstamp"]) >= since]
        if found["order"]:
            rows.sort(key=lambda r: (r["SystemModstamp"], r["Id"]))
        return found["object"], [f.strip() for f in found["fields"].split(",")], rows

    def _query(self, soql: str) -> Response:
        chosen = self._select(soql)
        if chosen is None:
            return Response([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
        name, fields, rows = chosen
        if fields == ["COUNT()"]:
            return Response({"totalSize": len(rows), "done": True, "records": []})
        if unknown := [f for f in fields if f not in self._fields(name)]:
            return Response([{"message": f"No such column '{unknown[0]}'", "errorCode": "INVALID_FIELD"}], 400)
        locator = f"01g{self.random.getrandbits(40):x}"
        self.locators[locator] = (name, fields, rows, 0)
        return self._answer(locator, 0)

    def _more(self, place: str) -> Response:
        locator, _, start = place.rpartition("-")
        if self.forget_locators:
            self.forget_locators = False
            self.locators.clear()
        if locator not in self.locators:
            return Response([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}], 400)
        return self._answer(locator, int(start))

    def _answer(self, locator: str, start: int) -> Response:
        name, fields, rows, _ = self.locators[locator]
        chosen = self.page(rows, start, self.size)
        records = [{"attributes": {"type": name}, **{f: row.get(f) for f in fields}} for row in chosen]
        done = start + self.size >= len(rows)
        body: dict[str, Any] = {"totalSize": len(rows), "done": done, "records": records}
        if not done:
            body["nextRecordsUrl"] = f"/services/data/v62.0/query/{locator}-{start + self.size}"
        return Response(body)

    def _deleted(self, name: str, request: Request) -> Response:
        start = dt.datetime.fromisoformat(request.query["start"])
        end = dt.datetime.fromisoformat(request.query["end"])
        if start < self.earliest or end - start < dt.timedelta(minutes=1):
            return Response([{"message": "startDate is too far back", "errorCode": "INVALID_REPLICATION_DATE"}], 400)
        graves = self.graves.get(name, {})
        deleted = [{"id": k, "deletedDate": w.isoformat()} for k, w in graves.items() if w >= start]
        return Response(
            {
                "deletedRecords": deleted,
                "earliestDateAvailable": self.earliest.isoformat(),
                "latestDateCovered": self.time.strftime("%Y-%m-%dT%H:%M:00.000+0000"),
            }
        )

    def _start_job(self, soql: str) -> Response:
        chosen = self._select(soql)
        assert chosen is not None
        job = f"750{self.random.getrandbits(40):x}"
        self.jobs[job] = chosen[1:]
        return Response({"id": job, "state": "UploadComplete"})

    def _job(self, job: str, results: bool, request: Request) -> Response:
        if job not in self.jobs:
            return Response([{"message": "no such job", "errorCode": "NOT_FOUND"}], 404)
        fields, rows = self.jobs[job]
        if not results:
            return Response({"id": job, "state": "JobComplete", "numberRecordsProcessed": len(rows)})
        start, size = int(request.query.get("locator", 0)), int(request.query["maxRecords"])
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(fields)
        for row in rows[start : start + size]:
            writer.writerow(["" if row.get(f) is None else _csv(row[f]) for f in fields])
        more = str(start + size) if start + size < len(rows) else "null"
        return Response(text.getvalue(), 200, {"Content-Type": "text/csv", "Sforce-Locator": more})


def _csv(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
