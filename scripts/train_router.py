"""Trains the router over reviewed catalogues: `python scripts/train_router.py HOME`.

HOME is the sample's workspace, as `tower demo` makes it. Learned on are the tuning half of `data/routing.jsonl`
(halved as `scripts/eval_routing.py` does; the other half is not read), `data/routing_tuning.jsonl` and
`data/golden.jsonl`. What rules and recipes settle is left out: the model only chooses between tables, documents and
nothing. The weights go to `query/planning/router.json` with where they come from and how they did in ten-fold
cross-validation.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
from sklearn.model_selection import StratifiedKFold  # type: ignore[import-untyped,unused-ignore]

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.settings import load_settings  # noqa: E402
from api.wiring import open_workspace  # noqa: E402
from query.planning.routing_model import CLASSES  # noqa: E402
from query.planning.routing_signals import RouteFeatures, signals  # noqa: E402
from scripts.eval_routing import half  # noqa: E402

FILES = ("routing.jsonl", "routing_tuning.jsonl", "golden.jsonl")
STRENGTH = 0.2  # inverse of the penalty
VECTOR_SCALE = 8.0  # how freely the embedding's weights move against those of the signals
FOLDS = 10


@dataclass(frozen=True)
class Example:
    """A question of `file` with what is seen of it and the way that is right (one of `CLASSES`)."""

    file: str
    question: str
    features: RouteFeatures
    right: str


def labelled() -> Iterator[tuple[str, str, str]]:
    """File, question and way of all that may be learned on; what a record and its documents answer together counts as
    documents."""
    for file in FILES:
        for line in (ROOT / "data" / file).read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            right = case["route"] if "route" in case else case["routes"][0]
            if right != "clarify" and (file != "routing.jsonl" or half(case["question"]) == "tuning"):
                yield file, case["question"], "vector" if right == "hybrid" else right


def examples(home: Path) -> list[Example]:
    """The questions that the model decides."""
    workspace = open_workspace(home, load_settings(home)).inner
    try:
        scope = workspace.scope_for(None)
        planner = workspace.engine(scope).planner(scope)  # type: ignore[attr-defined]
        found = ((f, q, planner.route_features(q), right) for f, q, right in labelled())
        return [Example(f, q, features, right) for f, q, features, right in found if features is not None]
    finally:
        workspace.close()


def trained(data: list[Example], vectors: bool) -> tuple[dict[str, Any], dict[str, float]]:
    """The weights, and the share of right routes by file in cross-validation."""
    names = sorted(signals(data[0].features))
    seen = np.asarray([[signals(e.features)[name] for name in names] for e in data])
    mean, scale = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-9)
    rows = (seen - mean) / scale
    if vectors:
        rows = np.hstack([rows, VECTOR_SCALE * np.asarray([e.features.vector for e in data])])
    right = np.asarray([e.right for e in data])
    hits = np.zeros(len(data))
    for fit_on, judged in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rows, right):
        hits[judged] = _fit(rows[fit_on], right[fit_on]).predict(rows[judged]) == right[judged]
    fitted = _fit(rows, right)
    assert tuple(fitted.classes_) == CLASSES
    weights = fitted.coef_[:, : len(names)] / scale
    held = {
        "names": names,
        "signals": np.round(weights, 5).tolist(),
        "vector": np.round(VECTOR_SCALE * fitted.coef_[:, len(names) :], 4).tolist(),
        "bias": np.round(fitted.intercept_ - weights @ mean, 5).tolist(),
    }
    files = np.asarray([e.file for e in data])
    return held, {file: round(float(hits[files == file].mean()), 4) for file in FILES}


def _fit(rows: np.ndarray, right: np.ndarray) -> Any:
    return LogisticRegression(C=STRENGTH, max_iter=3000).fit(rows, right)


def main() -> None:
    """Train and write the artefact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "query" / "planning" / "router.json")
    arguments = parser.parse_args()
    data = examples(arguments.home)
    embedded, with_vectors = trained(data, vectors=True)
    plain, without = trained(data, vectors=False)
    provenance = {
        "made by": "scripts/train_router.py",
        "data": "the tuning half of data/routing.jsonl, data/routing_tuning.jsonl and data/golden.jsonl",
        "questions": len(data),
        "by way": dict(sorted(Counter(e.right for e in data).items())),
        f"right in {FOLDS}-fold cross-validation": {"embedded": with_vectors, "plain": without},
    }
    held = {"provenance": provenance, "embedder": data[0].features.embedder, "embedded": embedded, "plain": plain}
    arguments.out.write_text(json.dumps(held) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(provenance, indent=1) + "\n")


if __name__ == "__main__":
    main()
