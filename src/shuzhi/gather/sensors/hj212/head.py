"""Reads the fields in front of the data area; their order and spelling vary in the field."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shuzhi.gather.sensors.hj212.model import EVIDENCE, Head, Refusal

AREA = b"CP=&&"
_USUAL = re.compile(
    r"QN=([0-9]{17});ST=([0-9A-Z]{2});CN=([0-9]{4});PW=([^;,=]*);MN=([^;,= ]+);"
    r"Flag=([0-9]{1,3});(RF=1;)?"
)
_FIELD = re.compile(r"([^=;,]*)=([^;,]*)([;,]?)|([^;,]+)([;,]?)|([;,])")
_KNOWN = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
_COMMAND = re.compile(r"[0-9]{4}")
_MOST_FLAG = 255


def head(segment: bytes) -> Head | Refusal:
    """Return the fields in front of the data area, or why there is no reading them; never raises.

    Fields may come in any order (HJ 212-2017, 6.3.2, has one); only ST and CN must be there.
    """
    place = segment.find(AREA)
    if place < 0:
        return Refusal("no_data_area", segment[:EVIDENCE])
    try:
        text = segment[:place].decode("ascii")
    except UnicodeDecodeError:
        return Refusal("head_not_ascii", segment[:EVIDENCE])
    usual = _USUAL.fullmatch(text)
    area = place + len(AREA)
    if usual is None:
        return _unusual(text, area, segment)
    qn, st, cn, pw, mn, digits, rf = usual.groups()
    flag = int(digits)
    if flag_says_parts(flag) or flag > _MOST_FLAG:
        return _unusual(text, area, segment)
    return Head(qn, st, cn, pw, mn, flag, None, None, rf is not None, area)


def flag_says_parts(flag: int) -> bool:
    """Whether bit 1 of `Flag` announces PNUM and PNO."""
    return bool(flag & 2)


def _unusual(text: str, area: int, segment: bytes) -> Head | Refusal:
    tolerated: list[str] = []
    fields: dict[str, str] = {}
    for name, value, found in _fields(text):
        tolerated += found
        if name in fields:
            tolerated.append("field_repeated")
        elif name in _KNOWN:
            fields[name] = value
        else:
            tolerated.append("field_unknown")
    if lacking := [name for name in ("ST", "CN") if not fields.get(name)]:
        return Refusal("field_missing", segment[:EVIDENCE], ", ".join(lacking))
    if not _COMMAND.fullmatch(fields["CN"]):
        return Refusal("command_not_a_number", segment[:EVIDENCE], fields["CN"])
    if [name for name in fields if name != "RF"] != [
        n for n in _KNOWN if n in fields and n != "RF"
    ]:
        tolerated.append("order_unusual")
    flag = _number(fields.get("Flag"), _MOST_FLAG)
    pnum, pno = _number(fields.get("PNUM")), _number(fields.get("PNO"))
    tolerated += _doubts(fields, flag, pnum, pno)
    return Head(
        fields.get("QN", ""),
        fields["ST"],
        fields["CN"],
        fields.get("PW", ""),
        fields.get("MN", ""),
        flag,
        pnum,
        pno,
        fields.get("RF") == "1",
        area,
        tuple(dict.fromkeys(tolerated)),
    )


def _fields(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield name, value and what was unusual about how they stand."""
    for match in _FIELD.finditer(text):
        name, value, separator, bare, _, empty = match.groups()
        if empty is not None or bare is not None:
            yield "", bare or "", ("text_between_fields",)
            continue
        found = ("comma_for_semicolon",) if separator == "," else ()
        if not separator:
            found = (*found, "separator_missing")
        if name != name.strip() or value != value.strip():
            found = (*found, "blanks")
        yield name.strip(), value.strip(), found


def _number(text: str | None, most: int = 9999) -> int | None:
    """Return the number of at most four digits, or None."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= 4
    return int(text) if is_number and text is not None and int(text) <= most else None


def _doubts(
    fields: dict[str, str], flag: int | None, pnum: int | None, pno: int | None
) -> Iterator[str]:
    """Yield codes for what is missing or does not fit together."""
    for name in ("QN", "PW", "MN"):
        if not fields.get(name):
            yield f"no_{name.lower()}"
    if fields.get("QN") and not re.fullmatch(r"[0-9]{17}", fields["QN"]):
        yield "qn_not_a_time"
    if flag is None:
        yield "flag_unreadable" if fields.get("Flag") else "no_flag"
    has_parts = pnum is not None and pno is not None
    if flag is not None and flag_says_parts(flag) != has_parts:
        yield "parts_against_flag"
    if has_parts and not 1 <= (pno or 0) <= (pnum or 0):
        yield "part_number_impossible"
