"""The `sources:` mapping of tower.yaml as checked values. docs/configuration.md describes it.

Every error is a `SettingsError` that names the YAML path; unknown keys get the nearest known one as a hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from index.catalogue.model import ColumnType
from index.errors import SettingsError
from ingest.connectors import connector_class
from ingest.connectors.support.contract import Options

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_VARIABLE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)|file:([^}]+))\}")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class _Part(BaseModel):
    # Built when first used, and as a part of what it stands in: a short command needs few of them.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


AUTHORS = ("author", "author_id", "sender", "from", "requester_id", "submitter_id", "contact_id", "created_by")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class DeriveConfig(_Part):
    """A column computed from text columns: `sentiment` is a number in -1..1."""

    with_: Literal["sentiment"] = Field(alias="with")
    of: tuple[str, ...] = Field(min_length=1)

    _of = field_validator("of", mode="before")(_listed)


class RowDocumentsConfig(_Part):
    """How each row of a table becomes a document; every value names a column of the finished table. `author` is who
    wrote it from outside; without it the first of `AUTHORS` that the row fills."""

    id: str = ""
    title: str = ""
    text: tuple[str, ...] = Field(min_length=1)
    date: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    entities: dict[str, str] = {}
    author: str = ""

    _lists = field_validator("text", "tags", mode="before")(_listed)


class TableConfig(_Part):
    """What holds for a table of any kind of source."""

    key: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    types: dict[str, ColumnType] = {}
    reference: dict[str, str] = {}
    derive: dict[str, DeriveConfig] = {}
    documents: RowDocumentsConfig | None = None

    _key = field_validator("key", mode="before")(_listed)

    @field_validator("reference")
    @classmethod
    def _two_parts(cls, value: dict[str, str]) -> dict[str, str]:
        for target in value.values():
            if target.count(".") != 1:
                raise ValueError(f"{target!r} is not of the form table.column")
        return value


class FileTableConfig(TableConfig):
    """A table from files that match a glob. `records` is where the records are: a path in JSON, a sheet in XLSX."""

    files: str
    records: str = ""
    encoding: str = ""


class SqlTableConfig(TableConfig):
    """A table from a database. `from` defaults to the table's own name; `cursor` is a column that only grows."""

    from_: str = Field(default="", alias="from")
    cursor: str = ""


class StreamTableConfig(TableConfig):
    """A table from a connector's stream. `from` is the stream's name, by default the table's own; `cursor` and `key`
    take the place of the stream's; `deleted` is a column that is true, or filled, where a record is deleted; `history`
    keeps what a row was before each change in a table of its own."""

    from_: str = Field(default="", alias="from")
    cursor: str | None = None
    deleted: str = ""
    history: bool = False


class DocumentsConfig(_Part):
    """Files that are documents; a `.jsonl` among them holds a document a line."""

    files: str
    kind: str = ""
    tags: tuple[str, ...] = ()
    entities: dict[str, str] = {}

    _tags = field_validator("tags", mode="before")(_listed)

    @field_validator("entities")
    @classmethod
    def _patterns(cls, value: dict[str, str]) -> dict[str, str]:
        for pattern in value.values():
            if pattern == "{contact_email}":
                continue
            try:
                groups = re.compile(pattern).groupindex
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
            if "key" not in groups:
                raise ValueError(f"{pattern!r} has no group (?P<key>...), and is not {{contact_email}}")
        return value


def _duration(value: object) -> object:
    """`30s`, `5m`, `1h` or `7d` as seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and not found:
        raise ValueError(f"{value!r} is not a time such as 30s, 5m, 1h or 7d")
    return float(found[1]) * _SECONDS[found[2]] if found else value


class ResolveColumns(_Part):
    """The columns of one table that tell which entity a record speaks of."""

    name: str = ""
    tax_number: str = ""
    email: str = ""
    domain: str = ""
    phone: str = ""


class ResolveConfig(_Part):
    """An entity whose records stand in several tables. `same` and `different` are lists of `table:key` that a person
    has decided."""

    tables: dict[str, ResolveColumns] = Field(min_length=2)
    same: tuple[tuple[str, ...], ...] = ()
    different: tuple[tuple[str, ...], ...] = ()


def load_resolves(mapping: Mapping[str, Any]) -> dict[str, ResolveConfig]:
    """The `resolve:` mapping of tower.yaml as checked values."""
    found: dict[str, ResolveConfig] = {}
    for entity, value in mapping.items():
        try:
            found[str(entity)] = ResolveConfig.model_validate(value)
        except ValidationError as error:
            known = [*ResolveConfig.model_fields, *ResolveColumns.model_fields]
            raise _explain(error, f"resolve.{entity}", known) from error
    return found


class _Source(_Part):
    """What holds for every source: `promise` is how old its last sync may be, in seconds; 0 promises nothing."""

    promise: float = 0.0

    _promise = field_validator("promise", mode="before")(_duration)

    def secrets(self) -> list[str]:
        """The source's secret values."""
        return []

    def redacted(self, text: str) -> str:
        """`text` without the source's secrets, which the libraries that read it may put into their messages."""
        for secret in self.secrets():
            if len(secret) >= 4:
                text = text.replace(secret, "[secret]")
        return text


class FileSource(_Source):
    """A folder, one file, or an object store by its fsspec URL (`storage` are its options). Without `tables` and
    `documents` it takes everything that it can read."""

    kind: Literal["files"]
    path: str
    storage: dict[str, Any] = Field(default={}, repr=False)
    tables: dict[str, FileTableConfig] | None = None
    documents: tuple[DocumentsConfig, ...] | None = None

    def secrets(self) -> list[str]:
        """The values of the storage's options, for taking them out of messages."""
        return [str(value) for value in self.storage.values() if isinstance(value, str)]

    @property
    def automatic(self) -> bool:
        """True when the files themselves say what is a table and what a document."""
        return self.tables is None and self.documents is None


class SqlSource(_Source):
    """A database by its SQLAlchemy URL; `tables` is `"*"` for all, or a mapping."""

    kind: Literal["sql"]
    url: str
    tables: dict[str, SqlTableConfig] | None = None  # None is "*"

    def secrets(self) -> list[str]:
        """The password in the URL."""
        found = re.match(r"[^/]*//[^:@/]*:(.*)@", self.url)
        return [found[1]] if found else []

    @field_validator("tables", mode="before")
    @classmethod
    def _every(cls, value: object) -> object:
        return None if value == "*" else value


class ConnectorSource(_Source):
    """A source that a connector reads; `options` are the connector's own keys. Times are seconds.

    A read begins `overlap` before the cursor; key sets are compared at most every `reconcile`, 0 for every sync.
    Without `tables` every stream becomes a table.
    """

    kind: str
    tables: dict[str, StreamTableConfig] | None = None
    overlap: float = 300.0
    reconcile: float = 0.0
    options: SerializeAsAny[Options]

    def secrets(self) -> list[str]:
        """The connector's secrets."""
        return self.options.secrets()

    _times = field_validator("overlap", "reconcile", mode="before")(_duration)

    @field_validator("tables", mode="before")
    @classmethod
    def _every(cls, value: object) -> object:
        return None if value == "*" else value


def _form(value: object) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", "")
    return str(kind) if kind in ("files", "sql") else "connector"


SourceConfig = Annotated[
    Annotated[FileSource, Tag("files")]
    | Annotated[SqlSource, Tag("sql")]
    | Annotated[ConnectorSource, Tag("connector")],
    Discriminator(_form),
]


class SourcesConfig(_Part):
    """Every source by name, and the folder that relative paths start from."""

    base: Path
    sources: dict[str, SourceConfig]

    @model_validator(mode="after")
    def _tables_once(self) -> SourcesConfig:
        owners: dict[str, str] = {}
        for name, source in self.sources.items():
            for table in source.tables or ():
                if table in owners:
                    raise ValueError(f"sources.{name}.tables.{table}: source {owners[table]!r} has that table already")
                owners[table] = name
        return self


def load_sources(mapping: object, base: Path, environment: Mapping[str, str] | None = None) -> SourcesConfig:
    """Check the `sources:` mapping of a tower.yaml that lies in `base`.

    `${NAME}` in any value is replaced from `environment`, `${file:PATH}` by what stands in that file; a name or a file
    that is not there is an error.
    """
    if mapping is None:
        mapping = {}
    if not isinstance(mapping, Mapping):
        raise SettingsError("sources: must be a mapping from source names to sources", hint="see docs/configuration.md")
    filled = {str(k): _substitute(v, f"sources.{k}", environment or {}, base) for k, v in mapping.items()}
    for name, source in filled.items():
        _check_names(name, source)
        if _form(source) == "connector":
            filled[name] = _with_options(name, source)
    try:
        return SourcesConfig.model_validate({"base": base, "sources": filled})
    except ValidationError as error:
        raise _explain(error) from error


def _check_names(name: str, source: object) -> None:
    if not _NAME.match(name):
        raise SettingsError(
            f"sources.{name}: a source's name is letters, digits, - and _, and begins with a letter",
            hint="it becomes the first part of document ids",
        )
    if not isinstance(source, Mapping):
        raise SettingsError(f"sources.{name}: must be a mapping with kind: files or kind: sql")
    tables = source.get("tables")
    for table in tables if isinstance(tables, Mapping) else ():
        if not re.match(r"[a-z][a-z0-9_]*\Z", str(table)):
            raise SettingsError(
                f"sources.{name}.tables.{table}: a table's name is lower-case letters, digits and _",
                hint=f"for example {re.sub(r'[^a-z0-9]+', '_', str(table).lower()).strip('_') or 'records'}",
            )


def _with_options(name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a connector's source with the connector's own keys checked, under `options`."""
    connector = connector_class(str(source.get("kind")), f"sources.{name}.kind")
    common = [field for field in ConnectorSource.model_fields if field != "options"]
    own = {key: value for key, value in source.items() if key not in common}
    known = [f.alias or n for n, f in connector.Options.model_fields.items()]
    try:
        options = connector.Options.model_validate(own)
    except ValidationError as error:
        raise _explain(error, f"sources.{name}", [*known, *common]) from error
    return {key: source[key] for key in common if key in source} | {"options": options}


def _substitute(value: object, path: str, environment: Mapping[str, str], base: Path) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _substitute(v, f"{path}.{k}", environment, base) for k, v in value.items()}
    if isinstance(value, list):
        return [_substitute(v, f"{path}[{i}]", environment, base) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return _secret_file(base / Path(match.group(2)).expanduser(), path)
        if name not in environment:
            raise SettingsError(f"{path}: the environment has no {name}", hint=f"set {name}, then run it again")
        return environment[name]

    return _VARIABLE.sub(replacement, value)


def _secret_file(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{place}: no text can be read at {path}", hint="check the path after file:") from error


_FORMS = ("files", "sql", "connector", "constrained-str")


def _explain(error: ValidationError, prefix: str = "", known: list[str] | None = None) -> SettingsError:
    first = error.errors(include_url=False, include_input=True)[0]
    parts = [str(p) for p in first["loc"] if p not in _FORMS or p == first["loc"][-1]]
    path = ".".join([prefix, *parts] if prefix else parts)
    if first["type"] == "extra_forbidden":
        known = known if known is not None and len(parts) == 1 else _known_keys(first["loc"])
        from rapidfuzz import process

        near = process.extractOne(parts[-1], known, score_cutoff=60)
        listed = f"known here: {', '.join(known)}" if known else "docs/connectors.md lists the keys"
        hint = f"did you mean {near[0]!r}?" if near else listed
        return SettingsError(f"{path}: unknown key", hint=hint)
    if first["type"] == "missing":
        return SettingsError(f"{path}: is missing", hint="see docs/configuration.md")
    if first["type"] == "literal_error" and "types" in parts:
        return SettingsError(
            f"{path}: {first['input']!r} is not a type", hint=f"one of {', '.join(get_args(ColumnType))}"
        )
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{path}: {message}" if path else message, hint="see docs/configuration.md")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    inside = [str(p) for p in location]
    kind = inside[2] if len(inside) > 2 else ""
    if "derive" in inside:
        return ["with", "of"]
    if "documents" in inside:
        model: type[BaseModel] = RowDocumentsConfig if "tables" in inside else DocumentsConfig
    elif "tables" in inside:
        model = FileTableConfig if kind == "files" else SqlTableConfig if kind == "sql" else StreamTableConfig
    elif kind in ("files", "sql"):
        model = FileSource if kind == "files" else SqlSource
    else:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]
