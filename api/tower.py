"""`Tower`: the same object for notebooks and programs, over a workspace in process or a server.

>>> from api import Tower
>>> tower = Tower.open("home")                      # doctest: +SKIP
>>> tower.ask("How many customers do we have?")     # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from api.encode import answer_json, plain
from api.questions import checked_conversation, checked_k, checked_question
from api.service import UPKEEP
from query.answer import Answer

if TYPE_CHECKING:
    import pandas as pd

    from api.service import Opener, Service


class TowerAnswer(Answer):
    """An answer that shows itself in a notebook, with table, chart and citations."""

    def to_pandas(self) -> pd.DataFrame:
        """The rows of the (first) query as a data frame; without one, the items; without any, no rows."""
        import pandas as pd

        for query in self.sql:
            if query.columns:
                return pd.DataFrame(query.rows, columns=pd.Index(query.columns))
        return pd.DataFrame([plain(item) for item in self.items])

    def _repr_html_(self) -> str:
        from api.render.html import answer_html

        return answer_html(self)

    def _repr_markdown_(self) -> str:
        from api.render.answers import citation_text

        sources = "\n".join(f"- [{c.n}] {citation_text(c.model_dump())}" for c in self.citations)
        return f"{self.answer}\n\n**Sources**\n\n{sources}\n" if sources else self.answer

    def __str__(self) -> str:
        return self._repr_markdown_()


class _Backend(Protocol):
    def ask(self, question: str, conversation: str) -> dict[str, Any]: ...
    def search(self, query: str, k: int) -> list[dict[str, Any]]: ...
    def sql(self, text: str) -> dict[str, Any]: ...
    def explain(self, question: str) -> dict[str, Any]: ...
    def status(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class Tower:
    """Ask, search, run SQL, explain, see the status. Use it as a context manager, or `close()` it."""

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
        return cls(_Local(opener(path, load_settings(path)), user))

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

    def search(self, query: str, k: int = 10) -> list[dict[str, Any]]:
        """The best `k` passages: `doc_id`, `score`, `text`, `start`, `end`, `title`."""
        return self._backend.search(checked_question(query), checked_k(k))

    def sql(self, text: str) -> pd.DataFrame:
        """The rows of a SELECT that passed the guard."""
        import pandas as pd

        result = self._backend.sql(text)
        return pd.DataFrame(result["rows"], columns=pd.Index(result["columns"]))

    def explain(self, question: str) -> dict[str, Any]:
        """The plan that `ask` would run, as a mapping."""
        return self._backend.explain(checked_question(question))

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


class _Local:
    """The workspace in this process."""

    def __init__(self, service: Service, user: str | None) -> None:
        self._service = service
        self._user = user

    def ask(self, question: str, conversation: str) -> dict[str, Any]:
        scope = self._service.scope_for(self._user)
        return answer_json(self._service.ask(question, scope, conversation=conversation))

    def search(self, query: str, k: int) -> list[dict[str, Any]]:
        from api.render.answers import hits_json

        return hits_json(self._service.search(query, self._service.scope_for(self._user), k))

    def sql(self, text: str) -> dict[str, Any]:
        from api.render.answers import rows_json

        return rows_json(*self._service.sql(text, self._service.scope_for(self._user)))

    def explain(self, question: str) -> dict[str, Any]:
        from api.render.answers import plan_json

        return plan_json(self._service.explain(question, self._service.scope_for(self._user)))

    def status(self) -> dict[str, Any]:
        self._service.scope_for(self._user).require(*UPKEEP)
        return dict(plain(self._service.status()))

    def close(self) -> None:
        self._service.close()
