"""Random tampers of an audit log (edit, cut, reorder, duplicate, behead, pad): how many are not found, and how fast
records are appended.

    python -m scripts.fuzz_audit [--count 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from index.audit import LOG, AuditLog
from tests.index.log_tampers import TAMPERS, found

RECORDS = 40
BURSTS, BURST = 10, 200


def appends_per_s(folder: Path) -> tuple[float, float]:
    """Records a second, one thread, each as large as an answer's: by the clock in the best of some bursts, and of
    processor time, which other work on the machine does not change."""
    log, record = AuditLog(folder), {"text": "x" * 500}
    log.append(record)
    clock, used = [], time.process_time()
    for _ in range(BURSTS):
        begun = time.perf_counter()
        for _ in range(BURST):
            log.append(record)
        clock.append(time.perf_counter() - begun)
    return BURST / min(clock), BURSTS * BURST / (time.process_time() - used)


def missed(folder: Path, count: int, seed: int) -> list[str]:
    """Tampers that `verify` does not see, or ascribes to another record."""
    log, chance = AuditLog(folder), random.Random(seed)
    for number in range(RECORDS):
        log.append({"n": number, "text": "x" * chance.randint(10, 300)})
    path = folder / LOG
    lines = path.read_bytes().splitlines(keepends=True)
    told = []
    for number in range(count):
        tamper = TAMPERS[number % len(TAMPERS)]
        changed, expected = tamper(lines, chance)
        path.write_bytes(b"".join(changed))
        verdict = log.verify()
        if verdict.intact or not found(tamper, expected, verdict.broken):
            told.append(f"{tamper.__name__} of record {expected}: {verdict}")
    return told


def main() -> int:
    """Run it; the exit status is 1 where a tamper was not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        speed, of_processor = appends_per_s(Path(one))
        told = missed(Path(two), arguments.count, arguments.seed)
    print(f"{arguments.count:,} tampers, {len(told)} not found")
    print(f"{speed:,.0f} appends/s by the clock, {of_processor:,.0f} of processor time")
    for one in told[:10]:
        print(f"  {one}")
    return 1 if told else 0


if __name__ == "__main__":
    raise SystemExit(main())
