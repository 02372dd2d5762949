"""Questions as they come in: JSON documents, checked by hand for they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shuzhi.share.verification.errors import bad_question
from shuzhi.share.verification.model import Claim, Claimed, How, Question
from shuzhi.share.verification.spelling import is_seen

_FIELDS = frozenset({"agreement", "purpose", "role", "subject", "claims"})
_MOST_CLAIMS = 20
_MOST_WORD = 200
_WITHIN = "within_days"


def question_of(document: Any) -> Question:
    """Return the question that a JSON document asks.

    `claims` maps a column to a value, or to `{how: value}`: exact, first, last, masked, name, date
    (with `within_days`).

    Raises:
        VerificationError: `share.bad_question`; no value of the document is repeated.
    """
    if not isinstance(document, Mapping) or document.keys() != _FIELDS:
        raise bad_question("other_fields", names=", ".join(sorted(_FIELDS)))
    number = document["agreement"]
    if not isinstance(number, int) or isinstance(number, bool):
        raise bad_question("agreement_number")
    purpose, role, subject = (
        word_of(document[name], name) for name in ("purpose", "role", "subject")
    )
    return Question(number, purpose, role, subject, claims_of(document["claims"]))


def word_of(value: Any, name: str) -> str:
    """Return a text that is there and not too long."""
    if isinstance(value, str) and 0 < len(value) <= _MOST_WORD and is_seen(value):
        return value
    raise bad_question("no_word", name=name, most=_MOST_WORD)


def claims_of(claims: Any) -> tuple[Claim, ...]:
    """Return the claims of a question. Raises as `question_of`."""
    if not isinstance(claims, Mapping) or not 0 < len(claims) <= _MOST_CLAIMS:
        raise bad_question("no_claims", most=_MOST_CLAIMS)
    return tuple(_claim(word_of(column, "a column"), claim) for column, claim in claims.items())


def _claim(column: str, claim: Any) -> Claim:
    if not isinstance(claim, Mapping):
        return Claim(column, _value(claim))
    within = claim.get(_WITHIN, 0)
    named = [key for key in claim if key != _WITHIN]
    if len(named) != 1 or not isinstance(within, int) or isinstance(within, bool):
        raise bad_question("ways_of_a_claim")
    return Claim(column, _value(claim[named[0]]), how_of(named[0]), within)


def how_of(word: Any) -> How:
    """Return the way to compare that a word names. Raises as `question_of`."""
    known = _HOWS.get(word) if isinstance(word, str) else None
    if known is None:
        raise bad_question("unknown_way", names=", ".join(_HOWS))
    return known


def _value(value: Any) -> Claimed:
    if isinstance(value, (str, int, float, bool)) and value != "":
        return value
    raise bad_question("no_claimed_value")


_HOWS = {how.value: how for how in How}
