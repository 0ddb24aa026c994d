"""Random scoped searches on both vector engines: how many hits are foreign (none may be).

    python -m scripts.fuzz_vectors [--count 100000] [--seed 1]

The embedded engine, and the gateway of a Qdrant server: on the server that TOWER_TEST_QDRANT_URL names, else on
qdrant-client's own engine in memory.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qdrant_client import QdrantClient

from index.vectors.edge import EdgeGateway
from index.vectors.gateway import VectorGateway
from index.vectors.server import ServerGateway, VectorServer, drop_collection
from tests.index.scoped_search import DIMENSION, faults, points, questions

POINTS = 300
PER_WORLD = 5_000


@contextmanager
def opened(engine: str, folder: Path) -> Iterator[VectorGateway]:
    """An empty gateway."""
    if engine == "edge":
        edge = EdgeGateway(folder / uuid.uuid4().hex, create=True, dimension=DIMENSION)
        yield edge
        edge.close()
        return
    url, name = os.environ.get("TOWER_TEST_QDRANT_URL"), f"tower_fuzz_{uuid.uuid4().hex}"
    client = VectorServer(url).connect() if url else QdrantClient(location=":memory:")
    yield ServerGateway(client, name, create=True, dimension=DIMENSION)
    if url:
        drop_collection(client, name)


def fuzz(engine: str, folder: Path, count: int, seed: int) -> list[str]:
    """What was wrong in `count` searches, over as many sets of points as that takes."""
    found: list[str] = []
    for number, done in enumerate(range(0, count, PER_WORLD), seed):
        with opened(engine, folder) as gateway:
            held = {point.chunk_id: point for point in points(number, POINTS)}
            gateway.upsert(held.values())
            for asked in itertools.islice(questions(number), min(PER_WORLD, count - done)):
                found += faults(gateway, held, asked)
    return found


def main() -> int:
    """Run it; the exit status is 1 where something was foreign, not asked for, or missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="searches on each engine")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    total = 0
    for engine in ("edge", "server"):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = fuzz(engine, Path(folder), arguments.count, arguments.seed)
        foreign = sum(fault.startswith("foreign") for fault in found)
        seconds = time.monotonic() - begun
        print(
            f"{engine}: {arguments.count:,} searches in {seconds:,.0f} s, {foreign} foreign hits, {len(found)} faults"
        )
        for fault in found[:5]:
            print(f"  {fault}")
        total += len(found)
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main())
