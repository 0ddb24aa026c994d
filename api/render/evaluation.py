"""The result of an evaluation for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from api.render.answers import line

if TYPE_CHECKING:
    from rich.console import Console

    from api.evaluation.evaluate import Evaluation

SHOWN = 50


def render_evaluation(console: Console, result: Evaluation) -> None:
    """Accuracy by route, what was wrong and why, what is not proven, latency."""
    right = sum(not one.why for one in result.outcomes)
    line(console, f"{right} of {len(result.outcomes)} right ({result.accuracy:.1%})", "bold")
    for route, (good, asked) in sorted(result.by_route().items()):
        line(console, f"  {route}: {good} of {asked} ({good / asked:.0%})")
    for one in [one for one in result.outcomes if one.why][:SHOWN]:
        console.print(
            Text(f"wrong {one.id} ({one.route}, went {one.path}): {one.question}\n    {one.why}", style="red")
        )
    unproven = [(one.id, what) for one in result.outcomes for what in one.unproven]
    cited = sum(one.citations for one in result.outcomes)
    line(console, f"{cited} citations checked, {len(unproven)} citations or figures without a source")
    for identity, what in unproven[:SHOWN]:
        line(console, f"  unproven {identity}: {what}", "red")
    line(console, f"latency: p50 {result.latency(0.5):,.0f} ms, p95 {result.latency(0.95):,.0f} ms")
