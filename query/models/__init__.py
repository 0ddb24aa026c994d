"""Models by role: one small door (`Model`), the providers behind it, and a record of what leaves for one."""

from query.models.model import Completion, Message, Model, Spoken
from query.models.outgoing import Outgoing

__all__ = ["Completion", "Message", "Model", "Outgoing", "Spoken"]
