"""Conversations: the turns of a principal, kept beside the answers, so that a follow-up finds what came before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api.encode import to_json

if TYPE_CHECKING:
    from index.ledger import Ledger
    from index.scope import Scope
    from query.engine import Answered
    from query.planning.conversation import Turn


class Conversations:
    """Reads and writes turns. A conversation belongs to the principal who had it: nobody else can continue it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def latest(self, scope: Scope, conversation: str) -> Turn | None:
        """The turn before; None in a conversation that is new, or whose answers policy no longer shows."""
        from query.planning.conversation import Turn
        from query.planning.entity_names import Named

        held = self._ledger.last_turn(scope, conversation)
        if held is None:
            return None
        return Turn(held.question, tuple(Named(*parts) for parts in json.loads(held.named)))

    def keep(self, scope: Scope, answered: Answered) -> None:
        """Keep the turn of an answer that is kept already."""
        answer, turn = answered.answer, answered.turn
        named = to_json([[n.entity, n.key, n.name] for n in turn.named])
        self._ledger.save_turn(scope, answer.id, answer.conversation_id, turn.question, named, to_json(answered.plan))
