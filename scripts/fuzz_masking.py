"""Registered values planted into texts that leave for a model: how many reach the recorder behind it (none may).

    python -m scripts.fuzz_masking [--count 100000] [--seed 1]

Names and telephone numbers of a register of 20,000 persons, and addresses of mail, in the forms that people write.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter

from query.models.model import Message
from query.models.outgoing import Outgoing
from tests.index.planted import Register, planted, register, remains

PERSONS = 20_000
PER_REQUEST = 10  # texts that leave together, as the passages of one prompt do


def leaked(held: Register, count: int, seed: int) -> tuple[list[tuple[str, str, str]], Counter[str]]:
    """Kind, value and what left of it, for the values that can be read in what left; and how many of a kind there
    were."""
    known, planting = held.known, planted(held, seed)
    found, kinds = [], Counter[str]()
    for _ in range(0, count, PER_REQUEST):
        outgoing, batch = Outgoing(known), list(itertools.islice(planting, PER_REQUEST))
        recorder = [Message("user", outgoing.mask("passages", text)) for _, _, text in batch]
        outgoing.sent(recorder)
        for (kind, value, _), message in zip(batch, recorder, strict=True):
            kinds[kind] += 1
            if remains(kind, value, message.text):
                found.append((kind, value, message.text))
    return found, kinds


def main() -> int:
    """Run it; the exit status is 1 where a value got out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    found, kinds = leaked(register(arguments.seed, PERSONS), arguments.count, arguments.seed)
    shares = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
    print(
        f"{sum(kinds.values()):,} planted values ({shares}) in {time.monotonic() - begun:,.0f} s: {len(found)} got out"
    )
    for kind, value, text in found[:10]:
        print(f"  {kind} {value!r} in {text!r}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
