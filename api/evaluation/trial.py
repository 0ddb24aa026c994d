"""A workspace asked over a generation of its vector index that need not be the live one; nothing of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.access.caller import Caller
    from api.workspace import Workspace
    from index.scope import Scope
    from index.search.passages import PassageIndex
    from query.answer import Answer
    from query.engine import QueryEngine
    from query.planning.conversation import Turn


class Trial:
    """Implements `api.evaluation.evaluate.Asked`. Questions that name nobody are the local administrator's, also where
    users are declared: they are the workspace's own."""

    def __init__(self, workspace: Workspace, passages: PassageIndex) -> None:
        self._workspace, self._passages = workspace, passages
        self._engines: dict[str, QueryEngine] = {}
        self._turns: dict[str, Turn] = {}

    def scope_for(self, user: str | Caller | None) -> Scope:
        """What `user` may see; the administrator's scope for None."""
        return self._workspace.administrator() if user is None else self._workspace.scope_for(user)

    def ask(self, question: str, scope: Scope, *, conversation: str = "") -> Answer:
        """The answer; its turn is known to this trial only."""
        scope.require("ask")
        answered = self._engine(scope).answered(question, scope, earlier=self._turns.get(conversation))
        answer = answered.answer
        answer.conversation_id = conversation or answer.id
        self._turns[answer.conversation_id] = answered.turn
        return answer

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """A line for each citation that does not hold."""
        from api.evaluation.checking import check_citations

        return check_citations(answer, scope, self._engine(scope).parts)

    def _engine(self, scope: Scope) -> QueryEngine:
        if scope.sight() not in self._engines:
            self._engines[scope.sight()] = self._workspace.engine_over(scope, self._passages)
        return self._engines[scope.sight()]
