"""The demo: the sample company, from nothing to the four seed questions. The only importer of `data`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import data
from api.batch import read_jsonl
from api.commands.runtime import Runtime, progress, remark, show
from api.encode import answer_json
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from api.service import Progress, Service
    from query.answer import Answer

FLAGSHIP = "-flagship"  # the question that stands for all comes first
GOLDEN = Path("sample") / "golden.jsonl"
_MARKER = Path("sample") / ".complete"  # holds the fingerprint of the generator that wrote the folder


def run_demo(run: Runtime, home: Path | None, *, as_json: bool) -> None:
    """Make the workspace, ingest, ask, print; the second time only what changed is read."""
    from api.settings import default_home

    started = time.monotonic()
    target = home or default_home()
    run.home = target
    with progress() as report:
        make_sample(target, report)
    with run.workspace(target) as service:
        with progress() as report:
            service.ingest((), False, report)
        remark(f"ready after {time.monotonic() - started:.1f} s; asking")
        answers, files = ask_all(service, seed_questions(target), target / "pictures")
    seconds = time.monotonic() - started
    body = {
        "answers": [answer_json(a) for a in answers],
        "files": [str(f) for f in files],
        "seconds": round(seconds, 1),
    }
    show(body, as_json, lambda console: _render(console, answers, files, target, seconds))


def make_sample(home: Path, report: Progress) -> bool:
    """Write the sample company into `home` unless this version of the generator did so before; True if it wrote.

    Raises `UsageError` for a folder that holds a workspace of somebody's own.
    """
    if (home / "tower.yaml").exists() and not (home / "sample").is_dir():
        raise UsageError(f"{home} holds a workspace that is not the demo's", hint="give another one: --home DIR")
    fingerprint = _fingerprint()
    marker = home / _MARKER
    if marker.is_file() and marker.read_text(encoding="utf-8") == fingerprint:
        return False
    marker.unlink(missing_ok=True)  # a half-written sample must not count as complete
    data.write_workspace(home, progress=report)
    marker.write_text(fingerprint, encoding="utf-8")
    return True


def seed_questions(home: Path) -> list[str]:
    """The questions that stand for all; they are golden questions too, so that `tower eval` scores them."""
    seeds = [line for _number, line in read_jsonl(home / GOLDEN) if "-seed-" in line["id"]]
    return [line["question"] for line in sorted(seeds, key=lambda line: not line["id"].endswith(FLAGSHIP))]


def _fingerprint() -> str:
    folder = Path(data.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".yaml")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def ask_all(service: Service, questions: Sequence[str], folder: Path) -> tuple[list[Answer], list[Path]]:
    """The answers, and where their charts and pictures were written."""
    from api.render.pictures import write_pictures

    scope = service.scope_for(None)
    answers, files = [], []
    for number, question in enumerate(questions, 1):
        answer = service.ask(question, scope)
        answers.append(answer)
        files += write_pictures(answer, folder, f"question-{number}")
    return answers, files


def _render(console: Console, answers: Sequence[Answer], files: Sequence[Path], home: Path, seconds: float) -> None:
    from api.render.answers import line, render_answer

    for answer in answers:
        console.print()
        line(console, f"? {answer.question}", "bold cyan")
        console.print()
        render_answer(console, answer)
    console.print()
    for chart in (file for file in files if file.name.endswith("-chart.png")):
        line(console, f"chart: {chart}")
    option = "" if home == Path(".tower") else f" --home {home}"
    line(console, f"\n{len(answers)} questions answered, {seconds:.0f} s in all. Try next:", "bold")
    for command in (
        f'tower ask{option} "Which customers placed the most orders this year?"',
        f"tower churn{option}",
        f"tower drafts list{option}",
        f"tower eval{option} {home / GOLDEN}",
        f"tower serve{option}",
    ):
        line(console, f"  {command}")
