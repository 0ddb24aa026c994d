"""What governance costs on a plain answer: the processor time of the same questions with policy, audit, limits and
sign-in, and without any of them.

    python -m scripts.overhead [--rounds 40]

Both ask one small workspace in this process. The governed side signs in with a token, goes through the limits, asks
within row rules that show everything, and writes the audit record; the other asks the workspace directly. Each
question is asked both ways in turn, now the one first, now the other, so that both meet the same machine; what all
threads of the process use is counted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
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
WARM = 3  # rounds before it counts: by then everything is read and cached
DRAWS = 400
Pair = tuple[float, float]
Ask = Callable[[str], object]


def milliseconds(ask: Ask, question: str) -> float:
    """Of processor time, over all threads."""
    begun = time.process_time()
    ask(question)
    return (time.process_time() - begun) * 1000


def pairs(governed: Ask, plain: Ask, rounds: int) -> dict[str, list[Pair]]:
    """Plain and governed milliseconds of each question, a pair a round."""
    found: dict[str, list[Pair]] = {question: [] for question in QUESTIONS}
    for turn in range(WARM + rounds):
        for question in QUESTIONS:
            if turn % 2:
                pair = milliseconds(plain, question), milliseconds(governed, question)
            else:
                more = milliseconds(governed, question)
                pair = milliseconds(plain, question), more
            if turn >= WARM:
                found[question].append(pair)
    return found


def cost(found: dict[str, list[Pair]]) -> Pair:
    """Milliseconds of a plain question, and what governance adds: the median of the pairs' differences, on average
    over the questions."""
    plain = statistics.mean(statistics.median(one for one, _ in held) for held in found.values())
    more = statistics.mean(statistics.median(two - one for one, two in held) for held in found.values())
    return plain, more


def spread(found: dict[str, list[Pair]], seed: int = 1) -> Sequence[float]:
    """Shares of the overhead in samples of the pairs, in order: how sure the figure is."""
    chance, shares = random.Random(seed), []
    for _ in range(DRAWS):
        plain, more = cost({question: chance.choices(held, k=len(held)) for question, held in found.items()})
        shares.append(more / plain)
    return sorted(shares)


def main() -> int:
    """Print both times and the difference; the exit status is 1 above 15 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = build(Path(folder) / "home", policy=OPEN)
        governed = open_workspace(home, load_settings(home))
        inner = governed.inner
        settings = LimitsSettings.model_validate({"user": {"requests_per_minute": 100_000, "concurrent": 10}})
        sign_in, limits = SignIn(SigninSettings(), home), Limits(settings)
        token = [f"Bearer {issue(home, 'emma', 24)}"]
        everybody = inner.administrator()

        def governed_ask(question: str) -> None:
            caller = sign_in.caller(token)
            scope = governed.scope_for(caller)
            with limits.entered(scope.principal.name, "console") as meter:
                held = USAGE.set(meter)
                try:
                    governed.ask(question, scope)
                finally:
                    USAGE.reset(held)

        found = pairs(governed_ask, lambda question: inner.ask(question, everybody), arguments.rounds)
        governed.close()
    for question, held in found.items():
        one, more = cost({question: held})
        print(f"  {question:<44} {one:6.2f} ms, governed {more:+.2f} ms ({more / one:+.1%})")
    plain, more = cost(found)
    shares = spread(found)
    low, high = shares[len(shares) // 20], shares[-len(shares) // 20]
    print(
        f"plain: {plain:.2f} ms of processor time; governed: {plain + more:.2f} ms "
        f"({more / plain:+.1%}; 90 % of samples {low:+.1%} to {high:+.1%})"
    )
    return 1 if more / plain > 0.15 else 0


if __name__ == "__main__":
    raise SystemExit(main())
