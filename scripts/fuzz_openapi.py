"""Generated requests over every operation of the API: does each answer what its description says, and never a 5xx?

    python -m scripts.fuzz_openapi [--count 20000] [--seed 1]

schemathesis makes the requests, good ones and broken ones, from the OpenAPI document; a real workspace stands behind
the API, in this process, asked as its administrator. Jobs run for real.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from api.http.app import create_app
from api.settings import load_settings
from api.wiring import open_workspace
from tests.api.http.described import CHECKS
from tests.governed import build

OPERATIONS_THAT_WORK_LONG = frozenset({"/v1/admin/train", "/v1/admin/jobs/{job_id}/events"})


def main() -> int:
    """Run it; the exit status is 1 where a response was not what the description says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found: list[str] = []
    statuses = Counter[int]()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = build(Path(folder) / "home")
        service = open_workspace(home, load_settings(home))
        app = create_app(service, user="root")
        described = schemathesis.openapi.from_asgi("/openapi.json", app)
        operations = [result.ok() for result in described.get_all_operations()]
        heavy = [one for one in operations if one.path in OPERATIONS_THAT_WORK_LONG]
        few = max(1, arguments.count // 1_000)
        many = -(-(arguments.count - few * len(heavy)) // (len(operations) - len(heavy)))
        for operation in operations:
            _run(operation, few if operation in heavy else many, arguments.seed, statuses, found)
        service.close()
    total = sum(statuses.values())
    shares = ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items()))
    seconds = time.monotonic() - begun
    print(f"{total:,} requests over {len(operations)} operations in {seconds:,.0f} s ({shares}): {len(found)} faults")
    for fault in found[:20]:
        print(f"  {fault}")
    return 1 if found else 0


def _run(operation: object, count: int, chosen: int, statuses: Counter[int], found: list[str]) -> None:
    """Send `count` requests to one operation: half as described, half broken on purpose."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        try:
            cases = operation.as_strategy(generation_mode=mode)  # type: ignore[attr-defined]
            _send(cases, max(1, count // 2), chosen, statuses, found)
        except Exception as error:
            if "cannot be negated" not in str(error).lower() and type(error).__name__ not in (
                "Unsatisfiable",
                "SkipTest",
            ):
                raise


def _send(cases: object, count: int, chosen: int, statuses: Counter[int], found: list[str]) -> None:
    @seed(chosen)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)  # type: ignore[arg-type]
    def send(case: schemathesis.Case) -> None:
        response = case.call()
        statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except BaseException as error:  # a group of failures; one fault must not end the run
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            found.append(f"{case.method} {case.path}: {response.status_code}: {str(error)[:300]}")

    send()


if __name__ == "__main__":
    raise SystemExit(main())
