"""Turtle to the plain objects that `read_policy` takes, for policies that come as RDF."""

from __future__ import annotations

from typing import Any

from rdflib import Graph, Literal, Namespace, Node, URIRef
from rdflib.namespace import RDF

from shuzhi.share.agreements.odrl.model import NAMESPACE, NotAPolicy

_ODRL = Namespace(NAMESPACE)
# What leads from a policy to its parts; nothing else is followed, so that a graph has an end.
_PARTS = frozenset(
    _ODRL[name]
    for name in (
        "permission", "prohibition", "obligation", "duty", "remedy", "consequence", "constraint",
        "refinement", "and", "or", "xone", "andSequence",
    )
)  # fmt: skip
_MOST_DEPTH = 24


def plain_of_turtle(text: str, *, kinds: tuple[str, ...] = ("Set", "Offer", "Agreement")) -> Any:
    """Return the first policy of one of `kinds` in a Turtle text as `read_policy` reads it.

    `NotAPolicy` where the text is no Turtle or holds no such policy.
    """
    graph = Graph()
    try:
        graph.parse(data=text, format="turtle")
    except Exception as error:  # noqa: BLE001  (the library raises whatever its grammar meets)
        return NotAPolicy(f"it is no Turtle: {type(error).__name__}")
    for kind in kinds:
        for subject in graph.subjects(RDF.type, _ODRL[kind]):
            return _plain(graph, subject, 0)
    return NotAPolicy("it holds no policy")


def _plain(graph: Graph, node: Node, depth: int) -> dict[str, Any]:
    content: dict[str, Any] = {"uid": str(node)} if isinstance(node, URIRef) else {}
    for predicate, value in graph.predicate_objects(node):
        key = "@type" if predicate == RDF.type else str(predicate).removeprefix(NAMESPACE)
        if key == "uid":
            continue
        is_part = predicate in _PARTS and not isinstance(value, Literal) and depth < _MOST_DEPTH
        item = _plain(graph, value, depth + 1) if is_part else _scalar(value)
        content.setdefault(key, []).append(item)
    return content


def _scalar(value: Node) -> Any:
    if isinstance(value, Literal):
        return {"@value": str(value), "@type": str(value.datatype or "")}
    return str(value)
