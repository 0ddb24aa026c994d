"""The system tables of the SQL index, next to the data tables of the sources.

Data tables carry three columns of ours that no catalogue lists, so that no question reaches them: `_key` (primary
key: the record's key as text), `_hash` (of its content) and `_origin` (`source|file or table` it came from).
System tables start with `_tower_`.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 1
KEY, HASH, ORIGIN = "_key", "_hash", "_origin"
metadata = MetaData()

meta = Table("_tower_meta", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

sources = Table(
    "_tower_sources",
    metadata,
    Column("source", String, primary_key=True),
    Column("state", Text, nullable=False, default="{}"),  # JSON: what was read up to where (cursor, file hashes)
    Column("synced_at", String),
    Column("status", String, nullable=False, default="never"),  # never | ok | failed
    Column("message", Text, nullable=False, default=""),
)

runs = Table(
    "_tower_runs",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("started_at", String, nullable=False),
    Column("finished_at", String),
    Column("status", String, nullable=False),  # running | ok | failed
    Column("read", Integer, nullable=False, default=0),
    Column("loaded", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("quarantined", Integer, nullable=False, default=0),
    Column("deleted", Integer, nullable=False, default=0),
    Column("message", Text, nullable=False, default=""),
)

quarantine = Table(
    "_tower_quarantine",
    metadata,
    Column("source", String, primary_key=True),
    Column("origin", String, primary_key=True),  # file or table, and the record's place in it
    Column("target", String, nullable=False),  # table or "document"
    Column("reason", Text, nullable=False),
    Column("record", Text, nullable=False),  # the raw record as JSON, at most 4,000 characters
    Column("seen_at", String, nullable=False),
)

documents = Table(
    "_tower_documents",
    metadata,
    Column("doc_id", String, primary_key=True),
    Column("source", String, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String, nullable=False, default=""),
    Column("uri", Text, nullable=False, default=""),
    Column("date", String, nullable=False, default=""),
    Column("tags", Text, nullable=False),  # JSON list
    Column("entities", Text, nullable=False, default="{}"),  # JSON: entity -> keys
    Column("meta", Text, nullable=False, default="{}"),  # JSON
    Column("hash", String, nullable=False),
    Column("origin", Text, nullable=False),
)

chunks = Table(
    "_tower_chunks",
    metadata,
    Column("chunk_id", String, primary_key=True),
    Column("doc_id", String, ForeignKey("_tower_documents.doc_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("heading", Text, nullable=False, default=""),
    Column("page", Integer),
    Column("context", Text, nullable=False, default=""),
    Column("hash", String, nullable=False),  # of everything that the vector index holds of it, payload included
)

likeness = Table(  # which documents say nearly the same; derived from them, and behind them after a kill
    "_tower_likeness",
    metadata,
    Column("doc_id", String, primary_key=True),
    Column("hash", String, nullable=False),  # of the document that the signature was made of
    Column("signature", Text, nullable=False),
    Column("group", String, nullable=False, default=""),  # a name, or empty for a document like no other
)

generations = Table(
    "_tower_generations",
    metadata,
    Column("generation", String, primary_key=True),
    Column("created_at", String, nullable=False),
    Column("model", Text, nullable=False),  # model, runtime and precision of its vectors
    Column("status", String, nullable=False),  # building | live | old | failed
    Column("message", Text, nullable=False, default=""),
)

vectors = Table(  # what the vector index of a generation has acknowledged
    "_tower_vectors",
    metadata,
    Column("generation", String, primary_key=True),
    Column("chunk_id", String, primary_key=True),
    Column("hash", String, nullable=False),
)

jobs = Table(  # of a workspace that several processes share: who runs what, for all of them to see
    "_tower_jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),  # 1, 2, ... in the order in which they were begun
    Column("kind", String, nullable=False),
    Column("sources", Text, nullable=False),  # JSON list; an empty one is all
    Column("arguments", Text, nullable=False),  # JSON
    Column("status", String, nullable=False),  # running | done | failed | cancelled
    Column("worker", String, nullable=False, default=""),  # the process that runs it; empty while none does
    Column("attempts", Integer, nullable=False, default=0),  # how often one took it
    Column("stopping", Integer, nullable=False, default=0),  # 1 when it is asked to stop
    Column("changes", Integer, nullable=False, default=0),  # counts what happened, for those who follow
    Column("begun", Float, nullable=False),  # seconds since 1970 by the database's clock
    Column("view", Text, nullable=False),  # JSON of what the API shows
)

workers = Table(  # the processes that share a workspace
    "_tower_workers",
    metadata,
    Column("worker", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("embeds", String, nullable=False),  # the model that it computes vectors with for others; empty for none
    Column("seen", Float, nullable=False),  # its last sign of life: seconds since 1970 by the database's clock
)

answers = Table(
    "_tower_answers",
    metadata,
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("body", Text, nullable=False),  # JSON of the answer
)

turns = Table(  # how an answer's question was understood, for follow-ups and for running it again
    "_tower_turns",
    metadata,
    Column("answer_id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("position", Integer, nullable=False),  # 1, 2, ... within the conversation
    Column("question", Text, nullable=False),  # as one that stands by itself
    Column("named", Text, nullable=False),  # JSON: [entity, key, name] of what the answer listed
    Column("plan", Text, nullable=False),  # JSON of the plan
)

drafts = Table(
    "_tower_drafts",
    metadata,
    Column("id", String, primary_key=True),
    Column("answer_id", String, nullable=False, index=True),
    Column("principal", String, nullable=False),
    Column("status", String, nullable=False),  # proposed | edited | approved | rejected | exported
    Column("entity", String, nullable=False),
    Column("key", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("decided_at", String),
    Column("decided_by", String),
    Column("reason", Text, nullable=False, default=""),
    Column("body", Text, nullable=False),  # JSON of the draft
)

feedback = Table(  # what people thought of answers
    "_tower_feedback",
    metadata,
    Column("id", String, primary_key=True),
    Column("answer_id", String, nullable=False, index=True),
    Column("principal", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("verdict", String, nullable=False),  # up | down
    Column("comment", Text, nullable=False, default=""),
    Column("correction", Text, nullable=False, default=""),  # JSON of what would be right
    Column("status", String, nullable=False),  # open | accepted | dismissed
    Column("decided_at", String),
    Column("decided_by", String),
    Column("reason", Text, nullable=False, default=""),
)

sights = Table(  # what was visible to whom an answer or a draft was made for
    "_tower_sights",
    metadata,
    Column("id", String, primary_key=True),  # of the answer or draft
    Column("record", Text, nullable=False),  # `Scope.record`
)

models = Table(  # trained scores: one row a version
    "_tower_models",
    metadata,
    Column("score", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("created_at", String, nullable=False),
    Column("live", Integer, nullable=False, default=0),
    Column("auc", Float),
    Column("body", Text, nullable=False),  # JSON: coefficients, features, card
)

forgotten = Table(  # what was forgotten and must not come back: keyed hashes, and no personal data
    "_tower_forgotten",
    metadata,
    Column("hash", String, primary_key=True),
    Column("subject", String, primary_key=True),  # whom it belongs to, as a hash too
)

Index("_tower_drafts_status", drafts.c.status)
Index("_tower_turns_conversation", turns.c.principal, turns.c.conversation, turns.c.position, unique=True)
