"""Values as they are compared: companies, addresses and names, in both scripts."""

from __future__ import annotations

import duckdb
import pytest

from shuzhi.share.linkage.cleaning import as_written, cleaned
from shuzhi.share.linkage.levels import MACROS, condition
from shuzhi.share.linkage.presets import Level, presets


def clean(value: str | None, form: str) -> object:
    known = presets()
    sql = f"SELECT {cleaned('v', known.forms[form], known)} FROM (SELECT ? AS v)"
    return (duckdb.execute(sql, [value]).fetchone() or (None,))[0]


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("杭州西湖茶叶有限责任公司", "company_name", "杭州西湖茶叶"),
        ("杭州西湖茶叶有限公司", "company_name", "杭州西湖茶叶"),
        ("浙江省杭州西湖茶叶（集团）股份有限公司", "company_name", "杭州西湖茶叶"),
        ("Acme Trading Co., Ltd.", "company_name", "acme trading"),
        ("Hotel Mexico", "company_name", "hotel mexico"),
        ("有限公司", "company_name", "有限公司"),
        ("浙江省杭州市文三路１２号", "address", "文三路12号"),
        ("杭州市文三路12号", "address", "文三路12号"),
        ("文三路12号", "address", "文三路12号"),
        ("市场", "address", "市场"),
        ("12 North Street", "address", "12 n st"),
        (" 欧阳　晓 ", "name", "欧阳晓"),
        ("José O'Neil", "name", "joseoneil"),
        ("1999-09-09", "date", "19990909"),
        ("（０５７１）８８８８－１２３４", "phone", "05718888 1234".replace(" ", "")),
        ("$1,299.50", "number", 1299.5),
        ("0.0", "number", None),
        ("  ", "name", None),
        (None, "name", None),
    ],
)
def test_values_are_cleaned(value: str | None, form: str, expected: object) -> None:
    assert clean(value, form) == expected


@pytest.mark.parametrize(
    ("level", "left", "right", "holds"),
    [
        (Level("edits", 1), "110101", "110110", True),
        (Level("edits", 1), "110101", "220101", False),
        (Level("last", 7), "057188881234", "88881234", True),
        (Level("before", "@"), "li@a.cn", "li@b.cn", True),
        (Level("first", 4), "19990909", "19991231", True),
        (Level("similar", 0.92), "zhangwei", "zhangwie", True),
    ],
)
def test_levels_ask_what_they_say(level: Level, left: str, right: str, holds: bool) -> None:
    row = f"SELECT {condition('p', level)} FROM (SELECT ? AS p_l, ? AS p_r)"
    assert duckdb.execute(row, [left, right]).fetchone() == (holds,)


def test_rare_words_weigh_more_than_frequent_ones() -> None:
    with duckdb.connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        words = "[{'t': 'sony', 'w': 0.5}, {'t': 'kd34', 'w': 4.0}]"
        other = "[{'t': 'kd34', 'w': 4.0}, {'t': 'tv', 'w': 0.5}]"
        row = (
            f"SELECT {words} AS p_words_l, 4.5 AS p_total_l, {other} AS p_words_r, "
            "4.5 AS p_total_r, 'a' AS p_l, 'b' AS p_r"
        )
        asked = [condition("p", Level("overlap", share)) for share in (0.79, 0.81)]
        found = connection.execute(f"SELECT {', '.join(asked)} FROM ({row})").fetchone()
    # 4.0 of 0.5 + 4.0 + 0.5 is shared: 0.8.
    assert found == (True, False)


@pytest.mark.parametrize(
    ("one", "other", "form", "is_same"),
    [
        ("1990-01-02", "1990/01/02", "date", True),
        ("0571 8888-1234", "０５７１88881234", "phone", True),
        ("91330A", "91330a", "code", True),
        ("1,000", "1000.0", "number", True),
        ("华丰有限公司", "华丰集团", "company_name", False),
        ("杭州市文三路1号", "文三路1号", "address", False),
        ("--", "-", "date", False),
        ("O'Neil", "O’Neil", "name", True),
    ],
)
def test_what_is_written_in_two_ways_is_one_thing(
    one: str, other: str, form: str, is_same: bool
) -> None:
    known = presets()
    left, right = as_written([one, other], known.forms[form], known)
    assert (left == right) is is_same
