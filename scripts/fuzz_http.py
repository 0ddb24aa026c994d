"""Random requests of eight users over every route: how many responses hold something foreign (none may).

    python -m scripts.fuzz_http [--count 20000] [--seed 1]

The server runs in this process, with a real workspace and signed tokens behind it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.api.eight_users import USERS, leaks, open_world


def main() -> int:
    """Run it; the exit status is 1 where a response held something foreign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance, found, asked = random.Random(arguments.seed), [], Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        world = open_world(Path(folder) / "home")
        begun = time.monotonic()
        for _ in range(arguments.count):
            user = chance.choice(list(USERS))
            asked[user] += 1
            found += leaks(world, user, chance)
        seconds = time.monotonic() - begun
        world.close()
    shares = ", ".join(f"{user} {count:,}" for user, count in sorted(asked.items()))
    print(f"{arguments.count:,} requests in {seconds:,.0f} s ({shares}): {len(found)} foreign values")
    for leak in found[:20]:
        print(f"  {leak}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
