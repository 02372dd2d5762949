"""Tables fit the window, and never break a name or a number."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import copy_context
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from shuzhi.cli.frame.tables import cell, datum, go_by, table


def lines(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int, *, title: str = "title"
) -> list[str]:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(table(title, columns, rows, console.width, cell))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_what_fits_stands_in_columns() -> None:
    assert lines(("source", "rows"), [("air_file", 1200), ("water", None)], 40) == [
        "title",
        "source      rows",
        "────────────────",
        "air_file   1,200",
        "water          ·",
    ]


def test_only_texts_of_several_words_are_wrapped() -> None:
    shown = lines(("check", "promise"), [("air.station.required", "station is present " * 2)], 46)
    assert shown[3:] == [
        "air.station.required   station is present",
        "                       station is present",
    ]


def test_what_no_wrapping_makes_fit_stands_one_below_the_other() -> None:
    assert lines(("one", "two"), [("a" * 30, 1), ("b" * 30, 2)], 32) == [
        "title",
        "",
        "one  " + "a" * 27,
        "     aaa",
        "two  1",
        "",
        "one  " + "b" * 27,
        "     bbb",
        "two  2",
    ]


def test_a_name_is_no_markup() -> None:
    assert "[bold]x" in lines(("a [b]",), [("[bold]x",)], 40)[-1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2013, "2013"),
        (True, "true"),
        (12.5, "12.5"),
        (42.79487179487179, "42.794872"),
        (1e-9, "1e-09"),
        (0.0, "0"),
        (2e20, "2e+20"),
        (["空气", 1], '["空气", 1]'),
        ({"a": None}, '{"a": null}'),
        (datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02 00:00:00+00:00"),
    ],
)
def test_data_are_shown_as_they_are(value: Any, shown: str) -> None:
    assert datum(value) == shown


def test_moments_are_told_by_the_clocks_of_the_city_and_data_as_they_are() -> None:
    at = datetime(2026, 12, 11, 16, tzinfo=UTC)

    def shown() -> tuple[object, ...]:
        go_by("Asia/Shanghai")
        return cell(at), cell(at.replace(second=5)), cell(at.replace(tzinfo=None)), datum(at)

    assert copy_context().run(shown) == (
        "2026-12-12 00:00",
        "2026-12-12 00:00:05",
        "2026-12-11 16:00:00",
        "2026-12-11 16:00:00+00:00",
    )
