"""The API's description for machines: OpenAPI 3.1, and 3.0 for gateways and importers that know no later one.

What the two say is the same; JSON Schema's newer words are put in the older ones (`null` as a type becomes `nullable`,
`const` an `enum` of one, `examples` one `example`): https://spec.openapis.org/oas/v3.0.3.
"""

from __future__ import annotations

import copy
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

router = APIRouter(include_in_schema=False)
_SCHEME = {"bearer": {"type": "http", "scheme": "bearer", "description": "A token of the sign-in service, or a key."}}
_OPEN = frozenset({"/healthz", "/readyz"})
_EXAMPLES = {
    "answer_id": "an-3f9c",
    "draft_id": "d-81b2",
    "job_id": "7d1f0c",
    "feedback_id": "9c41d2",
    "table": "accounts",
    "key": "ACC-1",
}


@router.get("/openapi.json")
def latest(request: Request) -> Response:
    """OpenAPI 3.1."""
    return JSONResponse(described(request.app))


@router.get("/openapi-3.0.json")
def older(request: Request) -> Response:
    """OpenAPI 3.0."""
    return JSONResponse(as_3_0(described(request.app)))


def described(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of `app`, with the sign-in and examples for what its operations take."""
    schema = copy.deepcopy(app.openapi())
    schema.setdefault("components", {})["securitySchemes"] = _SCHEME
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in _OPEN else [{"bearer": []}, {}]
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in _EXAMPLES:
                    parameter["example"] = _EXAMPLES[parameter["name"]]
    return schema


def as_3_0(schema: dict[str, Any]) -> dict[str, Any]:
    """The same description in OpenAPI 3.0.3."""
    older: dict[str, Any] = _older(schema)
    older["openapi"] = "3.0.3"
    return older


def _older(node: Any) -> Any:
    if isinstance(node, list):
        return [_older(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _older(value) for name, value in node.items()}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if isinstance(plain.get("examples"), list):
        plain["example"] = plain.pop("examples")[0]
    options = plain.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        kept = [option for option in options if option != {"type": "null"}]
        del plain["anyOf"]
        plain.update({"nullable": True} | (kept[0] if len(kept) == 1 and "$ref" not in kept[0] else {"allOf": kept}))
        if len(kept) > 1:
            plain["anyOf"] = plain.pop("allOf")
    for word in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(plain.get(word), int | float) and not isinstance(plain.get(word), bool):
            plain[word.removeprefix("exclusive").lower()] = plain[word]
            plain[word] = True
    return plain
