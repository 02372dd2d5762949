"""What a name in a data area means: `w01018-Avg`, `SB1-RS`, `i12001-Info`, `RtdInterval`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.model import Edition

_MOST_NAMES = 65_536
_MOST_LETTERS = 48
_INFORMATION = re.compile(r"[iI][0-9]{5}")
_FACILITY = re.compile(r"SB[0-9]+")
_BARE_NUMBER = re.compile(r"[0-9]{5}")
_LETTER_OF_SYSTEM = {"w": ("21", "24", "26", "32", "33", "34"), "a": ("22", "27", "31", "39")}
_MASS = "mass"


class Name(NamedTuple):
    """What a name means.

    `role` is that of the table `fields`, or `parameter` for a name without a suffix. `factor` is
    the code of 2017 and `sent` the one that was sent. `about` is the facility or the site
    information that an item tells of. A number times ten to `exponent` is in `unit`.
    """

    role: str
    factor: str = ""
    sent: str = ""
    field: str = ""
    about: str = ""
    unit: str = ""
    exponent: int = 0
    is_text: bool = False
    tolerated: tuple[str, ...] = ()


class _Factor(NamedTuple):
    code: str
    unit: str
    mass_unit: str
    exponent: int
    is_legacy: bool
    is_text: bool
    tolerated: tuple[str, ...]


def meaning(name: str, st: str, edition: Edition) -> Name:
    """Return what `name` means in a frame of system `st` from a station of `edition`."""
    # Long names are nobody's; remembering them would let a station fill the memory.
    return _kept(name, st, edition) if len(name) <= _MOST_LETTERS else _meaning(name, st, edition)


def _meaning(name: str, st: str, edition: Edition) -> Name:
    sent, dash, rest = name.partition("-")
    if not dash:
        return _alone(name)
    about, dash, suffix = rest.rpartition("-")
    field = tables.fields().get(suffix.lower())
    if field is None:
        return Name("item", sent, sent, rest, tolerated=("name_private",))
    spelled = () if suffix == field.name else ("name_spelled",)
    if field.role == "item" and not about and _is_no_factor(sent):
        return Name("item", field=field.name, about=sent, tolerated=spelled)
    found = _factor(sent, st, edition)
    if about:
        return Name("item", found.code, sent, field.name, about, tolerated=spelled)
    return _with_unit(found, sent, field, (*found.tolerated, *spelled))


_kept = lru_cache(_MOST_NAMES)(_meaning)


def _alone(name: str) -> Name:
    """A name without a suffix: a parameter, or a suffix that lost its factor."""
    if (field := tables.fields().get(name.lower())) and field.role != "item":
        return Name(field.role, field=field.name, tolerated=("factor_prefix_missing",))
    right = tables.parameters().get(name.lower())
    if right is None:
        return Name("parameter", about=name, tolerated=("name_private",))
    return Name("parameter", about=right, tolerated=() if right == name else ("name_spelled",))


def _is_no_factor(sent: str) -> bool:
    return bool(_INFORMATION.fullmatch(sent) or _FACILITY.fullmatch(sent))


def _with_unit(found: _Factor, sent: str, field: tables.Field, tolerated: tuple[str, ...]) -> Name:
    unit, exponent = found.unit, found.exponent
    if field.quantity == _MASS:
        unit, exponent = found.mass_unit, 0
        if found.is_legacy and found.exponent:
            unit, tolerated = "", (*tolerated, "mass_unit_unknown")
    elif field.role != "value" or not field.quantity:
        unit, exponent = "", 0
    elif exponent:
        tolerated = (*tolerated, "unit_converted")
    return Name(
        field.role, found.code, sent, field.name, "", unit, exponent, found.is_text, tolerated
    )


def _factor(sent: str, st: str, edition: Edition) -> _Factor:
    code, tolerated = sent, []
    is_legacy = False
    if edition is Edition.HJT212_2005 and (swapped := tables.swapped_codes().get(sent)):
        code, tolerated = swapped, ["day_night_swapped"]
    elif tables.factor(sent) is None:
        code, tolerated = _other_code(sent, st)
        is_legacy = "factor_legacy" in tolerated
    known = tables.factor(code)
    if known is None:
        return _Factor(sent, "", "", 0, False, False, ("factor_unknown",))
    return _Factor(
        code,
        known.unit,
        known.mass_unit,
        known.legacy_exponent if is_legacy else 0,
        is_legacy,
        known.type == "text",
        tuple(tolerated),
    )


def _other_code(sent: str, st: str) -> tuple[str, list[str]]:
    """A code of 2005, one in other letters, or one that lost its letter."""
    if legacy := tables.legacy_codes().get(sent.upper()):
        return legacy, ["factor_legacy"] + (["factor_spelled"] if sent != sent.upper() else [])
    if tables.factor(sent.lower()):
        return sent.lower(), ["factor_spelled"]
    if _BARE_NUMBER.fullmatch(sent):
        for letter, systems in _LETTER_OF_SYSTEM.items():
            if st in systems:
                return letter + sent, ["factor_prefix_guessed"]
    return sent, []
