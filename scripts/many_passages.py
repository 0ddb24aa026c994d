"""A workspace with as many passages as a bench asks for: synthetic documents through the product's own stores.

Their texts are words that stand together in SciFact (or made-up ones, see `bench_scale.Synthetic`); their vectors are
synthetic, since embedding so many would take hours. What is there already is kept.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from index.documents import Chunk, Document
from index.embedding.choice import choose_embedder
from index.engine import open_engine
from index.store.store import Store
from index.store.writer import StoredDocument
from index.vectors.generations import Generations
from ingest.indexing import index_vectors, optimise
from scripts.bench_page import evals_folder
from scripts.bench_scale import Synthetic, say, words_of

SOURCE, WORDS, BATCH = "synthetic", 100, 5_000


class Spoken:
    """An `Embedder` that says synthetic vectors, in the name of the one whose place it takes."""

    def __init__(self, made: Synthetic, identity: str) -> None:
        self.identity, self.dimension = identity, 384
        self._made, self._seed = made, 0

    def embed(self, texts: Sequence[str]) -> Any:
        """The next vectors."""
        self._seed += 1
        return self._made.vectors(len(texts), self._seed)

    def embed_query(self, text: str, asker: str = "") -> Any:
        """The next vector."""
        return self.embed([text])[0]


def made() -> Synthetic:
    """What texts and vectors are made of."""
    return Synthetic(words_of(evals_folder("retrieval/scifact")))


def fill(home: Path, passages: int, tag: str) -> None:
    """Make the demo's workspace at `home` where there is none, and give it `passages` synthetic documents of one
    passage each, with `tag`."""
    if not (home / "tower.yaml").is_file():
        say(f"making the sample's workspace at {home}")
        subprocess.run([sys.executable, "-m", "api.start", "demo", "--home", str(home)], check=True, stdout=sys.stderr)
    started, words = time.perf_counter(), made()
    engine = open_engine(f"sqlite:///{home / 'tower.db'}")
    store = Store(engine)
    for first in range(0, passages, BATCH):
        numbers = range(first, min(first + BATCH, passages))
        with store.begin() as writer:
            writer.put_documents(_document(words, number, tag) for number in numbers)
    embedder = Spoken(words, choose_embedder("auto", None, home).identity)
    live, gateway = Generations(home, store).open_live(embedder)
    report = index_vectors(store, gateway, embedder, live.generation)
    optimise(gateway)
    gateway.close()
    engine.dispose()
    say(f"{report.embedded} passages stored, {report.total} held, in {time.perf_counter() - started:.0f} s")


def _document(words: Synthetic, number: int, tag: str) -> StoredDocument:
    doc_id, text = f"{SOURCE}:{number}", words.text(number, WORDS)
    document = Document(doc_id, SOURCE, f"Text {number}", text, frozenset({tag}), date="2026-01-01")
    return StoredDocument(document, (Chunk(f"{doc_id}#0", doc_id, 0, 0, len(text)),), "")
