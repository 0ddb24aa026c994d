"""What governance costs on a plain answer: the time of the same questions with policy, audit, limits and sign-in, and
without any of them.

    python -m scripts.overhead [--rounds 30]

Both ask one small workspace in this process. The governed side signs in with a token, goes through the limits, asks
within row rules that show everything, and writes the audit record; the other asks the workspace directly.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.settings import LimitsSettings, SigninSettings, load_settings
from api.wiring import open_workspace
from index.usage import USAGE
from tests.governed import POLICY, build

QUESTIONS = (
    "How many customers do we have?",
    "How many customers do we have per region?",
    "What was our revenue in 2025?",
    "What is the status of Bergfreunde?",
    "What is our payment term?",
)
# Row rules that show every customer: both sides read the same.
OPEN = (
    POLICY.replace("region = {region}", "region IN {region}")
    .replace("{region: EMEA}", "{region: [EMEA, APAC]}")
    .replace("{region: APAC}", "{region: [EMEA, APAC]}")
)


def times(ask: Callable[[str], object], spent: dict[str, list[float]]) -> None:
    """Ask each question once, and note its processor milliseconds."""
    for question in QUESTIONS:
        begun = time.thread_time()
        ask(question)
        spent.setdefault(question, []).append((time.thread_time() - begun) * 1000)


def usual(spent: dict[str, list[float]]) -> float:
    """Milliseconds of a question, on average over the questions: of each the lower quartile, as other work on the
    machine only ever adds."""
    return statistics.mean(statistics.quantiles(one, n=4)[0] for one in spent.values())


def main() -> int:
    """Print both medians and the difference; the exit status is 1 above 15 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = build(Path(folder) / "home", policy=OPEN)
        governed = open_workspace(home, load_settings(home))
        plain = governed.inner
        settings = LimitsSettings.model_validate({"user": {"requests_per_minute": 100_000, "concurrent": 10}})
        sign_in, limits = SignIn(SigninSettings(), home), Limits(settings)
        token = [f"Bearer {issue(home, 'emma', 24)}"]
        everybody = plain.administrator()

        def governed_ask(question: str) -> None:
            caller = sign_in.caller(token)
            scope = governed.scope_for(caller)
            with limits.entered(scope.principal.name, "console") as meter:
                held = USAGE.set(meter)
                try:
                    governed.ask(question, scope)
                finally:
                    USAGE.reset(held)

        def plain_ask(question: str) -> None:
            plain.ask(question, everybody)

        with_it: dict[str, list[float]] = {}
        without: dict[str, list[float]] = {}
        for turn in range(arguments.rounds + 3):  # in turns, so that both meet the same machine
            if turn == 3:  # everything is read and cached by now
                with_it, without = {}, {}
            times(governed_ask, with_it)
            times(plain_ask, without)
        governed.close()
    share = usual(with_it) / usual(without) - 1
    print(f"plain: {usual(without):.2f} ms of processor time; governed: {usual(with_it):.2f} ms ({share:+.1%})")
    return 1 if share > 0.15 else 0


if __name__ == "__main__":
    raise SystemExit(main())
