"""The hashes by which a scoring says which facts it saw and what it made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from shuzhi.act.evaluation.arithmetic import Score
from shuzhi.act.evaluation.facts import Fact, written
from shuzhi.audit.model import canonical_json


def facts_sha256(facts: Iterable[Fact]) -> str:
    """Return the hash of facts in the order of their ids, whichever order a database has."""
    digest = hashlib.sha256()
    for fact in sorted(facts, key=lambda fact: fact.id):
        digest.update(canonical_json([fact.kind.value, written(fact)]) + b"\n")
    return digest.hexdigest()


def scores_sha256(made: Iterable[Score]) -> str:
    """Return the hash of scores in their order, numbers included."""
    digest = hashlib.sha256()
    for each in made:
        digest.update(canonical_json(_plain(each)) + b"\n")
    return digest.hexdigest()


def _plain(each: Score) -> list[Any]:
    numbers = [
        [n.measure, *map(str, (n.numerator, n.denominator, n.value, n.points)), n.lack.value]
        for n in each.numbers
    ]
    head = [each.party, int(each.level), str(each.total), str(each.weight), each.rank]
    return [*head, each.lack.value, numbers]
