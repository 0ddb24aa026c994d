"""$metadata of OData v2 to v4: entity sets with their properties, types, keys and navigation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import process

from index.catalogue.model import ColumnType
from index.errors import SourceError
from ingest.connectors.support.contract import Field

_TYPES: dict[str, ColumnType] = {
    "Edm.Boolean": "boolean",
    "Edm.Byte": "integer",
    "Edm.SByte": "integer",
    "Edm.Int16": "integer",
    "Edm.Int32": "integer",
    "Edm.Int64": "integer",
    "Edm.Decimal": "number",
    "Edm.Double": "number",
    "Edm.Single": "number",
    "Edm.Date": "date",
    "Edm.DateTime": "datetime",
    "Edm.DateTimeOffset": "datetime",
}
_MOST = 32 * 1024 * 1024  # bytes of metadata


@dataclass(frozen=True)
class EntitySet:
    """An entity set, or the type that a navigation leads to: `edm` has the type of each property as declared, and
    `parts` the type's name behind each navigation."""

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    edm: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, name: str) -> ColumnType | None:
        """The type of a property."""
        return next((f.type for f in self.fields if f.name == name), None)


@dataclass(frozen=True)
class Service:
    """What a service offers. `types` are all entity types by their qualified names."""

    version: int
    sets: Mapping[str, EntitySet]
    types: Mapping[str, EntitySet]

    def entity_set(self, name: str) -> EntitySet:
        """The set of that name; a `SourceError` with the nearest name where there is none."""
        if name not in self.sets:
            near = process.extractOne(name, list(self.sets), score_cutoff=60)
            raise SourceError(
                f"the service has no entity set {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(self.sets)[:12])}",
            )
        return self.sets[name]

    def part(self, whole: EntitySet, name: str) -> EntitySet:
        """What the navigation `name` of a set leads to."""
        target = self.types.get(whole.parts.get(name, ""))
        if target is None:
            near = process.extractOne(name, list(whole.parts), score_cutoff=60)
            raise SourceError(
                f"{whole.name} has no part {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(whole.parts) or 'none'}",
            )
        return target


def parse_metadata(text: str, where: str) -> Service:
    """The service that an EDMX document describes. No entity of the document is resolved."""
    from lxml import etree

    raw = text.encode("utf-8")
    if len(raw) > _MOST:
        raise SourceError(f"{where}: $metadata has more than {_MOST // 2**20} MiB", hint="name a smaller service")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise SourceError(f"{where}: $metadata is not well-formed XML: {error}", hint="check the URL") from error
    if root.getroottree().docinfo.doctype:
        raise SourceError(f"{where}: $metadata has a document type, which no OData service sends")
    schemas = [e for e in root.iter() if _name(e) == "Schema"]
    if not schemas:
        raise SourceError(f"{where}: $metadata has no schema in it", hint="check the URL: is it the service's root?")
    version = 4 if str(root.get("Version", "")).startswith("4") else 2
    aliases = {str(s.get("Alias")): str(s.get("Namespace")) for s in schemas if s.get("Alias")}
    types = _entity_types(schemas, aliases)
    sets: dict[str, EntitySet] = {}
    for schema in schemas:
        for element in schema.iter():
            if _name(element) == "EntitySet" and element.get("EntityType"):
                kind = types.get(_qualified(str(element.get("EntityType")), aliases))
                if kind is not None:
                    name = str(element.get("Name"))
                    sets[name] = EntitySet(name, kind.key, kind.fields, kind.edm, kind.parts)
    return Service(version, sets, types)


def _entity_types(schemas: list[Any], aliases: Mapping[str, str]) -> dict[str, EntitySet]:
    elements: dict[str, Any] = {}
    ends: dict[tuple[str, str], str] = {}
    for schema in schemas:
        namespace = str(schema.get("Namespace"))
        for element in schema:
            if _name(element) in ("EntityType", "ComplexType"):
                elements[f"{namespace}.{element.get('Name')}"] = element
            elif _name(element) == "Association":
                for end in _children(element, "End"):
                    role = (f"{namespace}.{element.get('Name')}", str(end.get("Role")))
                    ends[role] = _qualified(str(end.get("Type")), aliases)
    return {
        name: _entity_type(name, elements, ends, aliases) for name, e in elements.items() if _name(e) == "EntityType"
    }


def _entity_type(
    name: str, elements: Mapping[str, Any], ends: Mapping[tuple[str, str], str], aliases: Mapping[str, str]
) -> EntitySet:
    key: tuple[str, ...] = ()
    edm: dict[str, str] = {}
    parts: dict[str, str] = {}
    for element in _lineage(name, elements, aliases):
        for child in element:
            tag = _name(child)
            if tag == "Key":
                key = tuple(str(ref.get("Alias") or ref.get("Name")) for ref in _children(child, "PropertyRef"))
            elif tag == "Property":
                edm[str(child.get("Name"))] = str(child.get("Type"))
            elif tag == "NavigationProperty":
                parts[str(child.get("Name"))] = _target(child, ends, aliases)
    fields = tuple(Field(n, _TYPES.get(t, "text")) for n, t in edm.items() if t not in ("Edm.Binary", "Edm.Stream"))
    return EntitySet(name, key, fields, edm, parts)


def _lineage(name: str, elements: Mapping[str, Any], aliases: Mapping[str, str]) -> list[Any]:
    """A type's element after those of the types that it is built on."""
    chain: list[Any] = []
    while name in elements and elements[name] not in chain:
        chain.insert(0, elements[name])
        name = _qualified(str(elements[name].get("BaseType") or ""), aliases)
    return chain


def _target(child: Any, ends: Mapping[tuple[str, str], str], aliases: Mapping[str, str]) -> str:
    if child.get("Type"):  # v4
        return _qualified(str(child.get("Type")).removeprefix("Collection(").removesuffix(")"), aliases)
    return ends.get((_qualified(str(child.get("Relationship")), aliases), str(child.get("ToRole"))), "")


def _qualified(name: str, aliases: Mapping[str, str]) -> str:
    space, _, last = name.rpartition(".")
    return f"{aliases[space]}.{last}" if space in aliases else name


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if _name(child) == name)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
