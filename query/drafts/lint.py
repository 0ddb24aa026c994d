"""The lint of a draft: what keeps it from being approved. It reads everything again, whoever wrote or edited the text.

Stale evidence, facts of another entity, figures, names and promises without a source, links, a recipient who is not
the one that the CRM has. The same findings for the same draft and data, so that an export can check once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from index.catalogue.model import Entity
from index.errors import NotFoundError
from index.scope import Scope
from query.answer import CitationView, DraftView
from query.drafts.owners import Owners, names_in, own_names
from query.evidence import Citation
from query.facts import FactReader, value_of
from query.names import NameDictionary
from query.parts import Parts
from query.proof.claims import PROMISE
from query.proof.prove import Prover
from query.proof.reread import TableRereader
from query.proof.text_check import Finding, TextCheck

LETTERS = frozenset({"retention", "follow_up", "generic"})
_GREETING = re.compile(
    r"^\s*(?:Dear|Hello|Hi|Good (?:morning|day|afternoon)|Guten (?:Tag|Morgen)|Hallo|Liebe[rs]?|Sehr geehrte[rs]?|"
    r"Bonjour|Ch[eè]re?)\b(?P<name>[^,\n\[!]*)",
    re.IGNORECASE,
)
_TITLES = frozenset("mr mrs ms miss dr prof herr frau madame monsieur mme m sir madam team all zusammen".split())
_PLACEHOLDER = re.compile(
    r"\{\{|\}\}|\[(?:name|date|company|amount|firma|datum)\]|<<|>>|\bTO-?DO\b|\bXXX+\b|\blorem ipsum\b", re.I
)


@dataclass
class DraftLinter:
    """Lints drafts for one scope. Names of the workspace are read once."""

    parts: Parts
    scope: Scope
    _names: NameDictionary | None = field(default=None)

    def findings(self, draft: DraftView, *, proposed: str = "", to_export: bool = False) -> tuple[Finding, ...]:
        """Everything that does not hold, most serious first. `proposed` is the body as it was before any edit; with
        `to_export` a letter without a recipient is a finding too."""
        cited = {view.n: citation_of(view) for view in draft.citations}
        entity = self.parts.catalogue.entity(draft.entity)
        if entity is None:
            return (Finding("unknown_entity", f"the catalogue has no entity {draft.entity!r} any more"),)
        found = [
            *self._stale(cited),
            *self._foreign(cited, entity, draft),
            *self._text(cited, entity, draft),
            *_promises(draft, proposed),
            *_form(draft),
            *(self._people(entity, draft, to_export) if draft.kind in LETTERS else ()),
        ]
        return tuple(dict.fromkeys(found))

    # --- evidence ------------------------------------------------------------------------------------------------

    def _stale(self, cited: Mapping[int, Citation]) -> Iterator[Finding]:
        """Cited places that are gone or hold something else by now."""
        parts = self.parts
        prover = Prover(
            parts.catalogue,
            document_text=self._document_text(),
            rereader=TableRereader(parts.reader, parts.catalogue, self.scope),
            fresh=True,
        )
        for number, citation in cited.items():
            if reason := prover.citation_fault(citation):
                yield Finding("stale", f"[{number}] does not hold any more: {reason}")

    def _foreign(self, cited: Mapping[int, Citation], entity: Entity, draft: DraftView) -> Iterator[Finding]:
        parts = self.parts
        owners = Owners(parts.catalogue, parts.reader, self.scope, parts.documents, entity, draft.key)
        for number, citation in cited.items():
            if owners.foreign(citation):
                yield Finding("foreign_fact", f"[{number}] is about another {entity.name}")

    def _document_text(self) -> Callable[[str], str | None] | None:
        documents = self.parts.documents
        if documents is None:
            return None

        def text(doc_id: str) -> str | None:
            try:
                return documents.document(doc_id, self.scope).text
            except NotFoundError:
                return None

        return text

    # --- words ---------------------------------------------------------------------------------------------------

    def _text(self, cited: Mapping[int, Citation], entity: Entity, draft: DraftView) -> Iterator[Finding]:
        parts = self.parts
        own = own_names(entity, draft.key, parts.reader, parts.catalogue, self.scope)
        people = tuple(_name_of(address) for address in (draft.to, draft.sender) if address)
        company = (parts.catalogue.company,) if parts.catalogue.company else ()
        check = TextCheck(
            cited, self.names(), own=(*own, *people, *company), stated=(*own, *company), language=draft.language
        )
        yield from check.line(draft.subject)
        yield from check.body(draft.body)
        if draft.kind in LETTERS and draft.to:
            yield from _greeting(draft)

    def names(self) -> NameDictionary:
        """The names of everything that the catalogue gives a name: whole ones, of two words or an entity's."""
        if self._names is None:
            parts = self.parts
            entities = {entity.table for entity in parts.catalogue.entities}
            found: list[str] = []
            for table in parts.catalogue.tables:
                column = table.column(table.name_column) if table.name_column else None
                if column is not None and column.role == "name":
                    read = names_in(table.name, column.name)(parts.reader, parts.catalogue, self.scope)
                    found += [name for name in read if table.name in entities or " " in name.strip()]
            self._names = NameDictionary(found)
        return self._names

    # --- people --------------------------------------------------------------------------------------------------

    def _people(self, entity: Entity, draft: DraftView, to_export: bool) -> Iterator[Finding]:
        """Recipient and sender, compared with what the CRM says now."""
        parts = self.parts
        reader = FactReader(parts.reader, parts.catalogue, self.scope, parts.catalogue.date())
        facts = reader.facts(entity.name, draft.key)
        for role, fact, written in (("recipient", entity.contact, draft.to), ("sender", entity.owner, draft.sender)):
            name, address = value_of(facts, fact, "name"), value_of(facts, fact, "email")
            named = f"{' '.join(str(name).split())} <{address!s}>" if name else str(address)
            known = named if address else ""
            if written and written != known:
                yield Finding(
                    f"wrong_{role}", f"the {role} is not the one that the records have for this {entity.name}"
                )
            elif not written and role == "recipient" and to_export:
                yield Finding("no_recipient", "it has no recipient")


def _greeting(draft: DraftView) -> Iterator[Finding]:
    first = next((line for line in draft.body.splitlines() if line.strip()), "")
    match = _GREETING.match(first)
    if match is None:
        return
    known = {word.casefold() for word in re.findall(r"\w+", _name_of(draft.to))} | _TITLES
    for word in re.findall(r"\w+", match["name"]):
        if word.casefold() not in known:
            yield Finding("wrong_name", f"it greets {word!r}, who is not the recipient", first[:60])


def _promises(draft: DraftView, proposed: str) -> Iterator[Finding]:
    """Sentences that an edit brought in and that promise or claim something without a citation."""
    before = " ".join(proposed.split()) if proposed else None
    if before is None:
        return
    for line in draft.body.splitlines():
        for sentence in re.split(r"(?<=[.!?])\s+(?!\[)", line):
            plain = " ".join(sentence.split())
            if not plain or plain in before or re.search(r"\[\d+\]", plain):
                continue
            if claim := PROMISE.search(plain):
                yield Finding("unproven_claim", f"{claim.group()!r} claims something without a source", plain[:60])


def _form(draft: DraftView) -> Iterator[Finding]:
    """What no letter may have: nothing in it, placeholders, line breaks in a header."""
    for name in ("subject", "body"):
        if not str(getattr(draft, name)).strip():
            yield Finding("empty", f"the {name} is empty")
    for name in ("subject", "to", "sender"):
        if re.search(r"[\r\n\x00]", str(getattr(draft, name))):
            yield Finding("header_injection", f"the {name} holds a line break")
    if match := _PLACEHOLDER.search(f"{draft.subject}\n{draft.body}"):
        yield Finding("placeholder", f"{match.group()!r} was left in it")


def _name_of(address: str) -> str:
    return address.partition("<")[0].strip()


def citation_of(view: CitationView) -> Citation:
    """The inside value of a citation as it goes over the wire."""
    return Citation(**{name: value for name, value in view.model_dump().items() if name in Citation.__match_args__})
