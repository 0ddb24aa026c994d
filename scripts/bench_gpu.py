"""The sentence-transformers runtime on each device of this machine: texts/s, and that the vectors are the same.

  bench_gpu.py MODEL COLLECTION [--repeat N]

MODEL is the folder of a sentence-transformers model, COLLECTION one of judged texts (`corpus.jsonl`, `queries.jsonl`,
`qrels/train.tsv`). Each row embeds the whole collection N times over, after a first round that loads and warms. nDCG@10
is of the search by meaning alone, exact; the agreement is the smallest cosine with the processor's fp32 vector.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
import torch

from index.embedding.transformer import TransformerModel

Vectors = npt.NDArray[np.float32]


def main() -> None:
    """Print a row for each device, and one JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    documents = {one["_id"]: f"{one.get('title') or ''}\n{one['text']}" for one in _lines(given.collection, "corpus")}
    queries = {one["_id"]: one["text"] for one in _lines(given.collection, "queries")}
    judged = _judged(given.collection / "qrels/train.tsv", documents)
    texts = list(documents.values())

    gpus = ["cuda"] if torch.cuda.is_available() else []
    print(f"{len(texts):,} texts; {os.cpu_count()} cores; {torch.cuda.get_device_name() if gpus else 'no GPU'}")
    exact: Vectors | None = None
    rows: list[dict[str, Any]] = []
    for device in ["cpu", *gpus]:
        row, vectors = _measured(given.model, device, texts, given.repeat)
        if exact is None:
            exact = vectors
        row["agreement"] = float((vectors * exact).sum(axis=1).min())
        asked = TransformerModel(given.model, device=device)
        row["ndcg"] = _ndcg(asked.embed([queries[one] for one in judged]), vectors, list(documents), judged)
        rows.append(row)
        print(
            f"{device:5}  {row['texts_per_s']:10,.0f} texts/s  nDCG@10 {row['ndcg']:.4f}  "
            f"agreement {row['agreement']:.5f}  {row['identity']}",
            flush=True,
        )
    print(json.dumps(rows))


def _measured(model: Path, device: str, texts: list[str], repeat: int) -> tuple[dict[str, Any], Vectors]:
    embedder = TransformerModel(model, device=device)
    embedder.embed(texts[:512])
    vectors = embedder.embed(texts)
    many = texts * repeat if device != "cpu" else texts
    began = time.perf_counter()
    embedder.embed(many)
    rate = len(many) / (time.perf_counter() - began)
    return {"device": device, "identity": embedder.identity, "texts_per_s": rate}, vectors


def _lines(folder: Path, name: str) -> list[dict[str, Any]]:
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def _judged(path: Path, documents: dict[str, str]) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for row in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, *_, grade = row.split()
        if int(grade) > 0 and document in documents:
            judged.setdefault(query, {})[document] = int(grade)
    return judged


def _ndcg(asked: Vectors, vectors: Vectors, names: list[str], judged: dict[str, dict[str, int]]) -> float:
    total = 0.0
    best = np.argsort(-(asked @ vectors.T), axis=1)[:, :10]
    for found, gains in zip(best, judged.values(), strict=True):
        reached = [gains.get(names[place], 0) for place in found]
        total += _dcg(reached) / _dcg(sorted(gains.values(), reverse=True)[:10])
    return total / len(judged)


def _dcg(gains: list[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


if __name__ == "__main__":
    main()
