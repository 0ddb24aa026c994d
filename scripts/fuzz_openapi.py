"""Generated requests over every operation of the API: does each answer what its description says, and never a 5xx?

    python -m scripts.fuzz_openapi [--count 20000] [--seed 1] [--processes 2]

schemathesis makes the requests, good ones and broken ones, from the OpenAPI document; a real workspace stands behind
the API, in the same process, asked as its administrator. Jobs run for real. Making a request takes longer than
answering it, so the operations are dealt out to processes, each with a workspace of its own. An operation that has few
different requests gets those; the others get more, until there are `--count`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
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
ROUNDS = 6
WAIT_S = 300  # for one response, on a machine that is busy with other things as well


def main() -> int:
    """Run it; the exit status is 1 where a response was not what the description says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--part", type=int, default=-1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part >= 0:
        print(json.dumps(_part(arguments.count, arguments.seed, arguments.part, arguments.processes)))
        return 0
    begun = time.monotonic()
    share = -(-arguments.count // arguments.processes)
    command = [sys.executable, "-m", "scripts.fuzz_openapi", "--count", str(share), "--seed", str(arguments.seed)]
    command += ["--processes", str(arguments.processes), "--part"]
    started = [
        subprocess.Popen([*command, str(part)], stdout=subprocess.PIPE, text=True)
        for part in range(arguments.processes)
    ]
    ended = [(process.communicate()[0], process.returncode) for process in started]
    if any(status for _, status in ended):
        print("a process failed; its trace is above")
        return 1
    told = [json.loads(out.splitlines()[-1]) for out, _ in ended]
    statuses = sum((Counter(one["statuses"]) for one in told), Counter[str]())
    found = [fault for one in told for fault in one["faults"]]
    total, operations = sum(statuses.values()), sum(one["operations"] for one in told)
    shares = ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items()))
    seconds = time.monotonic() - begun
    print(f"{total:,} requests over {operations} operations in {seconds:,.0f} s ({shares}): {len(found)} faults")
    for fault in found[:20]:
        print(f"  {fault}")
    return 1 if found or total < arguments.count else 0


def _part(count: int, chosen: int, part: int, parts: int) -> dict[str, object]:
    """Every `parts`-th operation, until `count` requests were sent to them together."""
    found: list[str] = []
    statuses = Counter[int]()
    with tempfile.TemporaryDirectory() as folder:
        home = build(Path(folder) / "home")
        service = open_workspace(home, load_settings(home))
        app = create_app(service, user="root")
        described = schemathesis.openapi.from_asgi("/openapi.json", app)
        operations = [result.ok() for result in described.get_all_operations()][part::parts]
        many = [one for one in operations if one.path not in OPERATIONS_THAT_WORK_LONG]
        for heavy in operations:
            if heavy not in many:
                _run(heavy, max(1, count // 1_000), chosen, statuses, found)
        for turn in range(ROUNDS):  # who had no more different requests drops out
            share = -(-(count - sum(statuses.values())) // max(1, len(many)))
            if share <= 0 or not many:
                break
            many = [one for one in many if _run(one, share, chosen + turn, statuses, found) >= share // 2]
            print(f"part {part}: {sum(statuses.values()):,} of {count:,}", file=sys.stderr, flush=True)
        service.close()
    return {"statuses": dict(statuses), "faults": found, "operations": len(operations)}


def _run(operation: object, count: int, chosen: int, statuses: Counter[int], found: list[str]) -> int:
    """Send `count` requests to one operation, half as described and half broken on purpose; gives how many there were.
    Where nothing can be broken, or there are few that are as described, the other half makes up for it."""
    sent = sum(statuses.values())
    for mode in (GenerationMode.NEGATIVE, GenerationMode.POSITIVE):
        left = count - (sum(statuses.values()) - sent)
        wanted = count // 2 if mode is GenerationMode.NEGATIVE else left
        try:
            cases = operation.as_strategy(generation_mode=mode)  # type: ignore[attr-defined]
            _send(cases, max(1, wanted), chosen, statuses, found)
        except Exception as error:
            if "cannot be negated" not in str(error).lower() and type(error).__name__ not in (
                "Unsatisfiable",
                "SkipTest",
            ):
                raise
    return sum(statuses.values()) - sent


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
        response = case.call(timeout=WAIT_S)
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
