"""Catalogue entries as DCAT-AP 3.0.1, out: JSON-LD and Turtle.

The mapping of the guide's metadata to DCAT is ours and stands in `docs/dcat.md`; vocabularies are
the Publications Office's authority tables, as DCAT-AP asks. What DCAT has no word for is said in
the project's own namespace, so that an entry survives a round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeGuard
from urllib.parse import quote

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, XSD
from rdflib.term import Node

from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.model import (
    Contact,
    Cycle,
    Distribution,
    Entry,
    Item,
    Period,
    Place,
    Provider,
    Sharing,
    Text,
)

ADMS = Namespace("http://www.w3.org/ns/adms#")
CSVW = Namespace("http://www.w3.org/ns/csvw#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
LOCN = Namespace("http://www.w3.org/ns/locn#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
SHUZHI = Namespace("urn:shuzhi:terms:")
AUTHORITY = "http://publications.europa.eu/resource/authority/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"

FREQUENCY = {
    Cycle.REAL_TIME: "UPDATE_CONT",
    Cycle.HOURLY: "HOURLY",
    Cycle.DAILY: "DAILY",
    Cycle.WEEKLY: "WEEKLY",
    Cycle.TEN_DAYS: "MONTHLY_3",
    Cycle.MONTHLY: "MONTHLY",
    Cycle.QUARTERLY: "QUARTERLY",
    Cycle.HALF_YEARLY: "ANNUAL_2",
    Cycle.YEARLY: "ANNUAL",
    Cycle.IRREGULAR: "IRREG",
    Cycle.NEVER: "NEVER",
}
ACCESS_RIGHT = {
    Sharing.UNCONDITIONAL: "PUBLIC",
    Sharing.CONDITIONAL: "RESTRICTED",
    Sharing.WITHHELD: "NON_PUBLIC",
}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
LANGUAGE = {"zh": "ZHO", "en": "ENG"}


@dataclass(frozen=True)
class Publisher:
    """Who publishes the catalogue, and under which base its data sets have their URIs."""

    base: str
    title: Text
    description: Text
    body: Text

    def dataset(self, entry_id: str) -> URIRef:
        """Return the URI of an entry."""
        return URIRef(f"{self.base.rstrip('/')}/datasets/{quote(entry_id, safe='')}")


def graph_of(entries: Iterable[Entry], publisher: Publisher) -> Graph:
    """Return a `dcat:Catalog` with every entry as a `dcat:Dataset` (DCAT-AP 3.0.1, §§ 4-7)."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        graph.bind(prefix, namespace)
    catalog = URIRef(publisher.base)
    _catalog(graph, catalog, publisher)
    for entry in entries:
        dataset = publisher.dataset(entry.id)
        graph.add((catalog, DCAT.dataset, dataset))
        _dataset(graph, dataset, entry, publisher)
    return graph


def write_turtle(entries: Iterable[Entry], publisher: Publisher) -> str:
    """Return the catalogue as Turtle."""
    return graph_of(entries, publisher).serialize(format="turtle")


def write_json_ld(entries: Iterable[Entry], publisher: Publisher) -> str:
    """Return the catalogue as JSON-LD with a compact context of its own."""
    context = {prefix: str(namespace) for prefix, namespace in _PREFIXES.items()}
    graph = graph_of(entries, publisher)
    return graph.serialize(format="json-ld", context=context, auto_compact=False, indent=2)


class CatalogueForm(StrEnum):
    """In which syntax a catalogue is written."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"


def write_catalogue(entries: Iterable[Entry], publisher: Publisher, form: CatalogueForm) -> str:
    """Return the catalogue in the syntax asked for."""
    write = write_turtle if form is CatalogueForm.TURTLE else write_json_ld
    return write(entries, publisher)


_PREFIXES = {
    "adms": ADMS,
    "csvw": CSVW,
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCTERMS,
    "foaf": FOAF,
    "locn": LOCN,
    "prov": PROV,
    "shuzhi": SHUZHI,
    "skos": SKOS,
    "vcard": VCARD,
    "xsd": XSD,
}


def _catalog(graph: Graph, catalog: URIRef, publisher: Publisher) -> None:
    graph.add((catalog, RDF.type, DCAT.Catalog))
    _texts(graph, catalog, DCTERMS.title, publisher.title)
    _texts(graph, catalog, DCTERMS.description, publisher.description)
    body = URIRef(f"{publisher.base.rstrip('/')}/publisher")
    graph.add((catalog, DCTERMS.publisher, body))
    graph.add((body, RDF.type, FOAF.Agent))
    _texts(graph, body, FOAF.name, publisher.body)
    for code in LANGUAGE.values():
        _term(graph, catalog, DCTERMS.language, f"language/{code}", DCTERMS.LinguisticSystem)


def _dataset(graph: Graph, dataset: URIRef, entry: Entry, publisher: Publisher) -> None:
    graph.add((dataset, RDF.type, DCAT.Dataset))
    graph.add((dataset, DCTERMS.identifier, Literal(entry.identifier or entry.id)))
    _texts(graph, dataset, DCTERMS.title, entry.title)
    # dct:description is mandatory: a data set that nobody described repeats its title.
    _texts(graph, dataset, DCTERMS.description, entry.abstract or entry.title)
    for keyword in entry.keywords:
        _texts(graph, dataset, DCAT.keyword, keyword)
    _provider(graph, dataset, entry.provider, publisher)
    _vocabularies(graph, dataset, entry)
    _times(graph, dataset, entry)
    _links(graph, dataset, entry, publisher)
    for index, distribution in enumerate(entry.distributions):
        _distribution(graph, dataset, distribution, index)
    _contact(graph, dataset, entry.contact)
    _items(graph, dataset, entry.items)
    _own_words(graph, dataset, entry)


def _provider(graph: Graph, dataset: URIRef, provider: Provider, publisher: Publisher) -> None:
    if not (provider.title or provider.id):
        return
    local = f"{publisher.base.rstrip('/')}/parties/{provider.id}"
    agent: Node = URIRef(local) if provider.id else BNode()
    graph.add((dataset, DCTERMS.publisher, agent))
    graph.add((agent, RDF.type, FOAF.Agent))
    _texts(graph, agent, FOAF.name, provider.title or Text(other=str(provider.id)))
    if provider.credit_code:
        graph.add((agent, DCTERMS.identifier, Literal(provider.credit_code)))


def _vocabularies(graph: Graph, dataset: URIRef, entry: Entry) -> None:
    if entry.cycle:
        code = f"frequency/{FREQUENCY[entry.cycle]}"
        _term(graph, dataset, DCTERMS.accrualPeriodicity, code, DCTERMS.Frequency)
    if entry.sharing:
        code = f"access-right/{ACCESS_RIGHT[entry.sharing]}"
        _term(graph, dataset, DCTERMS.accessRights, code, DCTERMS.RightsStatement)
    for language in entry.languages:
        if language in LANGUAGE:
            code = f"language/{LANGUAGE[language]}"
            _term(graph, dataset, DCTERMS.language, code, DCTERMS.LinguisticSystem)
    for theme in entry.themes:
        _theme(graph, dataset, theme)


def _theme(graph: Graph, dataset: URIRef, theme: str) -> None:
    local = f"theme/{quote(theme, safe='')}"
    concept: Node = URIRef(theme) if _is_iri(theme) else SHUZHI[local]
    graph.add((dataset, DCAT.theme, concept))
    graph.add((concept, RDF.type, SKOS.Concept))
    graph.add((concept, SKOS.prefLabel, Literal(theme.rsplit("/", 1)[-1])))


def _times(graph: Graph, dataset: URIRef, entry: Entry) -> None:
    _date(graph, dataset, DCTERMS.issued, entry.published_on)
    _moment(graph, dataset, DCTERMS.modified, entry.modified_at)
    for period in entry.temporal:
        _period(graph, dataset, period)
    for place in entry.spatial:
        _place(graph, dataset, place)


def _period(graph: Graph, dataset: URIRef, period: Period) -> None:
    node = BNode()
    graph.add((dataset, DCTERMS.temporal, node))
    graph.add((node, RDF.type, DCTERMS.PeriodOfTime))
    _date(graph, node, DCAT.startDate, period.starts_on)
    _date(graph, node, DCAT.endDate, period.ends_on)


def _place(graph: Graph, dataset: URIRef, place: Place) -> None:
    node: Node = URIRef(place.uri) if _is_iri(place.uri) else BNode()
    graph.add((dataset, DCTERMS.spatial, node))
    graph.add((node, RDF.type, DCTERMS.Location))
    _texts(graph, node, SKOS.prefLabel, place.title)
    if place.geometry:
        graph.add((node, LOCN.geometry, Literal(place.geometry)))
    if place.box:
        west, south, east, north = place.box
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        wkt = URIRef("http://www.opengis.net/ont/geosparql#wktLiteral")
        graph.add((node, DCAT.bbox, Literal(f"POLYGON(({ring}))", datatype=wkt)))


def _links(graph: Graph, dataset: URIRef, entry: Entry, publisher: Publisher) -> None:
    for related in entry.related_ids:
        target = URIRef(related) if _is_iri(related) else publisher.dataset(related)
        graph.add((dataset, DCTERMS.relation, target))
    for standard in filter(_is_iri, entry.conforms_to):
        graph.add((dataset, DCTERMS.conformsTo, URIRef(standard)))
        graph.add((URIRef(standard), RDF.type, DCTERMS.Standard))
    if _is_iri(entry.landing_page):
        graph.add((dataset, DCAT.landingPage, URIRef(entry.landing_page)))
        graph.add((URIRef(entry.landing_page), RDF.type, FOAF.Document))


def _distribution(graph: Graph, dataset: URIRef, given: Distribution, index: int) -> None:
    node = URIRef(f"{dataset}/distributions/{index}")
    graph.add((dataset, DCAT.distribution, node))
    graph.add((node, RDF.type, DCAT.Distribution))
    _texts(graph, node, DCTERMS.title, given.title)
    _texts(graph, node, DCTERMS.description, given.description)
    # dcat:accessURL is mandatory; where nobody gave one, the data set's own address serves.
    given_access = given.access_url or given.download_url
    access = given_access if _is_iri(given_access) else str(dataset)
    _resource(graph, node, DCAT.accessURL, access)
    if _is_iri(given.download_url):
        _resource(graph, node, DCAT.downloadURL, given.download_url)
    if given.media_type and "/" in given.media_type:
        media_type = URIRef(MEDIA_TYPES + quote(given.media_type, safe="/+.-"))
        graph.add((node, DCAT.mediaType, media_type))
        graph.add((media_type, RDF.type, DCTERMS.MediaType))
    if given.format:
        code = f"file-type/{quote(given.format.upper(), safe='')}"
        _term(graph, node, DCTERMS.format, code, DCTERMS.MediaTypeOrExtent)
    if _is_iri(given.license):
        graph.add((node, DCTERMS.license, URIRef(given.license)))
        graph.add((URIRef(given.license), RDF.type, DCTERMS.LicenseDocument))
    if given.byte_size is not None and given.byte_size >= 0:
        size = Literal(str(given.byte_size), datatype=XSD.nonNegativeInteger)
        graph.add((node, DCAT.byteSize, size))
    _moment(graph, node, DCTERMS.modified, given.modified_at)


def _contact(graph: Graph, dataset: URIRef, contact: Contact | None) -> None:
    if contact is None:
        return
    node = BNode()
    graph.add((dataset, DCAT.contactPoint, node))
    graph.add((node, RDF.type, VCARD.Kind))
    graph.add((node, RDF.type, VCARD.Organization))
    graph.add((node, VCARD.fn, Literal(contact.name)))
    for predicate, scheme, value in (
        (VCARD.hasEmail, "mailto:", contact.email),
        (VCARD.hasTelephone, "tel:", contact.phone),
        (VCARD.hasURL, "", contact.url),
    ):
        if value:
            target = value if _is_iri(value) else scheme + quote(value, safe="@+.:/-")
            graph.add((node, predicate, URIRef(target)))


def _items(graph: Graph, dataset: URIRef, items: tuple[Item, ...]) -> None:
    if not items:
        return
    schema = URIRef(f"{dataset}/schema")
    graph.add((dataset, CSVW.tableSchema, schema))
    graph.add((schema, RDF.type, CSVW.Schema))
    for index, item in enumerate(items):
        node = URIRef(f"{schema}/{index}")
        graph.add((schema, CSVW.column, node))
        graph.add((node, RDF.type, CSVW.Column))
        graph.add((node, CSVW.name, Literal(item.name)))
        graph.add((node, SHUZHI.position, Literal(index)))
        _texts(graph, node, CSVW.title, item.title)
        _literal(graph, node, SHUZHI.itemType, item.type)
        _literal(graph, node, SHUZHI.itemLength, item.length)


def _own_words(graph: Graph, dataset: URIRef, entry: Entry) -> None:
    own: dict[str, object] = {
        "code": entry.code,
        "codeScheme": entry.code_scheme if entry.code else None,
        "format": entry.format,
        "formatNote": entry.format_note or None,
        "sharing": entry.sharing,
        "sharingMethod": entry.sharing_method,
        "openness": entry.openness,
        "grade": entry.grade,
        "level": entry.level,
        "contractName": entry.contract_name,
        "contractVersion": entry.contract_version,
        "license": entry.license,
    }
    for name, value in own.items():
        _literal(graph, dataset, SHUZHI[name], value)
    _texts(graph, dataset, SHUZHI.sharingCondition, entry.sharing_condition)
    _texts(graph, dataset, SHUZHI.openCondition, entry.open_condition)
    if entry.legal_basis:
        basis = BNode()
        graph.add((dataset, SHUZHI.legalBasis, basis))
        _literal(graph, basis, DCTERMS.title, entry.legal_basis.title)
        _literal(graph, basis, SHUZHI.rank, entry.legal_basis.rank)
        _literal(graph, basis, SHUZHI.article, entry.legal_basis.article or None)


def _texts(graph: Graph, subject: Node, predicate: URIRef, text: Text) -> None:
    for words, language in ((text.zh, "zh"), (text.en, "en"), (text.other, None)):
        if words:
            graph.add((subject, predicate, Literal(words, lang=language)))


def _term(graph: Graph, subject: Node, predicate: URIRef, code: str, kind: URIRef) -> None:
    term, scheme = URIRef(AUTHORITY + code), URIRef(AUTHORITY + code.partition("/")[0])
    graph.add((subject, predicate, term))
    graph.add((term, RDF.type, kind))
    # Said here so that a reader who cannot fetch the authority tables can still check the term.
    graph.add((term, SKOS.inScheme, scheme))


def _resource(graph: Graph, subject: Node, predicate: URIRef, address: str) -> None:
    graph.add((subject, predicate, URIRef(address)))
    graph.add((URIRef(address), RDF.type, RDFS.Resource))


def _literal(graph: Graph, subject: Node, predicate: URIRef, value: object) -> None:
    if value is not None:
        graph.add((subject, predicate, Literal(value if isinstance(value, int) else str(value))))


def _date(graph: Graph, subject: Node, predicate: URIRef, day: date | None) -> None:
    if day is not None:
        graph.add((subject, predicate, Literal(day.isoformat(), datatype=XSD.date)))


def _moment(graph: Graph, subject: Node, predicate: URIRef, moment: Instant | None) -> None:
    if moment is not None:
        graph.add((subject, predicate, Literal(moment.isoformat(), datatype=XSD.dateTime)))


def _is_iri(text: str | None) -> TypeGuard[str]:
    """Whether `text` may stand as an IRI: a scheme, and none of the characters IRIs forbid."""
    if not text or any(c in '<>"{}|\\^`' or c <= " " for c in text):
        return False
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest and _SCHEME.fullmatch(scheme))
