"""DCAT in RDF, in: Turtle, JSON-LD and RDF/XML of any DCAT profile become entries.

Nothing is fetched while reading: a JSON-LD context that stands elsewhere must be handed in, so that
a foreign document cannot make this machine call an address of its choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS
from rdflib.term import Node

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.catalogue.dcat import (
    ACCESS_RIGHT,
    AUTHORITY,
    CSVW,
    FREQUENCY,
    LANGUAGE,
    LOCN,
    MEDIA_TYPES,
    SHUZHI,
    VCARD,
)
from shuzhi.share.catalogue.imported import Flaw, Imported, Record, Refused, gather_up
from shuzhi.share.catalogue.model import (
    Contact,
    Distribution,
    Entry,
    Format,
    Grade,
    Item,
    ItemType,
    LegalBasis,
    Openness,
    Period,
    Place,
    Provider,
    Rank,
    Sharing,
    SharingMethod,
    Text,
    entry_id,
)

Word = TypeVar("Word")
Contexts = Mapping[str, Any]
FORMATS = {"turtle": "turtle", "json-ld": "json-ld", "rdf-xml": "xml"}
_CYCLES = {code: cycle for cycle, code in FREQUENCY.items()}
_SHARING = {code: sharing for sharing, code in ACCESS_RIGHT.items()}
_LANGUAGES = {code: language for language, code in LANGUAGE.items()}
# The first element of an XML document: what stands before it begins with <? or <!.
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_BOX = re.compile(
    r"POLYGON\s*\(\(\s*([-\d.eE+]+) ([-\d.eE+]+),\s*([-\d.eE+]+) \2,\s*\3 ([-\d.eE+]+)"
)


def read_dcat(
    raw: bytes, *, form: str, origin: str, base: str, contexts: Contexts | None = None
) -> Imported:
    """Read a DCAT catalogue; `form` is a key of `FORMATS`, `base` resolves relative addresses.

    `contexts` holds the JSON-LD contexts that the document may name, by address.

    Raises:
        RefusedError: `share.not_rdf` when the document cannot be parsed at all,
            `share.remote_context` when it names a context that was not handed in.
    """
    graph = Graph()
    try:
        text = _inlined(raw, contexts or {}) if form == "json-ld" else raw
        graph.parse(data=text, format=FORMATS[form], publicID=base)
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001  the parsers raise whatever they meet
        raise RefusedError(
            "share.not_rdf",
            f"The catalogue is not {form}: {_foreign_root(raw, form) or _first_line(error)}",
            next_step="Ask its publisher for a DCAT document that parses.",
        ) from None
    return read_graph(graph, origin=origin)


def _foreign_root(raw: bytes, form: str) -> str:
    """Say what a document is that is whole XML of another vocabulary, as ISO 19139 is; else ""."""
    root = _ROOT.search(raw) if form == "rdf-xml" else None
    name = root[1].decode("ascii") if root else "rdf:RDF"
    return "" if name.endswith("RDF") else f"its root element is {name}, not rdf:RDF"


def _first_line(error: Exception) -> str:
    return str(error).removeprefix("None:").splitlines()[0][:200]


def read_graph(graph: Graph, *, origin: str) -> Imported:
    """Read every `dcat:Dataset` of a graph. Never raises on the content; see `Imported`."""
    flaws: list[Flaw] = []
    subjects = sorted(set(graph.subjects(RDF.type, DCAT.Dataset)), key=str)
    return gather_up([_Reader(graph, s, origin, flaws).outcome() for s in subjects], flaws)


def _inlined(raw: bytes, contexts: Contexts) -> bytes:
    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: context(v) if k == "@context" else inline(v) for k, v in value.items()}
        return [inline(item) for item in value] if isinstance(value, list) else value

    def context(value: Any) -> Any:
        if isinstance(value, list):
            return [context(item) for item in value]
        if not isinstance(value, str):
            return value
        if value not in contexts:
            raise RefusedError(
                "share.remote_context",
                f"The catalogue's JSON-LD context {value[:200]!r} stands elsewhere.",
                next_step="Fetch the context once, check it, and name the file with --context.",
            )
        return contexts[value].get("@context", contexts[value])

    return json.dumps(inline(json.loads(raw))).encode()


class _Reader:
    """Reads one data set of a graph."""

    def __init__(self, graph: Graph, subject: Node, origin: str, flaws: list[Flaw]) -> None:
        self.graph = graph
        self.subject = subject
        self.origin = origin
        self.record = Record(str(subject), {}, flaws)

    def outcome(self) -> Entry | Refused:
        title = self.text(self.subject, DCTERMS.title)
        identifier = self.word(self.subject, DCTERMS.identifier) or self._own_name()
        flaws = []
        if not title:
            flaws.append(Flaw(self.record.place, "dct:title", "is missing"))
        if not identifier:
            flaws.append(Flaw(self.record.place, "dct:identifier", "is missing, as is a URI"))
        if flaws:
            return Refused(self.record.place, tuple(flaws), self._own_text())
        return self._entry(identifier, title)

    def _own_name(self) -> str:
        return str(self.subject) if isinstance(self.subject, URIRef) else ""

    def _own_text(self) -> str:
        lines = (f"{p.n3()} {o.n3()}" for p, o in self.graph.predicate_objects(self.subject))
        return "\n".join(sorted(lines))[:20_000]

    def _entry(self, identifier: str, title: Text) -> Entry:
        subject = self.subject
        abstract = self.text(subject, DCTERMS.description)
        if not abstract:
            self.record.note("dct:description", "is missing")
        return Entry(
            id=entry_id(self.origin, identifier),
            origin=self.origin,
            identifier=identifier,
            title=title,
            abstract=abstract,
            provider=self._provider(),
            keywords=self._keywords(),
            themes=self._themes(),
            cycle=_CYCLES.get(self.term(DCTERMS.accrualPeriodicity, "frequency")),
            sharing=self._sharing(),
            languages=self._languages(),
            published_on=self.moments(subject, DCTERMS.issued).day("when"),
            modified_at=self.moments(subject, DCTERMS.modified).moment("when"),
            related_ids=self.addresses(DCTERMS.relation),
            conforms_to=self.addresses(DCTERMS.conformsTo),
            landing_page=self.word(subject, DCAT.landingPage) or None,
            distributions=tuple(self._distributions()),
            temporal=tuple(self._periods()),
            spatial=tuple(self._places()),
            contact=self._contact(),
            items=self._items(),
            **self._own_words(),
        )

    def _provider(self) -> Provider:
        agent = self.graph.value(self.subject, DCTERMS.publisher)
        if agent is None:
            self.record.note("dct:publisher", "is missing")
            return Provider()
        name = self.text(agent, FOAF.name) or Text(other="" if _is_blank(agent) else str(agent))
        party = re.search(r"/parties/([a-z][a-z0-9_]*)$", str(agent))
        return Provider(
            id=PartyId(party.group(1)) if party else None,
            title=name,
            credit_code=self.word(agent, DCTERMS.identifier) or None,
        )

    def _keywords(self) -> tuple[Text, ...]:
        words = sorted(self.graph.objects(self.subject, DCAT.keyword), key=str)
        return tuple(_text([w]) for w in words if isinstance(w, Literal) and str(w).strip())

    def _themes(self) -> tuple[str, ...]:
        own = f"{SHUZHI}theme/"
        themes = sorted(str(t) for t in self.graph.objects(self.subject, DCAT.theme))
        return tuple(unquote(t.removeprefix(own)) if t.startswith(own) else t for t in themes)

    def _sharing(self) -> Sharing | None:
        own = self.choice(SHUZHI.sharing, Sharing)
        return own or _SHARING.get(self.term(DCTERMS.accessRights, "access-right"))

    def _languages(self) -> tuple[str, ...]:
        codes = (
            str(o).rsplit("/", 1)[-1] for o in self.graph.objects(self.subject, DCTERMS.language)
        )
        return tuple(sorted(_LANGUAGES.get(code, code.lower()) for code in codes))

    def _distributions(self) -> Iterator[Distribution]:
        for node in sorted(self.graph.objects(self.subject, DCAT.distribution), key=str):
            size = self.word(node, DCAT.byteSize)
            yield Distribution(
                title=self.text(node, DCTERMS.title),
                description=self.text(node, DCTERMS.description),
                access_url=self.word(node, DCAT.accessURL) or None,
                download_url=self.word(node, DCAT.downloadURL) or None,
                media_type=self.word(node, DCAT.mediaType).removeprefix(MEDIA_TYPES) or None,
                format=self._format(node),
                byte_size=int(float(size)) if re.fullmatch(r"\d+(\.\d+)?", size) else None,
                license=self.word(node, DCTERMS.license) or None,
                modified_at=self.moments(node, DCTERMS.modified).moment("when"),
            )

    def _format(self, node: Node) -> str | None:
        word = self.word(node, DCTERMS["format"])
        own = f"{AUTHORITY}file-type/"
        return (word.removeprefix(own).lower() if word.startswith(own) else word) or None

    def _periods(self) -> Iterator[Period]:
        for node in sorted(self.graph.objects(self.subject, DCTERMS.temporal), key=str):
            start, end = self.moments(node, DCAT.startDate), self.moments(node, DCAT.endDate)
            yield Period(start.day("when"), end.day("when"))

    def _places(self) -> Iterator[Place]:
        for node in sorted(self.graph.objects(self.subject, DCTERMS.spatial), key=str):
            box = _BOX.match(self.word(node, DCAT.bbox).upper())
            corners = [float(x) for x in box.groups()] if box else []
            yield Place(
                title=self.text(node, SKOS.prefLabel),
                uri=None if _is_blank(node) else str(node),
                box=(corners[0], corners[1], corners[2], corners[3]) if box else None,
                geometry=self.word(node, LOCN.geometry) or None,
            )

    def _contact(self) -> Contact | None:
        node = self.graph.value(self.subject, DCAT.contactPoint)
        if node is None:
            return None
        return Contact(
            name=self.word(node, VCARD.fn),
            email=self.word(node, VCARD.hasEmail).removeprefix("mailto:") or None,
            phone=self.word(node, VCARD.hasTelephone).removeprefix("tel:") or None,
            url=self.word(node, VCARD.hasURL) or None,
        )

    def _items(self) -> tuple[Item, ...]:
        schema = self.graph.value(self.subject, CSVW.tableSchema)
        columns = list(self.graph.objects(schema, CSVW.column)) if schema else []
        columns.sort(key=lambda node: int(self.word(node, SHUZHI.position) or 0))
        return tuple(self._item(node) for node in columns)

    def _item(self, node: Node) -> Item:
        length = self.word(node, SHUZHI.itemLength)
        kind = self.word(node, SHUZHI.itemType)
        return Item(
            name=self.word(node, CSVW.name),
            type=_choice(kind, ItemType),
            length=int(length) if length.isdigit() else None,
            title=self.text(node, CSVW.title),
        )

    def _own_words(self) -> dict[str, Any]:
        level = self.word(self.subject, SHUZHI.level)
        scheme = self.word(self.subject, SHUZHI.codeScheme)
        return {
            **({"code_scheme": scheme} if scheme else {}),
            "code": self.word(self.subject, SHUZHI.code) or None,
            "format": self.choice(SHUZHI["format"], Format),
            "format_note": self.word(self.subject, SHUZHI.formatNote),
            "sharing_condition": self.text(self.subject, SHUZHI.sharingCondition),
            "sharing_method": self.choice(SHUZHI.sharingMethod, SharingMethod),
            "openness": self.choice(SHUZHI.openness, Openness),
            "open_condition": self.text(self.subject, SHUZHI.openCondition),
            "grade": self.choice(SHUZHI.grade, Grade),
            "level": int(level) if level.isdigit() else None,
            "contract_name": self.word(self.subject, SHUZHI.contractName) or None,
            "contract_version": self.word(self.subject, SHUZHI.contractVersion) or None,
            "license": self.word(self.subject, SHUZHI.license)
            or self.word(self.subject, DCTERMS.license)
            or None,
            "legal_basis": self._legal_basis(),
        }

    def _legal_basis(self) -> LegalBasis | None:
        node = self.graph.value(self.subject, SHUZHI.legalBasis)
        rank = _choice(self.word(node, SHUZHI.rank), Rank) if node else None
        if node is None or rank is None:
            return None
        return LegalBasis(self.word(node, DCTERMS.title), rank, self.word(node, SHUZHI.article))

    def word(self, subject: Node, predicate: URIRef) -> str:
        """Return one value as text; the first in order when there are several."""
        values = sorted(str(o) for o in self.graph.objects(subject, predicate) if not _is_blank(o))
        return values[0].strip() if values else ""

    def text(self, subject: Node, predicate: URIRef) -> Text:
        """Return the literals of a predicate by language."""
        found = self.graph.objects(subject, predicate)
        return _text(sorted((o for o in found if isinstance(o, Literal)), key=str))

    def term(self, predicate: URIRef, table: str) -> str:
        """Return the code of an authority term, "" for terms of other vocabularies."""
        word = self.word(self.subject, predicate)
        own = f"{AUTHORITY}{table}/"
        return word.removeprefix(own) if word.startswith(own) else ""

    def addresses(self, predicate: URIRef) -> tuple[str, ...]:
        """Return the URIs under a predicate."""
        found = self.graph.objects(self.subject, predicate)
        return tuple(sorted(str(o) for o in found if isinstance(o, URIRef)))

    def moments(self, subject: Node, predicate: URIRef) -> Record:
        """Return a record whose field `when` is the predicate's value, for dates."""
        return Record(self.record.place, {"when": self.word(subject, predicate)}, self.record.flaws)

    def choice(self, predicate: URIRef, words: Callable[[str], Word]) -> Word | None:
        """Return one of our own words, None when it is none of them."""
        return _choice(self.word(self.subject, predicate), words)


def _choice(word: str, words: Callable[[str], Word]) -> Word | None:
    try:
        return words(word) if word else None
    except ValueError:
        return None


def _is_blank(node: object) -> bool:
    return not isinstance(node, (URIRef, Literal))


def _text(literals: list[Literal]) -> Text:
    zh = en = other = ""
    for literal in literals:
        language = (literal.language or "").split("-")[0].lower()
        words = str(literal).strip()
        if language == "zh":
            zh = zh or words
        elif language == "en":
            en = en or words
        else:
            other = other or words
    return Text(zh, en, other)
