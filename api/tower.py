"""`Tower`: the same object for notebooks and programs, over a workspace in process or a server.

>>> from api import Tower
>>> tower = Tower.open("home")                      # doctest: +SKIP
>>> tower.ask("How many customers do we have?")     # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from api.encode import plain
from api.questions import checked_conversation, checked_k, checked_question
from index.errors import UsageError
from query.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from api.service import Opener, Progress, Service
    from index.scope import Scope


class TowerAnswer(Answer):
    """An answer that shows itself in a notebook, with table, chart and citations."""

    def to_pandas(self) -> pd.DataFrame:
        """The rows of the (first) query as a data frame; the items where records and documents were joined, or there
        is no query; without any, no rows."""
        import pandas as pd

        joined = self.route.path == "hybrid" and self.items
        for query in self.sql:
            if query.columns and not joined:
                return pd.DataFrame(query.rows, columns=pd.Index(query.columns))
        return pd.DataFrame([plain(item) for item in self.items])

    def _repr_html_(self) -> str:
        from api.render.html import answer_html

        return answer_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML for a notebook, Markdown and text for what cannot show it."""
        markdown = self._repr_markdown_()
        return {"text/html": self._repr_html_(), "text/markdown": markdown, "text/plain": markdown}

    def _repr_markdown_(self) -> str:
        from api.render.answers import citation_text

        sources = "\n".join(f"- [{c.n}] {citation_text(c.model_dump())}" for c in self.citations)
        return f"{self.answer}\n\n**Sources**\n\n{sources}\n" if sources else self.answer

    def __str__(self) -> str:
        return self._repr_markdown_()


class _Backend(Protocol):
    """`api.client.local.Local` and `api.client.remote.Remote`."""

    def ask(self, question: str, conversation: str) -> dict[str, Any]: ...
    def answer(self, answer_id: str) -> dict[str, Any]: ...
    def search(self, query: str, k: int) -> list[dict[str, Any]]: ...
    def sql(self, text: str) -> dict[str, Any]: ...
    def explain(self, question: str) -> dict[str, Any]: ...
    def drafts(self, status: str | None) -> list[dict[str, Any]]: ...
    def draft(self, draft_id: str) -> dict[str, Any]: ...
    def edit_draft(self, draft_id: str, subject: str | None, body: str | None) -> dict[str, Any]: ...
    def feedback(self, answer_id: str, given: dict[str, Any]) -> dict[str, Any]: ...
    def ingest(self, sources: Sequence[str], full: bool, progress: Progress) -> list[dict[str, Any]]: ...
    def status(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class Tower:
    """Ask, search, run SQL, explain, read and edit drafts, ingest, see the status. Use it as a context manager, or
    `close()` it."""

    def __init__(self, backend: _Backend) -> None:
        self._backend = backend

    @classmethod
    def open(cls, home: str | Path, *, user: str | None = None, opener: Opener | None = None) -> Tower:
        """A workspace in this process; raises `NotFoundError` where there is none. `user` is who asks."""
        from api.settings import load_settings

        if opener is None:
            from api.wiring import open_workspace

            opener = open_workspace
        path = Path(home)
        return cls.over(opener(path, load_settings(path)), user)

    @classmethod
    def over(cls, service: Service, who: str | Scope | None = None) -> Tower:
        """A workspace that is open already; `who` asks: a user, or a scope that was made for one."""
        from api.client.local import Local

        return cls(Local(service, lambda: service.scope_for(who) if who is None or isinstance(who, str) else who))

    @classmethod
    def connect(cls, url: str, token: str | None = None, *, transport: Any = None) -> Tower:
        """A server (`tower serve`) at `url`; `token` is sent as a bearer token. `transport` is an httpx transport."""
        from api.client.remote import Remote

        return cls(Remote(url, token, transport=transport))

    def ask(self, question: str, *, follow: Answer | str = "") -> TowerAnswer:
        """The answer; raises `EmptyQuestion`, `PolicyError` and the other `TowerError`s.

        `follow` is the answer that this question follows up, or the id of a conversation.
        """
        conversation = follow if isinstance(follow, str) else follow.conversation_id
        found = self._backend.ask(checked_question(question), checked_conversation(conversation))
        return TowerAnswer.model_validate(found)

    def answer(self, answer_id: str) -> TowerAnswer:
        """An answer given earlier; raises `NotFoundError`."""
        return TowerAnswer.model_validate(self._backend.answer(answer_id))

    def search(self, query: str, k: int = 10) -> list[dict[str, Any]]:
        """The best `k` passages: `doc_id`, `score`, `text`, `start`, `end`, `title`."""
        return self._backend.search(checked_question(query), checked_k(k))

    def sql(self, text: str) -> pd.DataFrame:
        """The rows of a SELECT that passed the guard."""
        import pandas as pd

        result = self.rows(text)
        return pd.DataFrame(result["rows"], columns=pd.Index(result["columns"]))

    def rows(self, text: str) -> dict[str, Any]:
        """What `sql` gives, as a mapping: `text` as it ran, `columns`, `rows`, `row_count`, `truncated`."""
        if not text.strip():
            raise UsageError("the SQL is empty", hint="send one SELECT")
        return self._backend.sql(text)

    def explain(self, question: str) -> dict[str, Any]:
        """The plan that `ask` would run, as a mapping."""
        return self._backend.explain(checked_question(question))

    def drafts(self, status: str | None = None) -> list[dict[str, Any]]:
        """The approval queue, newest first; `status` is proposed, edited, approved, rejected or exported."""
        return self._backend.drafts(status)

    def draft(self, draft_id: str) -> dict[str, Any]:
        """One draft; raises `NotFoundError`."""
        return self._backend.draft(draft_id)

    def edit_draft(self, draft_id: str, *, subject: str | None = None, body: str | None = None) -> dict[str, Any]:
        """Change a draft; an approval that it had is void."""
        return self._backend.edit_draft(draft_id, subject, body)

    def feedback(self, answer: Answer | str, verdict: str, **given: Any) -> dict[str, Any]:
        """Say that an answer was right (`up`) or not (`down`): `comment`, and in `correction` what would be right.

        A reviewer may make a golden question of it: docs/evaluation.md.
        """
        answer_id = answer if isinstance(answer, str) else answer.id
        return self._backend.feedback(answer_id, {"verdict": verdict, **given})

    def ingest(self, *sources: str, full: bool = False, progress: Progress | None = None) -> list[dict[str, Any]]:
        """Bring sources up to date, all where none is named; a report each.

        `progress(what, done, total)` is told how far it is; without one a line is shown, in a notebook below the cell.
        """
        if progress is not None:
            return self._backend.ingest(sources, full, progress)
        from api.render.progress import shown_progress

        with shown_progress() as shown:
            return self._backend.ingest(sources, full, shown)

    def status(self) -> dict[str, Any]:
        """Sources, freshness, counts, generation, quarantine."""
        return self._backend.status()

    def close(self) -> None:
        """Let go of the workspace or the connection."""
        self._backend.close()

    def __enter__(self) -> Tower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
