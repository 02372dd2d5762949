"""Linkage on real sets with known truth; skipped where the reference data are not there."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import duckdb
import pytest

from shuzhi.share.linkage.clusters import Knowledge, grouped
from shuzhi.share.linkage.declared import parse_linkage
from shuzhi.share.linkage.engine import Bench

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
_LINKAGE = """
id: products
title: {zh: 商品, en: Products}
purpose: {zh: 测试, en: Test}
kind: thing
forms: {title: {form: text}, models: {form: models}, price: {form: number}}
data:
  - {dataset: abt, key: id, is_clean: true, parts: {title: name, models: name, price: price}}
  - {dataset: buy, key: id, is_clean: true, parts: {title: name, models: name, price: price}}
blocking: [{rare: title}, {rare: models}]
training: {sessions: [{rare: title}], is_local: true}
thresholds: {link: 0.5, review: 0.1}
"""


def test_products_of_two_shops_are_found_without_any_label(shared: Path) -> None:
    folder = shared / "data/07_entity/pyjedai_ccer/D2"
    if not folder.is_dir():
        pytest.skip("no linkage sets beside this checkout")
    linkage = parse_linkage(_LINKAGE.encode(), file="products.yaml")
    with duckdb.connect() as connection:
        for name in ("abt", "buy", "gt"):
            file = folder / f"{name}.csv.gz"
            connection.execute(
                f"CREATE TABLE {name} AS FROM read_csv('{file}', delim = '|', all_varchar = true)"
            )
        truth = set(connection.execute("SELECT D1, D2 FROM gt").fetchall())
        bench = Bench(connection, linkage)
        found = bench.predict(bench.train({}), linkage.thresholds.link)
    groups = grouped(found, Knowledge(clean=frozenset({"abt", "buy"}))).groups
    pairs = {(a.key, b.key) for group in groups for a, b in combinations(group, 2)}
    right = len(pairs & truth)
    # Measured 0.90.
    assert 2 * right / (len(pairs) + len(truth)) > 0.88
