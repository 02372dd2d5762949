"""The code tables of HJ 212, kept as CSV files beside this module.

Each row says by what evidence it stands: `standard` (read in the text of 2005 or 2017), `computed`,
`implementers` (told by those who read the text of 2025), `field` (seen in frames) or `recalled`;
only the first two count as verified.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from shuzhi.gather.sensors.hj212.model import Edition

_YEARS = {"2005": Edition.HJT212_2005, "2017": Edition.HJ212_2017, "2025": Edition.HJ212_2025}
_WILD = "x"


@dataclass(frozen=True)
class Factor:
    """One factor under its code of 2017; `unit` is the standard's default (UCUM), for what is sent.

    `legacy` is the code of 2005. `legacy_unit` and `legacy_exponent` are given where 2005 has
    another unit: a value of 2005 times ten to the exponent is in `unit`.
    """

    code: str
    legacy: str
    medium: str
    zh: str
    en: str
    cas: str
    unit: str
    mass_unit: str
    type: str
    legacy_unit: str
    legacy_exponent: int
    is_verified: bool


@dataclass(frozen=True)
class Command:
    """One command of one direction; `requests` has the data area of a request by edition."""

    cn: str
    direction: str
    kind: str
    zh: str
    en: str
    requests: Mapping[Edition, str]
    is_verified: bool


@dataclass(frozen=True)
class Field:
    """One suffix of a factor: its role in a row, and whether it has the unit of a sum (`mass`)."""

    name: str
    role: str
    quantity: str
    editions: frozenset[Edition]


@dataclass(frozen=True)
class Code:
    """One code with its meaning: a system, a mark, an answer, a site information or a finding."""

    code: str
    zh: str
    en: str
    kind: str
    editions: frozenset[Edition]


def rows(table: str) -> list[dict[str, str]]:
    """Return the rows of a table as they stand in its file."""
    text = files(__package__).joinpath("tables", f"{table}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def factors() -> Mapping[str, Factor]:
    """Return every factor by its code of 2017; codes that end in x are families."""
    return MappingProxyType({row["code"]: _factor(row) for row in rows("factors")})


@cache
def legacy_codes() -> Mapping[str, str]:
    """Return the code of 2017 by that of 2005; noise codes only changed their sense."""
    return MappingProxyType(
        {f.legacy: f.code for f in factors().values() if f.legacy and f.medium != "noise"}
    )


@cache
def swapped_codes() -> Mapping[str, str]:
    """Return the codes whose meaning 2005 has under another code of 2017: Ld and Ln."""
    noise = (f for f in factors().values() if f.medium == "noise")
    return MappingProxyType({f.legacy: f.code for f in noise if f.legacy})


def factor(code: str) -> Factor | None:
    """Return the factor of a code of 2017, or the family that it belongs to."""
    known = factors()
    if code in known:
        return known[code]
    for kept in range(len(code) - 1, 1, -1):
        family = code[:kept] + _WILD * (len(code) - kept)
        if family in known and code[kept:].isdigit():
            return known[family]
    return None


@cache
def commands() -> Mapping[str, tuple[Command, ...]]:
    """Return every command by its CN; 1001 has two, one for each direction."""
    found: dict[str, tuple[Command, ...]] = {}
    for row in rows("commands"):
        found[row["cn"]] = (*found.get(row["cn"], ()), _command(row))
    return MappingProxyType(found)


@cache
def fields() -> Mapping[str, Field]:
    """Return every suffix by its name in small letters."""
    return MappingProxyType(
        {
            row["field"].lower(): Field(
                row["field"], row["role"], row["quantity"], _editions(row["editions"])
            )
            for row in rows("fields")
        }
    )


@cache
def parameters() -> Mapping[str, str]:
    """Return the right spelling of every parameter by its name in small letters."""
    return MappingProxyType({row["name"].lower(): row["name"] for row in rows("parameters")})


@cache
def systems() -> Mapping[str, Code]:
    """Return every system code (ST)."""
    return MappingProxyType({row["st"]: _code(row, row["st"]) for row in rows("systems")})


@cache
def marks() -> frozenset[str]:
    """Return every data mark of any edition; what they mean depends on edition and system."""
    return frozenset(row["mark"] for row in rows("marks"))


@cache
def findings() -> Mapping[str, Code]:
    """Return every reason to refuse and everything that is noted, by code."""
    return MappingProxyType({row["code"]: _code(row, row["code"]) for row in rows("findings")})


@cache
def tolerant() -> frozenset[str]:
    """Return what tolerant reading puts up with: everything that is no refusal."""
    return frozenset(row["code"] for row in rows("findings") if row["kind"] != "refusal")


@cache
def strict() -> frozenset[str]:
    """Return what strict reading puts up with: what an edition allows, and codes that are new."""
    return frozenset(row["code"] for row in rows("findings") if row["strict"] == "yes")


def answer_meaning(name: str, code: int) -> Code | None:
    """Return the meaning of a QnRtn or ExeRtn."""
    for row in rows("returns"):
        if row["name"] == name and row["code"] == str(code):
            return _code(row, row["code"])
    return None


def _factor(row: dict[str, str]) -> Factor:
    return Factor(
        code=row["code"],
        legacy=row["legacy"],
        medium=row["medium"],
        zh=row["zh"],
        en=row["en"],
        cas=row["cas"],
        unit=row["unit"],
        mass_unit=row["mass_unit"],
        type=row["type"],
        legacy_unit=row["legacy_unit"],
        legacy_exponent=int(row["legacy_exponent"] or 0),
        is_verified=row["verified"] == "true",
    )


def _command(row: dict[str, str]) -> Command:
    requests = {
        edition: row[f"request_{year}"]
        for year, edition in _YEARS.items()
        if year in row["editions"].split()
    }
    return Command(
        cn=row["cn"],
        direction=row["direction"],
        kind=row["kind"],
        zh=row["zh"],
        en=row["en"],
        requests=MappingProxyType(requests),
        is_verified=row["verified"] == "true",
    )


def _code(row: dict[str, str], code: str) -> Code:
    return Code(code, row["zh"], row["en"], row.get("kind", ""), _editions(row.get("editions", "")))


def _editions(text: str) -> frozenset[Edition]:
    return frozenset(_YEARS[year] for year in text.split())
