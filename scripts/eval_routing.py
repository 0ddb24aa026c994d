"""Scores the routing of the sample company's questions: `python scripts/eval_routing.py HOME [--failures]`.

HOME is the sample's workspace, as `tower demo` makes it. The questions of `data/routing.jsonl` carry the routes that
are right. They are halved by the MD5 of their text: the router is tuned on the first half only, the second is what is
reported, so `--failures` shows those of the first half and no others. Prints accuracy by half and by route, and the
time that routing takes beside planning.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.settings import load_settings  # noqa: E402
from api.wiring import open_workspace  # noqa: E402
from query.planning.router import RouteFeatures, route  # noqa: E402


@dataclass(frozen=True)
class Routed:
    """A question, its half (`tuning` or `held-out`), the routes that are right, and the one taken."""

    question: str
    half: str
    right: tuple[str, ...]
    taken: str

    @property
    def hit(self) -> bool:
        """True when the route taken is a right one."""
        return self.taken in self.right


def half(question: str) -> str:
    """`tuning` or `held-out`."""
    number = int(hashlib.md5(question.encode(), usedforsecurity=False).hexdigest(), 16)
    return "tuning" if number < 1 << 127 else "held-out"


def routed(home: Path) -> Iterator[Routed]:
    """Every question of the set with the route that its plan takes."""
    service = open_workspace(home, load_settings(home))
    try:
        scope = service.scope_for(None)
        for line in (ROOT / "data" / "routing.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            taken = service.explain(case["question"], scope).route.path
            yield Routed(case["question"], half(case["question"]), tuple(case["routes"]), taken)
    finally:
        service.close()


def router_ms() -> float:
    """The median time of the router alone, in milliseconds."""
    features = RouteFeatures("Which customers complained about late deliveries?", 0.7, 0.6, True, 0.6, 0.8, 0.1)
    times = []
    for _ in range(2_000):
        start = time.perf_counter()
        route(features)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    """Route and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--failures", action="store_true", help="show those of the tuning half")
    arguments = parser.parse_args()
    found = list(routed(arguments.home))
    for name in ("tuning", "held-out"):
        part = [one for one in found if one.half == name]
        right, asked = Counter(one.right[0] for one in part if one.hit), Counter(one.right[0] for one in part)
        by = ", ".join(f"{path} {right[path]}/{asked[path]}" for path in sorted(asked))
        share = sum(right.values()) / len(part)
        sys.stdout.write(f"{name}: {sum(right.values())}/{len(part)} = {share:.3f} ({by})\n")
    sys.stdout.write(f"router alone: {router_ms():.4f} ms (median)\n")
    for one in found if arguments.failures else ():
        if one.half == "tuning" and not one.hit:
            sys.stdout.write(f"  {'|'.join(one.right)}, went {one.taken}: {one.question}\n")


if __name__ == "__main__":
    main()
