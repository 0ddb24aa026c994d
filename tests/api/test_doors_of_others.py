"""Attempts of people who may sign in at what is not theirs: answers, drafts, conversations, keys of repeated requests,
jobs, rows behind upkeep, names behind error texts and suggestions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.http.app import create_app
from api.settings import LimitsSettings, SigninSettings, load_settings
from api.wiring import open_workspace
from tests.governed import POLICY, REGIONS, build

USERS = """
  opal: {roles: [upkeep]}
  olga: {roles: [upkeep, regional], attributes: {region: EMEA}}
  nora: {roles: [names_hidden], attributes: {region: EMEA}}
"""
ROLES = """
  upkeep: {actions: [ask, ingest, reindex]}
  names_hidden:
    tables:
      accounts: {columns: {"*": visible, name: masked, segment: hidden}, rows: "region = {region}"}
    actions: [ask, sql, drafts]
"""


class Server:
    """A served workspace; `ask` and `send` speak as somebody."""

    def __init__(self, home: Path, client: TestClient) -> None:
        self.home, self.client = home, client

    def send(self, user: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """The status and the body of a response, without the id of its request."""
        headers = {**more.pop("headers", {}), "Authorization": f"Bearer {issue(self.home, user, 24)}"}
        reply = self.client.request(method, path, headers=headers, **more)
        if "json" not in reply.headers.get("content-type", ""):
            return reply.status_code, reply.text
        body = reply.json()
        return reply.status_code, {k: v for k, v in body.items() if k not in ("request_id", "id", "timings_ms")}

    def ask(self, user: str, question: str, **more: Any) -> dict[str, Any]:
        """A whole answer."""
        headers = {"Authorization": f"Bearer {issue(self.home, user, 24)}"}
        found: dict[str, Any] = self.client.post("/v1/ask", json={"question": question, **more}, headers=headers).json()
        return found


def opened(home: Path, *, regions: tuple[str, ...] = REGIONS, segment: str = "") -> Iterator[Server]:
    """The workspace with the customers of `regions`, all of one `segment` where that is named; and a record that is
    not taken."""
    policy = POLICY.replace("groups:\n  sales", USERS.lstrip("\n") + "groups:\n  sales").replace(
        "roles:\n  administrator", "roles:" + ROLES + "  administrator"
    )
    build(home, policy=policy, regions=regions)
    accounts = home / "files" / "crm" / "accounts.csv"
    text = accounts.read_text("utf-8") + "B9,Secretive,APAC,SMB,Active,a lot\n"
    for name in ("SMB", "Enterprise", "Midmarket") if segment else ():
        text = text.replace(f",{name},", f",{segment},")
    accounts.write_text(text, "utf-8")
    workspace = open_workspace(home, load_settings(home))
    workspace.ingest((), False, lambda *_: None)
    app = create_app(workspace, sign_in=SignIn(SigninSettings(), home), limits=Limits(LimitsSettings()))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Server(home, client)
    workspace.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from opened(tmp_path_factory.mktemp("others") / "home")


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A world that has one region."""
    yield from opened(tmp_path_factory.mktemp("without") / "home", regions=("EMEA",))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A world whose customers are all in a segment that is not in the other one."""
    yield from opened(tmp_path_factory.mktemp("changed") / "home", segment="Zweig")


def test_who_looks_after_sources_sees_no_rows_for_it(server: Server) -> None:
    for table, key in (("accounts", "B2"), ("contacts", "CB2"), ("accounts", "A2"), ("nothing", "x")):
        status, body = server.send("opal", "GET", "/v1/admin/lineage", params={"table": table, "key": key})
        assert (status, body["hint"]) == (404, "there are none"), table
    look = lambda key, table="accounts": server.send(  # noqa: E731
        "olga", "GET", "/v1/admin/lineage", params={"table": table, "key": key}
    )
    status, mine = look("A2")
    assert (status, mine["values"]["name"], mine["source"]) == (200, "Bergfreunde", "crm")
    assert look("B2")[1]["detail"].replace("B2", "Z2") == look("Z2")[1]["detail"]
    status, contact = look("CA2", "contacts")
    assert (status, "pin" in contact["values"], contact["values"]["email"]) == (200, False, "***")
    assert server.send("root", "GET", "/v1/admin/lineage", params={"table": "accounts", "key": "B2"})[0] == 200


def test_a_record_in_quarantine_is_shown_to_who_sees_its_tables_whole(server: Server) -> None:
    for user in ("opal", "olga"):
        (held,) = server.send(user, "GET", "/v1/admin/quarantine")[1]["records"]
        assert "Secretive" not in json.dumps(held) and "a lot" not in json.dumps(held)
        assert held["source"] == "crm"
        page = server.send(user, "GET", "/console/sources")[1]
        assert "Secretive" not in page and "a lot" not in page


def test_an_answer_and_a_draft_of_another_are_not_there_by_any_door(server: Server) -> None:
    answer = server.ask("emma", "Write a follow-up mail to Bergfreunde")
    draft = answer["drafts"][0]["id"]
    doors = [
        ("GET", "/v1/answers/{a}", {}), ("POST", "/v1/answers/{a}/replay", {}), ("POST", "/v1/answers/{a}/check", {}),
        ("POST", "/v1/answers/{a}/feedback", {"json": {"verdict": "up"}}), ("GET", "/v1/answers/{a}/citations/1", {}),
        ("GET", "/console/answers/{a}", {}), ("GET", "/console/answers/{a}/chart.svg", {}),
        ("GET", "/console/answers/{a}/images/0", {}), ("GET", "/console/drafts/{d}/images/0", {}),
        ("GET", "/console/answers/{a}/citations/1", {}), ("GET", "/console/drafts/{d}", {}),
        ("GET", "/v1/drafts/{d}", {}), ("PATCH", "/v1/drafts/{d}", {"json": {"subject": "x"}}),
        ("POST", "/v1/drafts/{d}/lint", {"json": {"body": "x"}}), ("GET", "/v1/drafts/{d}/lint", {}),
        ("POST", "/v1/drafts/{d}/approve", {}), ("POST", "/v1/drafts/{d}/reject", {}),
        ("POST", "/v1/drafts/{d}/export", {}), ("GET", "/v1/drafts/{d}/citations/1", {}),
        ("GET", "/v1/drafts?after={d}", {}),
    ]  # fmt: skip
    for method, path, more in doors:
        told = [
            server.send("akira", method, path.format(a=a, d=d), **dict(more))
            for a, d in ((answer["id"], draft), ("f" * 32, "f" * 12))
        ]
        assert told[0][0] in (400, 404), path
        same = [json.dumps(one).replace(answer["id"], "f" * 32).replace(draft, "f" * 12) for one in told]
        assert same[0] == same[1], path
    assert server.ask("emma", "How many customers do we have?")["answer"]
    assert server.send("emma", "GET", f"/v1/drafts/{draft}")[1]["status"] == "proposed"


def test_a_conversation_of_another_adds_nothing(server: Server) -> None:
    first = server.ask("emma", "What is the status of Bergfreunde?")
    told = [
        server.ask("akira", "And how many seats?", conversation_id=name)["answer"]
        for name in (first["conversation_id"], "of-nobody")
    ]
    assert told[0] == told[1] and "Bergfreunde" not in told[0]


def test_a_key_of_a_repeated_request_is_its_users_own(server: Server) -> None:
    def ask(user: str, question: str) -> tuple[int, Any]:
        return server.send(
            user, "POST", "/v1/ask", json={"question": question}, headers={"Idempotency-Key": "same-for-all"}
        )

    assert "4" in ask("emma", "How many customers do we have?")[1]["answer"]
    status, other = ask("akira", "What is our payment term?")
    assert status == 200 and other["question"] == "What is our payment term?"
    assert ask("emma", "What is our payment term?")[0] == 400


def test_jobs_and_their_events_are_for_who_may_begin_them(server: Server) -> None:
    status, job = server.send("olga", "POST", "/v1/admin/ingest", json={"sources": ["handbook"]})
    assert status == 202
    place = server.client.get(
        "/v1/admin/jobs", headers={"Authorization": f"Bearer {issue(server.home, 'olga', 1)}"}
    ).json()["jobs"][0]["id"]
    for user in ("emma", "clerk", "ivy"):
        for method, path in (
            ("GET", ""),
            ("GET", f"/{place}"),
            ("GET", f"/{place}/events"),
            ("POST", f"/{place}/cancel"),
        ):
            assert server.send(user, method, f"/v1/admin/jobs{path}")[0] == 403
        assert server.send(user, "GET", "/metrics")[0] == 403
    assert job["kind"] == "ingest"


@pytest.mark.parametrize(
    ("hidden", "strange"),
    [
        ("SELECT segment FROM accounts", "SELECT tnemges FROM accounts"),
        ("SELECT a.segment FROM accounts a", "SELECT a.tnemges FROM accounts a"),
        ("SELECT name FROM accounts ORDER BY segment", "SELECT name FROM accounts ORDER BY tnemges"),
        ("SELECT count(*) FROM contacts", "SELECT count(*) FROM contacks"),
        ("SELECT c.pin FROM contacts c", "SELECT c.pin FROM contacks c"),
        ("SELECT account_id FROM accounts NATURAL JOIN orders", "SELECT account_id FROM accounts NATURAL JOIN oqders"),
    ],
)
def test_an_error_tells_nothing_of_a_hidden_name(server: Server, hidden: str, strange: str) -> None:
    told = [json.dumps(server.send("nora", "POST", "/v1/sql", json={"sql": sql})) for sql in (hidden, strange)]
    for name, other in (("segment", "tnemges"), ("contacts", "contacks"), ("orders", "oqders")):
        told = [one.replace(other, name) for one in told]
    assert told[0] == told[1]
    tool = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "sql", "arguments": {"select": sql}}}
        for sql in (hidden, strange)
    ]
    accept = {"Accept": "application/json, text/event-stream"}
    said = [json.dumps(server.send("nora", "POST", "/mcp", json=one, headers=accept)) for one in tool]
    for name, other in (("segment", "tnemges"), ("contacts", "contacks"), ("orders", "oqders")):
        said = [one.replace(other, name) for one in said]
    assert said[0] == said[1]


def told(server: Server, user: str, question: str) -> dict[str, Any]:
    """Everything of an answer that does not name it."""
    found = server.ask(user, question)
    dropped = ("id", "conversation_id", "timings_ms", "generation", "drafts", "items")
    texts = [(draft["subject"], draft["body"]) for draft in found["drafts"]]
    return {k: v for k, v in found.items() if k not in dropped} | {"texts": texts}


@pytest.mark.parametrize(
    "question",
    [
        "What is the status of Kumo Outfitters?", "Write a follow-up mail to Lotus Trail", "Who is Person B1?",
        "How many customers are in the Midmarket segment?", "Which customers are Paused?", "Customers in APAC",
        "Compare EMEA and APAC", "Tell me about Berg", "Which regions are there?", "Did you mean Bergwind Pacific?",
        "Which customers ordered more than Lotus Trail?", "How many seats does the largest customer have?",
    ],
)  # fmt: skip
def test_a_question_about_hidden_rows_is_answered_as_where_there_are_none(
    server: Server, without: Server, question: str
) -> None:
    assert told(server, "emma", question) == told(without, "emma", question)


@pytest.mark.parametrize(
    "question",
    [
        "How many customers are in the Enterprise segment?", "How many customers are in each segment?",
        "Which segments are there?", "List our SMB customers", "Enterprise", "What is the segment of our customers?",
    ],
)  # fmt: skip
def test_a_question_about_a_hidden_column_does_not_depend_on_what_is_in_it(
    server: Server, changed: Server, question: str
) -> None:
    assert told(server, "nora", question) == told(changed, "nora", question)


def test_a_change_of_policy_counts_at_every_door_for_the_next_request(tmp_path: Path) -> None:
    """What was asked before is asked again, so that whatever is remembered of it would show."""
    running = opened(tmp_path / "home")
    server = next(running)

    def seen() -> str:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "search", "arguments": {"query": "zanzibar bamboo", "k": 20}}}  # fmt: skip
        replies = [
            server.send("akira", "POST", "/v1/ask", json={"question": "List all customers"}),
            server.send("akira", "POST", "/v1/ask", json={"question": "What is the status of Kumo Outfitters?"}),
            server.send("akira", "POST", "/v1/explain", json={"question": "What is the status of Kumo Outfitters?"}),
            server.send("akira", "POST", "/v1/search", json={"query": "zanzibar bamboo", "k": 20}),
            server.send("akira", "POST", "/v1/sql", json={"sql": "SELECT name FROM accounts"}),
            server.send("akira", "POST", "/mcp", json=call, headers={"Accept": "application/json, text/event-stream"}),
            server.send("akira", "GET", "/v1/examples"), server.send("akira", "GET", "/v1/drafts"),
            server.send("akira", "POST", "/", data={"question": "List all customers"}),
        ]  # fmt: skip
        return json.dumps(replies)

    assert all("Lotus Trail" in one for one in (seen(), seen()))
    policy = server.home / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("akira: {groups: [sales], attributes: {region: APAC}}",
                      "akira: {groups: [sales], attributes: {region: EMEA}}"), "utf-8")  # fmt: skip
    told = seen()
    assert not [name for name in ("Lotus Trail", "Bergwind", "merger", "zanzibar distribution") if name in told]
    assert "Bergfreunde" in told
    running.close()
