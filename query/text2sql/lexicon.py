"""The lexicon: which words name which table, column, metric or term of a catalogue, within a scope."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from index.catalogue.model import Catalogue, Column, Metric, Table
from index.scope import Scope
from query.text2sql.thesaurus import ARTICLES, FAMILIES, FUNCTION_WORDS, UNITS
from query.text2sql.tokens import stem, stems_of, words_of

Phrase = tuple[str, ...]
GENERIC = frozenset(
    {"id", "name", "number", "code", "date", "type", "time", "description", "value", "detail", "status"}
)
CODES = frozenset({"id", "code", "key"})
# words of the grammar: a part of a label that says only these names nothing
CUES = FUNCTION_WORDS - {"name", "names", "order", "detail", "details", "rank", "information"}
UNIT_STEMS = frozenset(stem(u) for u in UNITS)
TABLE_SUFFIXES = frozenset(
    stem(w) for w in ("daily", "monthly", "history", "log", "logs", "data", "info", "list", "snapshot")
)
TABLE_PREFIXES = frozenset({"ref", "reference", "tbl", "tb", "dim", "fact", "view", "v"})


@dataclass(frozen=True)
class Entry:
    """What a phrase may name. `kind` is table, column, metric or term; `columns` has two members where a person's
    name is kept as first and last name; `target` is the metric's or term's name; `score` is in 0..1."""

    kind: str
    table: str
    columns: tuple[str, ...] = ()
    target: str = ""
    score: float = 1.0
    sense: str = ""


class Lexicon:
    """Phrases (tuples of stems, without articles) to entries; built once for a catalogue and a scope."""

    def __init__(self, catalogue: Catalogue, scope: Scope) -> None:
        self.catalogue = catalogue
        self.tables = tuple(visible_tables(catalogue, scope))
        self._by_name = {t.name: t for t in self.tables}
        self._phrases: dict[Phrase, dict[tuple[str, str, tuple[str, ...], str], Entry]] = defaultdict(dict)
        self._words: dict[str, None] = {}
        self._called = {stems_of(text) for t in self.tables for text in (t.label, t.name, *t.synonyms)}
        self._raw: dict[Phrase, dict[tuple[str, str, tuple[str, ...], str], set[str]]] = {}
        for table in self.tables:
            self._add_table(table)
            for column in table.columns:
                self._add_column(table, column)
            self._add_names(table)
        self._add_business()
        self._add_vocabulary()
        self._add_families()
        self._known = {s for phrase in self._phrases for s in phrase}
        self._word_list = list(self._words)

    def table(self, name: str) -> Table | None:
        """The visible part of that table, or None."""
        return self._by_name.get(name)

    def find(self, phrase: Phrase) -> tuple[Entry, ...]:
        """The entries of a phrase, best first."""
        return tuple(sorted(self._phrases.get(phrase, {}).values(), key=lambda e: -e.score))

    def said(self, phrase: Phrase, raw: str) -> tuple[Entry, ...]:
        """The entries of a phrase for the words `raw`: a verb form that only shares its stem counts less."""
        forms = self._raw.get(phrase, {})
        if not forms:
            return self.find(phrase)
        entries = []
        for entry in self.find(phrase):
            texts: set[str] = forms.get((entry.kind, entry.table, entry.columns, entry.target), set())
            other = texts and raw not in texts and any(t.endswith("ed") != raw.endswith("ed") for t in texts)
            entries.append(replace(entry, score=entry.score * 0.75) if other else entry)
        return tuple(sorted(entries, key=lambda e: -e.score))

    def knows(self, word_stem: str) -> bool:
        """True when some phrase holds the stem."""
        return word_stem in self._known

    def correct(self, word: str, least: float = 83.0) -> str | None:
        """The schema word that `word` is a slip of, or None."""
        if len(word) < 5:
            return None
        hits = process.extract(word, self._word_list, scorer=fuzz.ratio, score_cutoff=least, limit=3)
        near = next((str(hit[0]) for hit in hits if not _opposite(word, str(hit[0]))), None)
        return near or self._kin(word)

    def _kin(self, word: str) -> str | None:
        """A schema word of the same root: "advises" and `advisor`, "director" and `directed_by`."""
        for other in self._word_list:
            size = max(6 if len(word) > 8 else 5, -(-max(len(word), len(other)) // 2))
            if word[:size] == other[:size]:
                return other
        return None

    def concept(self, table: str, names: Iterable[str], least: float = 0.6) -> Entry | None:
        """The column of `table` that one of `names` names best: `concept("people", ("age", "birth date"))`."""
        best: Entry | None = None
        for rank, name in enumerate(names):
            for entry in self._phrases.get(tuple(stems_of(name)), {}).values():
                if entry.kind == "column" and entry.table == table:
                    score = entry.score - 0.05 * rank
                    if score >= least and (best is None or score > best.score):
                        best = replace(entry, score=score)
        return best

    def name_columns(self, table: Table) -> tuple[str, ...]:
        """The columns that people call a row of `table` by; empty when there is none."""
        entity = self.catalogue.entity_of(table.name)
        pair = _name_pair(table)
        if entity is not None and table.column(entity.name_column) and entity.name_column not in pair:
            return (entity.name_column,)
        named = [c.name for c in table.columns if c.role == "name"]
        if table.name_column and table.column(table.name_column):
            stems = stems_of(table.name_column)
            if not pair or ("name" in stems and table.name_column not in pair):
                return (table.name_column,)
        return pair or tuple(named[:1]) or self._alike(table)

    @staticmethod
    def _alike(table: Table) -> tuple[str, ...]:
        """A text column that is called like its table: `aircraft.Aircraft`, `campuses.Campus`."""
        labels = (stems_of(table.label), stems_of(table.name))
        for column in table.columns:
            if column.type == "text" and column.role != "reference" and stems_of(column.name) in labels:
                return (column.name,)
        singular = {label[-1:] for label in labels}
        for column in table.columns:
            stems = stems_of(column.name)
            if column.type == "text" and stems[-1:] == (stem("description"),) and stems[:-1][-1:] in singular:
                return (column.name,)
        return ()

    def _put(self, words: Iterable[str], entry: Entry) -> None:
        phrase = tuple(w for w in words if w not in ARTICLES)
        if not phrase:
            return
        key = (entry.kind, entry.table, entry.columns, entry.target)
        held = self._phrases[phrase].get(key)
        if held is None or held.score < entry.score:
            self._phrases[phrase][key] = entry

    def _remember(self, text: str) -> None:
        for word in words_of(text):
            if len(word) >= 5 and word not in FUNCTION_WORDS:
                self._words[word] = None

    def _add_table(self, table: Table) -> None:
        entity = self.catalogue.entity_of(table.name)
        texts = {table.label: 1.0, table.name: 1.0, **dict.fromkeys(table.synonyms, 1.0)}
        if entity is not None:
            texts.update(dict.fromkeys((entity.name, *entity.synonyms), 1.0))
        for text, score in texts.items():
            self._remember(text)
            stems = stems_of(text)
            self._put(stems, Entry("table", table.name, score=score))
            if len(stems) > 1:
                if stems[-1] in TABLE_SUFFIXES:
                    self._put_part(stems[:-1], Entry("table", table.name, score=0.9))
                    self._put_part(stems[-2:-1], Entry("table", table.name, score=0.6))
                if stems[0] in TABLE_PREFIXES:
                    self._put(stems[1:], Entry("table", table.name, score=0.9))
                self._put_part(stems[-1:], Entry("table", table.name, score=0.6))
                self._put_part(stems[:-1], Entry("table", table.name, score=0.5 if len(stems) == 2 else 0.85))
                if len(stems) > 2:
                    self._put_part(stems[1:], Entry("table", table.name, score=0.8))
                self._put_part(stems[:1], Entry("table", table.name, score=0.45))
                for middle in stems[1:-1]:
                    self._put_part((middle,), Entry("table", table.name, score=0.4))

    def _add_column(self, table: Table, column: Column) -> None:
        own = set(stems_of(table.label)) | set(stems_of(table.name))
        is_key = table.key == (column.name,)
        for text in dict.fromkeys((column.label, column.name, *column.synonyms)):
            self._remember(text)
            stems = stems_of(text)
            entry = Entry("column", table.name, (column.name,))
            if self._add_reference(table, column, stems):
                rest = tuple(s for s in stems if s not in own)
                if rest and rest != stems:
                    # in a reviewed catalogue "account owner" is a person, who has a name
                    self._put(rest, replace(entry, score=0.5 if self.catalogue.terms else 0.94))
                continue
            self._put(stems, entry)
            self._say(stems, ("column", table.name, (column.name,), ""), text.lower())
            whole = text in (column.label, column.name) or column.type not in ("date", "datetime")
            whole = whole and (column.role != "reference" or bool(set(stems) & CODES))
            for label in {stems_of(table.label), stems_of(table.name)} if whole else ():
                self._put((*label, *stems), replace(entry, score=1.0))
            rest = tuple(s for s in stems if s not in own)
            if rest and rest != stems:
                foreign = bool(self.catalogue.terms) and rest in self._called  # "orders" are no `portal_orders`
                self._put(rest, replace(entry, score=0.6 if foreign else 0.95 if rest != ("id",) or is_key else 0.7))
            if len(stems) == 2:
                self._put((stem("".join(words_of(text))),), replace(entry, score=0.95))
                if stems[0] == "name":
                    self._put((stems[1], stems[0]), replace(entry, score=0.97))
                if stems[0] == "date":
                    self._put((stems[1], stems[0]), replace(entry, score=0.85))
            if len(stems) == 2 and stems[0] == "number":
                self._put((stems[1], stems[0]), replace(entry, score=0.95))
            if len(stems) > 1 and stems[-1] in UNIT_STEMS:
                self._put(stems[:-1], replace(entry, score=0.95))
            if len(stems) > 2:
                self._put_part((stems[0], stems[-1]), replace(entry, score=0.6))
                if stems[0] in ("date", "time"):  # "start date" of `date_incident_start`
                    self._put_part((stems[-1], stems[0]), replace(entry, score=0.8))
                for at in range(1, len(stems) - 2):
                    self._put_part(stems[at:-1], replace(entry, score=0.65))
            if len(stems) > 2 and stems[-1] in CODES:
                core = tuple(s for s in stems[:-1] if s not in own and s != "of")
                if core and core != stems[:-1]:
                    self._put(core, replace(entry, score=0.94))
            if len(stems) > 1 and stems[-1] in CODES:
                self._add_code(table, column, stems[:-1])
                stems = stems[:-1] if text == column.name and column.role != "reference" else stems
            for size in range(1, len(stems)):
                suffix, prefix = stems[-size:], stems[:size]
                ratio = size / len(stems)
                generic = 0.15 if set(suffix) <= GENERIC else 0.0
                self._put_part(suffix, replace(entry, score=0.4 + 0.4 * ratio - generic))
                if (size > 1 or prefix[0] not in own) and stems[-1] not in CODES:
                    self._put_part(prefix, replace(entry, score=0.2 + 0.4 * ratio))
            if is_key and not self._other_id(table, column):
                self._put(("id",), replace(entry, score=0.9))

    @staticmethod
    def _other_id(table: Table, key: Column) -> bool:
        """True where another column than the key is called an identifier and refers to nothing."""
        others = (c for c in table.columns if c is not key and c.role != "reference")
        return "id" not in stems_of(key.name) and any("id" in stems_of(c.name) for c in others)

    def _add_reference(self, table: Table, column: Column, stems: Phrase) -> bool:
        """ "Owner" for `owner_id` speaks of the table that the column refers to, not of the identifier."""
        if set(stems) <= {stem(w) for w in GENERIC}:
            return False
        if column.role not in ("key", "reference") or set(stems) & CODES or set(stems) & {"number", "sku", "name"}:
            return False
        targets = [j.right for j in self.catalogue.joins if (j.left, j.left_columns) == (table.name, (column.name,))]
        if column.role == "key" and table.key == (column.name,):
            targets = [table.name]
        for target in targets:
            if target in self._by_name and (target != table.name or column.role == "key"):
                self._put(stems, Entry("table", target, score=0.9))
                self._put(stems, Entry("column", table.name, (column.name,), score=0.5))
        return (bool(targets) and targets != [table.name]) or (column.role == "key" and bool(targets))

    def _say(self, phrase: Phrase, key: tuple[str, str, tuple[str, ...], str], text: str) -> None:
        """Remember the exact words under which an entry was put."""
        self._raw.setdefault(phrase, {}).setdefault(key, set()).add(text)

    def _put_part(self, phrase: Phrase, entry: Entry) -> None:
        if not all(word in CUES for word in phrase):
            self._put(phrase, entry)

    def _add_code(self, table: Table, column: Column, rest: Phrase) -> None:
        """ "customer_id" without its "id" speaks of the table that it refers to, or of the code itself."""
        targets = [j.right for j in self.catalogue.joins if j.left == table.name and j.left_columns == (column.name,)]
        for target in targets:
            if target in self._by_name and target != table.name:
                self._put_part(rest, Entry("table", target, score=0.75))
        own = {stems_of(table.label), stems_of(table.name)}
        if table.key == (column.name,) and not targets and any(set(rest) <= set(label) for label in own):
            self._put_part(rest, Entry("table", table.name, score=0.85))
            self._put_part(rest, Entry("column", table.name, (column.name,), score=0.5))
        elif rest not in own:
            score = 0.55 if targets else 0.88
            self._put_part(rest, Entry("column", table.name, (column.name,), score=score))

    def _add_names(self, table: Table) -> None:
        columns = self.name_columns(table)
        if not columns:
            return
        entry = Entry("column", table.name, columns, score=0.94)
        label = stems_of(table.label)
        for phrase in (("name",), ("full", "name"), (*label, "name"), (*label, "full", "name")):
            known = any(e.table == table.name and e.score > 0.9 for e in self.find(phrase))
            if not known or len(columns) > 1:
                self._put(phrase, entry)

    def _add_business(self) -> None:
        for metric in self.catalogue.metrics:
            if metric.table in self._by_name:
                if _repeats_column(metric, self._by_name[metric.table]):
                    continue
                for text in (metric.label, metric.name, *metric.synonyms):
                    self._remember(text)
                    stems = stems_of(text)
                    is_table = any(e.kind == "table" and e.score > 0.9 for e in self.find(stems))
                    score = 0.85 if is_table else 1.05
                    self._put(stems, Entry("metric", metric.table, target=metric.name, score=score))
        for term in self.catalogue.terms:
            if term.table in self._by_name:
                for text in (term.name, *term.synonyms):
                    self._remember(text)
                    self._add_term(term.table, term.name, text)

    def _add_term(self, table: str, name: str, text: str) -> None:
        """A term with its noun ("open ticket") means rows of the table; its adjective alone only narrows them."""
        stems, words = stems_of(text), words_of(text)
        for size in range(1, len(stems)):
            nouns = [e for e in self.find(stems[-size:]) if e.kind == "table" and e.table == table and e.score > 0.8]
            if nouns:
                self._put(stems, Entry("term", table, target=name, score=1.05, sense="noun"))
                cut = len(stems) - size
                while cut > 1 and words[cut - 1] in ("for", "to", "of", "in", "on", "by"):
                    cut -= 1
                self._put_part(stems[:cut], Entry("term", table, target=name, score=0.9))
                self._say(stems[:cut], ("term", table, (), name), " ".join(words[:cut]))
                return
            nouns = [e for e in self.find(stems[:size]) if e.kind == "table" and e.table == table and e.score > 0.8]
            if nouns:
                self._put(stems, Entry("term", table, target=name, score=1.05, sense="noun"))
                self._put_part(stems[size:], Entry("term", table, target=name, score=0.9))
                self._say(stems[size:], ("term", table, (), name), " ".join(words[size:]))
                return
        self._put(stems, Entry("term", table, target=name, score=1.05))

    def _add_vocabulary(self) -> None:
        """The company's own words stand for whatever their meaning names: a metric, a table, `table.column`."""
        for phrase, meaning in self.catalogue.vocabulary.items():
            table, _, column = meaning.partition(".")
            held = self._by_name.get(table)
            if held is not None and column and held.column(column):
                self._put(stems_of(phrase), Entry("column", table, (column,)))
                continue
            for entry in self.find(stems_of(meaning)):
                if entry.score >= 0.9:
                    self._put(stems_of(phrase), entry)

    def _add_families(self) -> None:
        families: dict[Phrase, list[Phrase]] = defaultdict(list)
        for word, relatives in FAMILIES.items():
            for relative in relatives:
                one, other = _bare(stems_of(word)), _bare(stems_of(relative))
                families[one].append(other)
                families[other].append(one)
        own = [(phrase, tuple(entries.values())) for phrase, entries in self._phrases.items()]
        for phrase, entries in own:
            for size in range(1, min(3, len(phrase)) + 1):
                for at in range(len(phrase) - size + 1):
                    for other in families.get(phrase[at : at + size], ()):
                        swapped = (*phrase[:at], *other, *phrase[at + size :])
                        for entry in entries:
                            if entry.score >= 0.6 and entry.kind in ("column", "table"):
                                self._put(swapped, replace(entry, score=entry.score * 0.8))


def _opposite(one: str, other: str) -> bool:
    """True for "happy" and "unhappy"."""
    short, long = sorted((one, other), key=len)
    return any(long == prefix + short for prefix in ("un", "in", "im", "dis", "non", "ir"))


def _bare(phrase: Phrase) -> Phrase:
    """A phrase without articles, as phrases are kept."""
    return tuple(word for word in phrase if word not in ARTICLES)


def visible_tables(catalogue: Catalogue, scope: Scope) -> Iterator[Table]:
    """The tables and columns that the scope shows (masked columns too: their names are no secret)."""
    for table in catalogue.tables:
        shown = scope.tables.get(table.name)
        if shown is None:
            continue
        columns = tuple(c for c in table.columns if c.name in shown.columns)
        if columns:
            yield replace(table, columns=columns)


def _repeats_column(metric: Metric, table: Table) -> bool:
    """True for the plain sum of a column under the column's own name: the grammar sums columns by itself."""
    match = re.fullmatch(r'SUM\("?([^"()]+)"?\)', metric.sql.strip(), re.IGNORECASE)
    column = table.column(match[1]) if match else None
    return column is not None and stems_of(metric.label) in (stems_of(column.label), stems_of(column.name))


def _name_pair(table: Table) -> tuple[str, ...]:
    """(first, last) name columns of a table of persons, or ()."""
    first = last = None
    for column in table.columns:
        stems = stems_of(column.name)
        if stems[-2:] == (stem("first"), "name"):
            first = first or column.name
        if stems[-2:] == (stem("last"), "name") or stems[-1:] == (stem("surname"),):
            last = last or column.name
    return (first, last) if first and last else ()
