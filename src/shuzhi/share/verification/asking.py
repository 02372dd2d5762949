"""Questions as they come in: JSON documents, checked by hand for they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shuzhi.share.verification.errors import bad_question
from shuzhi.share.verification.model import Claim, Claimed, How, Question

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
        raise bad_question(f"it has other fields than {', '.join(sorted(_FIELDS))}")
    number = document["agreement"]
    if not isinstance(number, int) or isinstance(number, bool):
        raise bad_question("the agreement is named by its number")
    purpose, role, subject = (
        word_of(document[name], name) for name in ("purpose", "role", "subject")
    )
    return Question(number, purpose, role, subject, claims_of(document["claims"]))


def word_of(value: Any, name: str) -> str:
    """Return a text that is there and not too long."""
    if isinstance(value, str) and 0 < len(value) <= _MOST_WORD and not value.isspace():
        return value
    raise bad_question(f"{name} is a text of 1 to {_MOST_WORD} characters")


def claims_of(claims: Any) -> tuple[Claim, ...]:
    """Return the claims of a question. Raises as `question_of`."""
    if not isinstance(claims, Mapping) or not 0 < len(claims) <= _MOST_CLAIMS:
        raise bad_question(f"claims are a mapping of 1 to {_MOST_CLAIMS} columns")
    return tuple(_claim(word_of(column, "a column"), claim) for column, claim in claims.items())


def _claim(column: str, claim: Any) -> Claim:
    if not isinstance(claim, Mapping):
        return Claim(column, _value(claim))
    within = claim.get(_WITHIN, 0)
    named = [key for key in claim if key != _WITHIN]
    if len(named) != 1 or not isinstance(within, int) or isinstance(within, bool):
        raise bad_question("a claim names one way to compare")
    return Claim(column, _value(claim[named[0]]), how_of(named[0]), within)


def how_of(word: Any) -> How:
    """Return the way to compare that a word names. Raises as `question_of`."""
    known = _HOWS.get(word) if isinstance(word, str) else None
    if known is None:
        raise bad_question(f"ways to compare are {', '.join(_HOWS)}")
    return known


def _value(value: Any) -> Claimed:
    if isinstance(value, (str, int, float, bool)) and value != "":
        return value
    raise bad_question("a claim is a text, a number, or true or false")


_HOWS = {how.value: how for how in How}
