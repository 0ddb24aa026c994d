"""Trains the ranker: `make train EVALS=FOLDER`, or `python scripts/train_ranker.py FOLDER [--sample N] [--keep FILE]`.

FOLDER is as `text2sql_data.py` says; the held-out part is not read. Every question is planned over a catalogue
drafted from its database alone; a reading is right when its rows equal those of the known query.

Two models are trained, each the better of two in cross-validation over databases (no fold sees a database of another):

- the order of the readings of a question: linear weights fitted to prefer right readings to wrong ones, or boosted
  trees that tell right from wrong; both have the score by hand among their features;
- the confidence that the first reading is right: logistic regression, boosted trees or the mean of both, calibrated on
  what they said of databases that neither they nor whoever wrote the rules had seen. Readings that find the same rows
  count as one.

`outright` is the confidence from which a reading is an answer: the lowest at which the answers to questions of Spider
are right often enough in cross-validation. What is written to `query/text2sql/ranker.json` says where it comes from;
neither a database nor a question is in it. `--keep` holds the readings between two runs. It needs no GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped,unused-ignore]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
from sklearn.model_selection import GroupKFold  # type: ignore[import-untyped,unused-ignore]
from text2sql_data import ROOT, Considered, by_database, connected, judged, planner_of, questions, wanted

from query.text2sql.found import looked_at
from query.text2sql.ranking import HAND, REVIEWED, context
from query.text2sql.trees import Trees

FOLDS = 6
MOST_PAIRS = 40  # of one question
RIGHT_ENOUGH = 0.895  # of what is answered outright, in cross-validation
ANSWERED = 0.53  # of the questions, at least: some of them are asked back for their words
WORTH_IT = 0.005  # more first readings right, from which trees are taken for the order instead of weights
APART = frozenset(
    {"curated", "curated_unexplained", "metrics", "terms"}
)  # no training question has a reviewed catalogue
Values = Mapping[str, float]
Table = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Example:
    """A question: its set, its database, its readings as features, whether they are right and what rows they `found`;
    `unread` where nobody looked at its database while the rules were written."""

    set_: str
    database: str
    readings: tuple[tuple[Values, bool], ...]
    found: tuple[str, ...] = ()
    unread: bool = False


@dataclass(frozen=True)
class Scored:
    """A reading with the score that it is ordered by."""

    score: float
    values: Values
    right: bool
    found: str


@dataclass(frozen=True)
class Model:
    """A fitted model as the artefact holds it, and what it says of features."""

    held: dict[str, Any]
    say: Callable[[Values], float]


Fit = Callable[[Sequence[Example]], Model]


def examples(evals: Path, sample: int) -> Iterator[Example]:
    """The questions to learn from whose known query runs."""
    asked = [*questions(evals, half="train", every=sample), *questions(evals, half="calibrate", every=sample)]
    for path, held in by_database(asked):
        planner = planner_of(path)
        with connected(path) as connection:
            for one in held:
                answers = wanted(connection, one)
                if answers:
                    found: list[Considered] = judged(connection, planner.considered(one.question), answers)
                    readings = tuple((r.features, r.right) for r in found)
                    rows = tuple(r.found for r in found)
                    yield Example(one.set_, path.stem, readings, rows, one.half == "calibrate")


def names_of(rows: Sequence[Values]) -> list[str]:
    """The features that vary in the training questions."""
    return sorted({name for row in rows for name in row} - APART)


def table(rows: Sequence[Values], names: Sequence[str]) -> Table:
    """One row of numbers for each mapping."""
    return np.array([[row.get(n, 0.0) for n in names] for row in rows])


def linear_order(data: Sequence[Example]) -> Model:
    """Weights by which right readings of a question come before wrong ones: logistic regression on differences."""
    open_ = [e for e in data if any(r for _, r in e.readings) and not all(r for _, r in e.readings)]
    names = [n for n in names_of([v for e in open_ for v, _ in e.readings]) if not n.startswith("says_")]
    random = np.random.default_rng(0)
    differences, weights = [], []
    for one in open_:
        rows = table([v for v, _ in one.readings], names)
        right = [i for i, (_, r) in enumerate(one.readings) if r]
        pairs = [(i, j) for i in right for j, (_, r) in enumerate(one.readings) if not r]
        if len(pairs) > MOST_PAIRS:
            pairs = [pairs[i] for i in random.choice(len(pairs), MOST_PAIRS, replace=False)]
        differences += [rows[i] - rows[j] for i, j in pairs]
        weights += [1 / len(pairs)] * len(pairs)
    gaps = np.array(differences)
    scale = gaps.std(axis=0) + 1e-3
    both = np.vstack([gaps, -gaps]) / scale
    model = LogisticRegression(C=0.003, fit_intercept=False, max_iter=3000)
    share = np.array(weights * 2) * (2 * len(weights) / sum(weights * 2))
    model.fit(both, np.repeat([1, 0], len(gaps)), sample_weight=share)
    held = {n: round(float(w), 5) for n, w in zip(names, model.coef_[0] / scale, strict=True)}
    return Model({"weights": held}, lambda values: sum(w * values.get(n, 0.0) for n, w in held.items()))


def tree_order(data: Sequence[Example]) -> Model:
    """Boosted trees that tell right readings from wrong ones."""
    rows = [v for e in data for v, _ in e.readings]
    right = [r for e in data for _, r in e.readings]
    share = [1 / len(e.readings) for e in data for _ in e.readings]
    return _grown(rows, right, share, rounds=120, leaves=7)


def linear_confidence(data: Sequence[tuple[Values, bool]]) -> Model:
    """Logistic regression on the first readings."""
    rows = [v for v, _ in data]
    names = names_of(rows)
    numbers = table(rows, names)
    scale = numbers.std(axis=0) + 1e-3
    model = LogisticRegression(C=0.01, max_iter=3000).fit(numbers / scale, [int(r) for _, r in data])
    held = {n: round(float(w), 5) for n, w in zip(names, model.coef_[0] / scale, strict=True)}
    start = float(model.intercept_[0])
    return Model(
        {"weights": held | {"bias": round(start, 5)}},
        lambda values: start + sum(w * values.get(n, 0.0) for n, w in held.items()),
    )


def tree_confidence(data: Sequence[tuple[Values, bool]]) -> Model:
    """Boosted trees on the first readings."""
    return _grown([v for v, _ in data], [r for _, r in data], [1.0] * len(data), rounds=200, leaves=7)


def _grown(rows: Sequence[Values], right: Sequence[bool], share: Sequence[float], rounds: int, leaves: int) -> Model:
    names = names_of(rows)
    grower = HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.05, max_leaf_nodes=leaves, min_samples_leaf=20, l2_regularization=6,
        max_features=0.3, random_state=0, early_stopping=False,
    )  # fmt: skip
    weight = np.array(share) * (len(share) / sum(share))
    grower.fit(table(rows, names), np.array(right, dtype=int), sample_weight=weight)
    trees = []
    for (grown,) in grower._predictors:  # the library has no public way to the nodes
        trees.append(
            [
                round(float(n["value"]), 5)
                if n["is_leaf"]
                else [int(n["feature_idx"]), round(float(n["num_threshold"]), 5), int(n["left"]), int(n["right"])]
                for n in grown.nodes
            ]
        )
    held = {"names": names, "start": round(float(np.ravel(grower._baseline_prediction)[0]), 5), "trees": trees}
    return Model(held, Trees.read(held).score)


def folds(groups: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """Cross-validation in which no database is on both sides."""
    for train, test in GroupKFold(min(FOLDS, len(set(groups)))).split(groups, groups=groups):
        yield list(train), list(test)


def ordered(example: Example, say: Callable[[Values], float]) -> list[Scored]:
    """The readings with their scores, best first; equals stay in the order of the planner."""
    readings = zip(example.readings, example.found, strict=True)
    scored = [Scored(say(values), values, right, rows) for (values, right), rows in readings]
    return sorted(scored, key=lambda s: -s.score)


def unseen_orders(data: Sequence[Example], fit: Fit) -> list[list[Scored]]:
    """The readings of every question in the order of a model that did not see its database."""
    found: list[list[Scored]] = [[] for _ in data]
    for train, test in folds([e.database for e in data]):
        model = fit([data[i] for i in train])
        for i in test:
            found[i] = ordered(data[i], model.say)
    return found


def firsts(orders: Sequence[Sequence[Scored]]) -> list[tuple[Values, bool]]:
    """The first reading of every question, with what the others say of it, and whether it is right."""
    found = []
    for one in orders:
        near = looked_at([s.score for s in one])
        found.append((context([(s.score, s.values) for s in one], [s.found for s in one[:near]]), one[0].right))
    return found


def unseen_confidences(
    rows: Sequence[tuple[Values, bool]], groups: Sequence[str], fit: Callable[[Sequence[tuple[Values, bool]]], Model]
) -> Table:
    """What a model that did not see the database says of each first reading, in logits."""
    found = np.zeros(len(rows))
    for train, test in folds(groups):
        model = fit([rows[i] for i in train])
        found[test] = [model.say(rows[i][0]) for i in test]
    return found


def calibrated(logits: Table, right: Table) -> tuple[float, float]:
    """Slope and shift that make logits fit what was right (Platt)."""
    model = LogisticRegression(C=1e3).fit(logits.reshape(-1, 1), right)
    return round(float(model.coef_[0][0]), 4), round(float(model.intercept_[0]), 4)


def log_loss(chances: Table, right: Table) -> float:
    """The mean surprise at what was right."""
    return float(-np.mean(np.where(right, np.log(chances), np.log(1 - chances))))


def threshold(chances: Table, right: Table) -> tuple[float, float, float]:
    """The lowest confidence at which enough is right (with at least the share answered that is asked for), the share
    answered, and the share right of those."""
    order = np.argsort(-chances)
    best = int(ANSWERED * len(order))
    for n in range(best, len(order) + 1):
        if right[order[:n]].mean() >= RIGHT_ENOUGH:
            best = n
    return float(chances[order[best - 1]]), best / len(order), float(right[order[:best]].mean())


def sigmoid(logits: Table) -> Table:
    """Chances of logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def trained(data: list[Example]) -> dict[str, Any]:
    """The artefact."""
    report: dict[str, Any] = {}
    told = [e for e in data if e.readings]
    hand = [ordered(e, lambda v: v["hand"]) for e in told]
    report["first right, by hand"] = _share(r[0].right for r in hand)
    report["some reading right"] = _share(any(r for _, r in e.readings) for e in told)
    orders: dict[str, tuple[Fit, list[list[Scored]]]] = {}
    for name, fit in (("linear", linear_order), ("trees", tree_order)):
        orders[name] = fit, unseen_orders(told, fit)
        report[f"first right, {name}"] = _share(r[0].right for r in orders[name][1])
        _say(report, f"first right, {name}")
    gain = report["first right, trees"] - report["first right, linear"]
    best = "trees" if gain > WORTH_IT else "linear"
    fit_order, unseen = orders[best]
    rows, groups = firsts(unseen), [e.database for e in told]
    right = np.array([r for _, r in rows], dtype=bool)
    spider = np.array([e.set_ == "spider" for e in told])
    unread = np.array([e.unread for e in told])
    judged_on = unread & spider if unread.any() else spider  # the rules fit better where they were written
    fits = {"logistic": linear_confidence, "trees": tree_confidence}
    said = {name: unseen_confidences(rows, groups, fit) for name, fit in fits.items()}
    chosen: tuple[float, str, Table, tuple[float, float]] | None = None
    for name, logits in (*said.items(), ("both", sum(said.values()) / len(said))):
        slope, shift = calibrated(logits[judged_on], right[judged_on])
        chances = np.clip(sigmoid(slope * logits + shift), 0.01, 0.99)
        loss = log_loss(chances[judged_on], right[judged_on])
        report[f"confidence, {name}: log loss"] = round(loss, 4)
        order = np.argsort(-chances[judged_on])
        report[f"confidence, {name}: right in the surer half"] = _share(right[judged_on][order[: len(order) // 2]])
        _say(report, f"confidence, {name}: log loss", f"confidence, {name}: right in the surer half")
        if chosen is None or loss < chosen[0]:
            chosen = loss, name, chances, (slope, shift)
    assert chosen is not None
    _, name, chances, (slope, shift) = chosen
    models = [fit(rows).held for kind, fit in fits.items() if name in (kind, "both")]
    outright, share, precise = threshold(chances[judged_on], right[judged_on])
    report |= {
        "order": best,
        "confidence": name,
        "answered outright": round(share, 4),
        "of which right": round(precise, 4),
    }
    return {
        "provenance": {
            "made by": "scripts/train_ranker.py",
            "data": "Spider's training set: the half of its databases that was read, and a quarter that was not; the "
            "training halves of defog sql-eval and ACME (questions)",
            "questions": len(data),
            "of which over databases nobody read, calibrated on": sum(e.unread for e in data),
            "readings": sum(len(e.readings) for e in data),
            "set by hand": ["hand", "reviewed"],
            "in cross-validation over databases": report,
        },
        "hand": dict(HAND),
        "reviewed": dict(REVIEWED),
        "order": fit_order(told).held,
        "confidence": {"models": models, "slope": slope, "shift": shift},
        "outright": round(math.floor(outright * 1000) / 1000, 3),
    }


def _share(hits: Any) -> float:
    held = [bool(h) for h in hits]
    return round(sum(held) / max(1, len(held)), 4)


def _say(report: Mapping[str, Any], *keys: str) -> None:
    sys.stderr.write("".join(f"{k}: {report[k]}\n" for k in keys))


def main() -> None:
    """Train and write the artefact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "query" / "text2sql" / "ranker.json")
    parser.add_argument("--sample", type=int, default=1, help="take every Nth question of Spider")
    parser.add_argument("--keep", type=Path, help="a file for the readings, read where it is there already")
    arguments = parser.parse_args()
    if not (arguments.evals / "spider_train").is_dir():
        parser.error(f"no folder spider_train/ in {arguments.evals}: give the folder that holds the questions")
    if arguments.keep and arguments.keep.exists():
        data = pickle.loads(arguments.keep.read_bytes())
    else:
        data = list(examples(arguments.evals, arguments.sample))
    if arguments.keep:
        arguments.keep.write_bytes(pickle.dumps(data))
    held = trained(data)
    arguments.out.write_text(json.dumps(held, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(held["provenance"], indent=1) + "\n")


if __name__ == "__main__":
    main()
