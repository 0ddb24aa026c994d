"""Ranking measured on judged collections: nDCG@10 of both legs, fused and alone, over Tower's own parts.

A collection is a folder with `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` and `qrels.tsv` (or
`qrels/train.tsv`); where a README or SOURCE file says that grade 1 is best, grades are turned round. Queries are split
in two halves by a hash of their ids: weights are chosen on one (`--sweep`), what is reported is the other.

  eval_retrieval.py FOLDER...              every query, fused, by meaning, by words
  eval_retrieval.py FOLDER... --sweep      each weight varied on the first half, and what the second says of it
  eval_retrieval.py FOLDER... --calibrate  the logistic of `index.search.fusion.likelihood`; needs scikit-learn
  eval_retrieval.py FOLDER... --nothing    how often "nothing relevant" is said of a collection's own questions, which
                                           is wrong, and of those of the other collections, which is right
  eval_retrieval.py FOLDER... --runtimes   what the faster runtime loses against onnxruntime in fp32

`--scratch DIR` keeps the indices between runs; `--runtime` chooses what embeds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from index.documents import ABOUT, RELEVANT, Document
from index.embedding.choice import choose_embedder
from index.scope import Principal, Scope
from index.search.fusion import WEIGHTS, Weights, fuse
from index.search.passages import CANDIDATES
from index.vectors.edge import EdgeGateway
from index.vectors.gateway import Hit, Narrow, Point
from index.vectors.keywords import document_vector, query_vector
from ingest.chunking import chunk

TAG = "all"
SCOPE = Scope(Principal("eval"), {}, frozenset({TAG}))
SWEPT: dict[str, Sequence[float]] = {
    "keywords": (0.12, 0.15, 0.18, 0.21, 0.25),
    "feedback": (0.0, 0.3, 0.5, 0.8),
    "leaders": (2, 4, 8),
    "closeness": (0.05, 0.1, 0.2),
    "smoothing": (0.0, 0.25, 0.5, 1.0),
    "selectivity": (4.0, 8.0, 16.0),
}
Found = list[tuple[Any, list[Hit]]]  # for each query its vector and its hits


@dataclass(frozen=True)
class Collection:
    """Documents, queries and judgements: query to document to gain."""

    name: str
    documents: dict[str, Document]
    queries: dict[str, str]
    gains: dict[str, dict[str, int]]

    @cached_property
    def halves(self) -> tuple[list[str], list[str]]:
        """The judged queries in two halves that have nothing to do with their order."""
        ordered = sorted(self.gains, key=lambda query: hashlib.sha256(query.encode()).hexdigest())
        return ordered[::2], ordered[1::2]


def read_collection(folder: Path) -> Collection:
    """The collection in `folder`."""
    documents = {
        line["_id"]: Document(f"eval:{line['_id']}", "eval", line.get("title") or "", line["text"], frozenset({TAG}))
        for line in _lines(folder / "corpus.jsonl")
    }
    queries = {line["_id"]: line["text"] for line in _lines(folder / "queries.jsonl")}
    notes = " ".join(path.read_text(errors="replace") for path in folder.glob("SOURCE*"))
    turned = re.search(r"\b1 is the best grade", notes, re.IGNORECASE) is not None
    path = next(path for path in (folder / "qrels.tsv", folder / "qrels/train.tsv") if path.is_file())
    gains: dict[str, dict[str, int]] = {}
    for row in path.read_text().splitlines()[1:]:
        query, document, *_, grade = row.split()
        gain = max(0, 5 - int(grade)) if turned else int(grade)
        if gain > 0 and query in queries and document in documents:
            gains.setdefault(query, {})[document] = gain
    return Collection(folder.name, documents, queries, gains)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def build_index(collection: Collection, scratch: Path, embedder: Any) -> EdgeGateway:
    """The collection cut, embedded and stored as an ingest does it; one that is there already is used."""
    place = scratch / f"{collection.name}-{hashlib.sha256(embedder.identity.encode()).hexdigest()[:8]}"
    gateway = EdgeGateway(place / "index", create=True)
    if not (place / "complete").is_file():
        cut = [(document, one) for document in collection.documents.values() for one in chunk(document)]
        texts = [_text(document, one) for document, one in cut]
        vectors = embedder.embed(texts)
        gateway.upsert(
            Point(one.chunk_id, one.doc_id, "eval", (TAG,), (), "", "h", vector, document_vector(text))
            for (_, one), vector, text in zip(cut, vectors, texts, strict=True)
        )
        gateway.optimise()
        (place / "complete").touch()
    return gateway


def _text(document: Document, one: Any) -> str:
    """As `ingest.indexing.embedded_text` has it."""
    text = document.text[one.start : one.end]
    return text if not one.context or text.lstrip("# ").startswith(one.context) else f"{one.context}\n{text}"


def search(gateway: EdgeGateway, embedder: Any, queries: Sequence[str]) -> Found:
    """The candidates of every query."""
    vectors = embedder.embed(list(queries))
    return [
        (vector, gateway.search(SCOPE, vector, query_vector(query), narrow=Narrow(), limit=CANDIDATES))
        for query, vector in zip(queries, vectors, strict=True)
    ]


Ranking = Callable[[Any, list[Hit]], list[Hit]]


def fused(weights: Weights = WEIGHTS) -> Ranking:
    """The ranking of a search."""
    return lambda vector, hits: [hit for hit, _ in fuse(hits, vector, weights=weights)]


def by_meaning(_vector: Any, hits: list[Hit]) -> list[Hit]:
    """The dense leg alone."""
    return sorted(hits, key=lambda hit: -(hit.dense or 0.0))


def by_words(_vector: Any, hits: list[Hit]) -> list[Hit]:
    """The keyword leg alone."""
    return sorted((hit for hit in hits if hit.sparse is not None), key=lambda hit: -(hit.sparse or 0.0))


def ndcg(collection: Collection, names: Sequence[str], found: Found, ranking: Ranking) -> float:
    """The mean nDCG@10 over `names`, the best passage of a document standing for it."""
    total = 0.0
    for name, (vector, hits) in zip(names, found, strict=True):
        order = dict.fromkeys(hit.doc_id.partition(":")[2] for hit in ranking(vector, hits))
        gains = collection.gains[name]
        best = sorted(gains.values(), reverse=True)[:10]
        total += _dcg([gains.get(one, 0) for one in list(order)[:10]]) / _dcg(best)
    return total / max(1, len(names))


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


@dataclass(frozen=True)
class Measured:
    """A collection with the candidates of the queries of both halves."""

    collection: Collection
    found: tuple[Found, Found]

    def value(self, half: int, ranking: Ranking) -> float:
        """nDCG@10 on one half."""
        return ndcg(self.collection, self.collection.halves[half], self.found[half], ranking)

    def whole(self, ranking: Ranking) -> float:
        """nDCG@10 on every judged query."""
        names = [name for half in self.collection.halves for name in half]
        return ndcg(self.collection, names, [*self.found[0], *self.found[1]], ranking)


def measure(collection: Collection, scratch: Path, embedder: Any) -> Measured:
    """Index and search."""
    gateway = build_index(collection, scratch, embedder)
    try:
        first, second = (
            search(gateway, embedder, [collection.queries[name] for name in half]) for half in collection.halves
        )
    finally:
        gateway.close()
    return Measured(collection, (first, second))


def report(measured: Sequence[Measured]) -> dict[str, float]:
    """Both legs, fused and alone; what is fused by the collection's name."""
    reached: dict[str, float] = {}
    for one in measured:
        figures = {
            "fused": one.whole(fused()),
            "first step alone": one.whole(fused(replace(WEIGHTS, feedback=0.0, smoothing=0.0))),
            "by meaning": one.whole(by_meaning),
            "by words": one.whole(by_words),
        }
        _say(f"{one.collection.name}: {len(one.collection.documents)} documents, {len(one.collection.gains)} queries")
        for name, value in figures.items():
            _say(f"  {name:18} nDCG@10 {value:.4f}")
        reached[one.collection.name] = figures["fused"]
    return reached


def sweep(measured: Sequence[Measured]) -> None:
    """Each weight varied alone: chosen on the first half of every collection, reported on the second."""
    _say("weight, value, nDCG@10 of the half that chooses (the collections' mean), then of the half that reports")
    for name, values in SWEPT.items():
        for value in values:
            kind = type(getattr(WEIGHTS, name))
            ranking = fused(replace(WEIGHTS, **{name: kind(value)}))
            chosen, reported = (float(np.mean([one.value(half, ranking) for one in measured])) for half in (0, 1))
            mark = "  in use" if getattr(WEIGHTS, name) == value else ""
            _say(f"  {name:12} {value:6} {chosen:.4f} {reported:.4f}{mark}")
    assert {field.name for field in fields(Weights)} == set(SWEPT)


def calibrate(measured: Sequence[Measured], gateways: Sequence[EdgeGateway], embedder: Any) -> None:
    """Fit the logistic over the ten best of each query, and of each query asked of every other collection."""
    from sklearn.linear_model import LogisticRegression

    from index.search import fusion

    features: list[tuple[float, float]] = []
    labels: list[int] = []
    kept = fusion.likelihood
    try:
        fusion.likelihood = lambda value, top: complex(value, top)  # type: ignore[assignment,return-value]
        for one, gateway in zip(measured, gateways, strict=True):
            for name, (vector, hits) in zip(one.collection.halves[0], one.found[0], strict=True):
                for hit, pair in fuse(hits, vector)[:10]:
                    features.append((pair.real, pair.imag))
                    labels.append(int(hit.doc_id.partition(":")[2] in one.collection.gains[name]))
            for other in measured:
                if other is not one:
                    asked = [other.collection.queries[name] for name in other.collection.halves[0]]
                    for vector, hits in search(gateway, embedder, asked):
                        features += [(pair.real, pair.imag) for _, pair in fuse(hits, vector)[:10]]
                        labels += [0] * min(10, len(hits))
    finally:
        fusion.likelihood = kept
    fitted = LogisticRegression(C=1e3).fit(np.array(features), np.array(labels))
    _say(f"slope {fitted.coef_[0][0]:.2f}, top {fitted.coef_[0][1]:.2f}, base {fitted.intercept_[0]:.2f}")
    probabilities = fitted.predict_proba(np.array(features))[:, 1]
    for low in np.arange(0, 1, 0.2):
        chosen = (probabilities >= low) & (probabilities < low + 0.2)
        if chosen.any():
            share = np.array(labels)[chosen].mean()
            _say(f"  said {low:.1f}-{low + 0.2:.1f}: {share:.2f} are relevant, of {int(chosen.sum())}")


def nothing(measured: Sequence[Measured], gateways: Sequence[EdgeGateway], embedder: Any) -> None:
    """For how many questions "nothing relevant" is said: own ones, and those of other collections.

    It is said where the best score is below one threshold and the best cosine below another. Both kinds of question are
    of the half that the logistic was not fitted on.
    """
    own: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    for one, gateway in zip(measured, gateways, strict=True):
        own += [_best_of(vector, hits) for vector, hits in one.found[1]]
        for stranger in measured:
            if stranger is not one:
                asked = [stranger.collection.queries[name] for name in stranger.collection.halves[1]]
                other += [_best_of(vector, hits) for vector, hits in search(gateway, embedder, asked)]
    _say(f"nothing relevant is said of {len(own)} questions of its own (wrongly), {len(other)} of others (rightly)")
    for score in sorted({0.05, 0.1, 0.15, 0.2, 0.3, RELEVANT}):
        for cosine in sorted({0.4, 0.45, 0.5, 0.55, 1.0, ABOUT}):
            shares = [float(np.mean([s < score and c < cosine for s, c in best])) for best in (own, other)]
            mark = "  in use" if (score, cosine) == (RELEVANT, ABOUT) else ""
            _say(f"  score below {score:.2f}, cosine below {cosine:.2f}: {shares[0]:.3f} {shares[1]:.3f}{mark}")


def _best_of(vector: Any, hits: list[Hit]) -> tuple[float, float]:
    """The best score and the best cosine of the ten best hits."""
    best = fuse(hits, vector)[:10]
    return max((score for _, score in best), default=0.0), max((hit.dense or 0.0 for hit, _ in best), default=0.0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--runtime", default="auto")
    for option in ("--sweep", "--calibrate", "--nothing", "--runtimes"):
        parser.add_argument(option, action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = chosen.scratch or Path(temporary)
        collections = [read_collection(folder) for folder in chosen.folders]
        reached: list[dict[str, float]] = []
        for runtime in ("onnxruntime", "openvino") if chosen.runtimes else (chosen.runtime,):
            embedder = choose_embedder(runtime, None, scratch / "models")
            _say(embedder.identity)
            measured = [measure(collection, scratch, embedder) for collection in collections]
            reached.append(report(measured))
        if chosen.runtimes:
            for name, exact in reached[0].items():
                _say(f"{name}: the faster runtime loses {exact - reached[1][name]:+.4f} of nDCG@10")
        if chosen.sweep:
            sweep(measured)
        if chosen.calibrate or chosen.nothing:
            gateways = [build_index(collection, scratch, embedder) for collection in collections]
            (calibrate if chosen.calibrate else nothing)(measured, gateways, embedder)
            for gateway in gateways:
                gateway.close()


if __name__ == "__main__":
    main()
