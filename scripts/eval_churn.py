"""How well scores do: a table with a label, by five-fold cross-validation, and the sample company against its truth.

    python scripts/eval_churn.py EVALS      # EVALS/churn/*/*.csv, then the sample company
    python scripts/eval_churn.py            # the sample company only

The table goes the way of everybody's data: a workspace of its own, ingested, its catalogue drafted, the score declared
in the catalogue by its columns and its outcome. Each fold's settings are chosen inside its own training part.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
if TYPE_CHECKING:
    from api.workspace import Workspace
    from index.catalogue.model import Catalogue, Score
    from query.scoring.train import History

FOLDS = 5
TARGETS = {"auc": 0.848, "brier": 0.1335, "ece": 0.03}
SAMPLE_TOLERANCE = 0.02
SUM_TOLERANCE = 1e-6
TOLD = 200  # entities whose contributions are told in full: each reads the rows behind its reasons


def main() -> int:
    """Print both parts; 1 where a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("evals", nargs="?", type=Path)
    arguments.add_argument("--key", default="customer_id", help="as ingested")
    arguments.add_argument("--label", default="churn", help="as ingested")
    arguments.add_argument("--event", default="Yes", help="the label's value that counts as the event")
    given = arguments.parse_args()
    good = True
    if given.evals is not None:
        tables = sorted((given.evals / "churn").glob("*/*.csv"))
        if not tables:
            say(f"no CSV under {given.evals / 'churn'}")
            return 2
        for table in tables:
            good &= eval_table(table, given.key, given.label, given.event)
    return 0 if eval_sample() and good else 1


def say(text: str) -> None:
    """A line of the report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def eval_table(csv: Path, key: str, label: str, event: str) -> bool:
    """Cross-validate a score over every column of `csv` but `key` and `label`."""
    from query.scoring.features import FeatureReader
    from query.scoring.fit import fit, predict
    from query.scoring.measures import auc, brier, calibration_error, folds_by_group
    from query.scoring.train import read_outcomes

    with tempfile.TemporaryDirectory() as home:
        workspace, catalogue, score = declared(Path(home), csv, key, label, event)
        source = FeatureReader(workspace._reader, catalogue, workspace.administrator().unmasked)
        history = read_outcomes(score, score.features, source, catalogue.date())
        fold = folds_by_group(history.keys, FOLDS)
        held_out = np.zeros(len(history.labels))
        for at in range(FOLDS):
            test = fold == at
            groups = [k for k, out in zip(history.keys, test, strict=True) if not out]
            found = fit(score.features, history.matrix[~test], history.labels[~test], groups)
            held_out[test] = predict(found.intercept, found.features, history.matrix[test])
        measured = {
            "auc": auc(history.labels, held_out),
            "brier": brier(history.labels, held_out),
            "ece": calibration_error(history.labels, held_out),
        }
        gap, seconds = sums_gap(workspace, score, history)
        workspace.close()
    say(f"{csv.parent.name}: {len(history.keys):,} rows, {int(history.labels.sum()):,} events, "
          f"{len(score.features)} columns, {FOLDS}-fold cross-validation")  # fmt: skip
    for name, value in measured.items():
        say(f"  {name:<6} {value:.4f}   target {'>=' if name == 'auc' else '<='} {TARGETS[name]}")
    say(f"  the contributions sum to the logit within {gap:.1e}; trained in {seconds:.1f} s")
    held = measured["auc"] >= TARGETS["auc"] and all(measured[n] <= TARGETS[n] for n in ("brier", "ece"))
    return held and gap <= SUM_TOLERANCE


def declared(home: Path, csv: Path, key: str, label: str, event: str) -> tuple[Workspace, Catalogue, Score]:
    """A workspace that has ingested `csv`, with a score declared in its catalogue file."""
    import yaml

    from api.settings import load_settings
    from api.wiring import open_workspace
    from index.catalogue.file import dump_catalogue, load_catalogue

    table = "customers"
    source = {"kind": "files", "path": str(csv.parent), "tables": {table: {"files": csv.name, "key": [key]}}}
    (home / "tower.yaml").write_text(yaml.safe_dump({"version": 1, "sources": {"crm": source}}), encoding="utf-8")
    first = open_workspace(home, load_settings(home))
    first.ingest([], False, lambda *_: None)  # drafts the catalogue
    first.close()
    path = home / "catalogue.yaml"
    drafted = yaml.safe_load(dump_catalogue(load_catalogue(path)))
    columns = [name for name in drafted["tables"][table]["columns"] if name not in (key, label)]
    drafted["entities"] = {"customer": {"table": table, "key": key, "name_column": key}}
    truth = drafted["tables"][table]["columns"][label]["type"] == "boolean"  # Yes and No are read as such
    happened = f'"{label}"' if truth else f"\"{label}\" = '{event}'"
    drafted["scores"] = {"churn": {
        "entity": "customer",
        "outcome": f'SELECT "{key}", CASE WHEN {happened} THEN 1 ELSE 0 END FROM {table}',
        "columns": columns,
    }}  # fmt: skip
    path.write_text(yaml.safe_dump(drafted, sort_keys=False), encoding="utf-8")
    opened = open_workspace(home, load_settings(home)).inner
    catalogue = opened.catalogue  # type: ignore[attr-defined]
    return opened, catalogue, catalogue.scores[0]  # type: ignore[return-value]


def sums_gap(workspace: Workspace, score: Score, history: History) -> tuple[float, float]:
    """The largest difference between a logit and its intercept with its contributions; and the seconds that training
    took. Over every row by the model itself, and over `TOLD` entities as they are told, with the rows behind them."""
    from query.scoring.scorer import LiveScorer

    scope = workspace.administrator()
    scorer = workspace.engine(scope).parts.scorer
    assert isinstance(scorer, LiveScorer)
    begun = time.perf_counter()
    scorer.train(scope)
    seconds = time.perf_counter() - begun
    model = scorer.model(score.name)
    chances = model.probabilities(history.matrix)
    sums = model.intercept + model.contributions(history.matrix).sum(axis=1)
    gap = float(np.abs(sums - np.log(chances / (1 - chances))).max())
    told = sorted(history.keys)[:: max(1, len(history.keys) // TOLD)]
    scored = scorer.score(score.name, told, scope)
    assert len(scored) == len(told)
    return max(gap, *(
        abs(s.intercept + sum(c.logit for c in s.contributions) - math.log(s.probability / (1 - s.probability)))
        for s in scored
    )), seconds  # fmt: skip


def eval_sample() -> bool:
    """The sample company's score against the planted risk itself, on the same accounts and days."""
    from api.settings import load_settings
    from api.wiring import open_workspace
    from data import write_workspace
    from data.generator.clock import TODAY, week_of
    from query.scoring.measures import auc

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        world = write_workspace(home)
        without_documents(home)
        opened = open_workspace(home, load_settings(home))
        opened.ingest([], False, lambda *_: None)
        workspace = opened.inner
        history, held_out, scored, threshold = sample_scores(workspace)  # type: ignore[arg-type]
        opened.close()
    accounts = {a.account_id: a for a in world.accounts}
    days = [day for day, keys in history for _ in keys]
    keys = [key for _, some in history for key in some]
    planted = np.asarray([accounts[key].level(week_of(day)) for key, day in zip(keys, days, strict=True)])
    labels = np.asarray([churned_within(accounts[k].churned_on, d) for k, d in zip(keys, days, strict=True)])
    own, learned = auc(labels, planted), auc(labels, held_out)
    found = {key for key, probability in scored.items() if probability >= threshold}
    today = np.asarray([float(key in world.at_risk) for key in scored])
    say(f"sample company: {len(labels):,} rows on {len(history)} days, {int(labels.sum())} events")
    say(f"  auc of the planted risk itself {own:.4f}, of the score (cross-validated) {learned:.4f}, "
          f"difference {own - learned:+.4f}   target within {SAMPLE_TOLERANCE}")  # fmt: skip
    say(f"  on {TODAY}: auc {auc(today, np.asarray(list(scored.values()))):.4f} against who is truly at risk; "
          f"{len(found & world.at_risk)} of {len(world.at_risk)} found, "
          f"{len(found - world.at_risk)} too many")  # fmt: skip
    return abs(own - learned) <= SAMPLE_TOLERANCE


def churned_within(churned_on: dt.date | None, day: dt.date, horizon: int = 90) -> float:
    """1.0 where an account left within `horizon` days after `day`."""
    return float(churned_on is not None and day < churned_on <= day + dt.timedelta(days=horizon))


def without_documents(home: Path) -> None:
    """Scores need no passage: leave the documents away, which take most of the time."""
    import yaml

    path = home / "tower.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    del settings["sources"]["library"]
    settings["sources"]["support"].pop("documents", None)
    settings["sources"]["support"]["tables"]["tickets"].pop("documents", None)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def sample_scores(
    workspace: Workspace,
) -> tuple[list[tuple[dt.date, tuple[str, ...]]], np.ndarray, dict[str, float], float]:
    """Who was alive on each snapshot day, the held-out probabilities of these rows, today's scores, the threshold."""
    from query.scoring.features import FeatureReader
    from query.scoring.fit import fit
    from query.scoring.train import read_history, snapshot_days

    scope, catalogue = workspace.administrator(), workspace.catalogue
    score = replace(catalogue.scores[0])
    source = FeatureReader(workspace._reader, catalogue, scope.unmasked)
    days = snapshot_days(score, catalogue.date(), catalogue.fiscal_year_start)
    history = read_history(score, score.features, source, days)
    held_out = fit(score.features, history.matrix, history.labels, history.keys).held_out
    alive = [(day, source.population(score, day)) for day in days]
    scorer = workspace.engine(scope).parts.scorer
    scored: dict[str, float] = {}

    def keep(probabilities: Mapping[str, float]) -> Sequence[str]:
        scored.update(probabilities)
        return ()

    scorer.score(score.name, source.population(score, catalogue.date()), scope, keep)
    return alive, held_out, scored, score.threshold


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
