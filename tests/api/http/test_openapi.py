"""The API does what its description says: generated requests, checked by schemathesis; `make fuzz` sends more."""

from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings

from api.http.app import create_app
from api.http.openapi import as_3_0
from tests.api.fake import FakeService
from tests.api.http.described import CHECKS

APP = create_app(FakeService())
described = schemathesis.openapi.from_asgi("/openapi.json", APP)


@described.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_what_is_answered_was_described(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = TestClient(APP).get("/openapi.json").json()
    return found


def test_every_operation_says_who_may_and_what_it_answers(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            assert "security" in operation, path
            assert {"400", "401", "403", "404", "429", "500"} <= operation["responses"].keys(), path


def test_every_body_has_an_example_that_the_api_takes(schema: dict[str, Any]) -> None:
    client = TestClient(create_app(FakeService()))
    parts = schema["components"]["schemas"]
    tried = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = next((ref for ref in _references(content)), None)
            if name is None:
                continue
            for example in parts[name]["examples"]:
                path_filled = path.replace("{draft_id}", "d1").replace("{feedback_id}", "f1")
                reply = client.request(method, path_filled, json=example)
                assert reply.status_code < 300 or reply.json()["code"] in ("draft_blocked", "bad_input"), (
                    path,
                    reply.text,
                )
                tried += 1
    assert tried >= 8


def test_every_operation_has_an_example_that_runs(schema: dict[str, Any]) -> None:
    """What the description shows for each parameter and body is taken; only the ids are those of things that exist."""
    parts = schema["components"]["schemas"]
    ran = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            client = TestClient(create_app(FakeService()))  # as it was: what an example did is not the next one's
            answer = client.post("/v1/ask", json={"question": "How many accounts?"}).json()["id"]
            client.post(f"/v1/answers/{answer}/feedback", json={"verdict": "up"})
            job = client.post("/v1/admin/ingest", json={}).json()["id"] if "job_id" in path else ""
            known = {"answer_id": answer, "draft_id": "d1", "feedback_id": "f1", "job_id": job, "number": "1"}
            given = {one["name"]: one for one in operation.get("parameters", ()) if one.get("required")}
            values = {name: known.get(name, one.get("example")) for name, one in given.items()}
            assert None not in values.values(), (path, values)
            asked = {name: value for name, value in values.items() if given[name]["in"] == "query"}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = next(iter(_references(content)), None)
            body = {"json": parts[name]["examples"][0]} if name is not None else {}
            reply = client.request(method, path.format(**values), params=asked, **body)
            refused = reply.status_code == 409 and reply.json()["code"] in ("draft_blocked", "busy")
            ended = path.endswith("/cancel") and "ended" in reply.text  # the job was quicker
            assert reply.status_code < 300 or refused or ended, (method, path, reply.text[:300])
            ran += 1
    assert ran == sum(len(operations) for operations in schema["paths"].values()) > 30


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in _references(value)]
    return [ref for item in node for ref in _references(item)] if isinstance(node, list) else []


def test_the_older_description_has_no_newer_words(schema: dict[str, Any]) -> None:
    older = TestClient(APP).get("/openapi-3.0.json").json()
    assert older["openapi"].startswith("3.0")
    assert older["paths"].keys() == schema["paths"].keys()
    assert _words(older) & {"const", "prefixItems", "$defs"} == set()
    assert not _null_types(older)
    schemathesis.openapi.from_dict(older)  # reads it


def test_a_nullable_reference_stays_one_in_the_older_words() -> None:
    newer = {"anyOf": [{"$ref": "#/components/schemas/Chart"}, {"type": "null"}]}
    assert as_3_0(newer) == {"openapi": "3.0.3", "nullable": True, "allOf": [{"$ref": "#/components/schemas/Chart"}]}
    assert as_3_0({"anyOf": [{"type": "string"}, {"type": "null"}]}) == {
        "openapi": "3.0.3",
        "nullable": True,
        "type": "string",
    }


def _words(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set(node) | {word for value in node.values() for word in _words(value)}
    return {word for item in node for word in _words(item)} if isinstance(node, list) else set()


def _null_types(node: Any) -> bool:
    if isinstance(node, dict):
        return node.get("type") == "null" or any(_null_types(value) for value in node.values())
    return isinstance(node, list) and any(_null_types(item) for item in node)
