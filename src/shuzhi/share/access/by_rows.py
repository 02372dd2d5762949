"""Counts cells in which each row is about somebody else: rows that are alike are gathered first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from shuzhi.share.access.pieces import (
    allowed,
    grouped,
    name,
    named,
    number,
    select,
    summed,
    within,
)
from shuzhi.share.access.tallies import ROWS, Tally, total, value

# What is selected where nothing else is.
ONE = "one"


def parts_by_rows(tally: Tally, source: exp.Select) -> Mapping[str, exp.Select]:
    """Return the WITH parts, in their order; the last one is `cells`, a row for each."""
    alike = [*tally.term_names(), *tally.held()]
    # Of nothing but their number, rows need no marks.
    marks = [*tally.marks()] or [named(number(1), ONE)]
    return {
        "marked": select(marks, allowed(source)),
        "gathered": grouped(alike, rows_alike(tally), "marked"),
        "placed": tally.placed("gathered"),
        "cells": grouped(tally.names(), cells_of_rows(tally), "placed"),
    }


def rows_alike(tally: Tally) -> Iterator[exp.Expr]:
    """Yield what is counted and summed up of rows that cannot be told apart."""
    yield named(exp.Count(this=exp.Star()), ROWS)
    for j, _ in enumerate(tally.columns):
        yield named(exp.Count(this=name(value(j))), f"there {j}")
    for j in tally.summed_columns():
        wanted = tally.asked_for() if tally.terms else None
        yield named(within(exp.Sum(this=name(value(j))), wanted), total(j))


def cells_of_rows(tally: Tally) -> Iterator[exp.Expr]:
    """Yield the counts of rows of each lot of a cell, and its figures, of what was gathered."""
    for lot in tally.places:
        whole = summed(name(ROWS), tally.inside(lot))
        yield named(whole, f"{ROWS} {lot}")
        for j, column in enumerate(tally.columns):
            there = summed(name(f"there {j}"), tally.inside(lot))
            yield named(there, f"{ROWS} {lot} there {j}")
            if tally.tells_of_missing(column):
                without = exp.Sub(this=whole.copy(), expression=there.copy())
                yield named(without, f"{ROWS} {lot} missing {j}")
    yield from tally.figures_of("there {}", ROWS, lambda: tally.inside(0))
