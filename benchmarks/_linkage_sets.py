"""The sets of the linkage benchmark: where they lie, what is true of them, how each tool sees them.

Only columns are described here. Ours takes the forms of the platform's presets; Splink the
comparisons of its own library; dedupe the variables of its own examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

_TEXT = "training: {sessions: [{rare: title}], is_local: true}"


@dataclass(frozen=True)
class Set:
    """One set: its tables as SQL, its truth as SQL over them, its columns by what they hold."""

    name: str
    title: str
    tables: Mapping[str, str]
    truth: str
    columns: Mapping[str, str]
    ours: str
    is_clean: bool = False
    forms: Mapping[str, str] = field(default_factory=dict)

    def yaml(self) -> str:
        """Return the declaration for ours; parts have the names of the columns."""
        lines = [f"id: {self.name}", "title: {zh: 测试, en: Test}", "purpose: {zh: 测试, en: Test}"]
        parts = ", ".join(f"{column}: {column}" for column in self.parts())
        clean = ", is_clean: true" if self.is_clean else ""
        data = [f"  - {{dataset: {t}, key: id{clean}, parts: {{{parts}}}}}" for t in self.tables]
        forms = [f"  {part}: {{form: {form}}}" for part, form in self.forms.items()]
        more = ["forms:", *forms] if forms else []
        thresholds = "thresholds: {link: 0.5, review: 0.1}"
        return "\n".join([*lines, "data:", *data, *more, thresholds, self.ours, ""])

    def parts(self) -> tuple[str, ...]:
        """Return the columns that ours compares."""
        return (*self.columns, *(f for f in self.forms if f not in self.columns))


def read(connection: duckdb.DuckDBPyConnection, folder: str, each: Set) -> set[tuple[str, str]]:
    """Make the tables of a set, all text, with a column `id`; return the pairs that are true."""
    for name, sql in each.tables.items():
        connection.execute(f"CREATE TABLE {name} AS {sql.replace('@', folder)}")
    rows = connection.execute(each.truth.replace("@", folder)).fetchall()
    return {(a, b) if each.is_clean else (min(a, b), max(a, b)) for a, b in rows if a != b}


def _csv(path: str, mark: str = ",", head: bool = True) -> str:
    return f"read_csv('@/{path}', delim = '{mark}', header = {head}, all_varchar = true)"


def _same(table: str) -> str:
    return f"SELECT a.id, b.id FROM {table} a JOIN {table} b USING (cluster) WHERE a.id < b.id"


_CCER = "pyjedai_ccer"
_FEBRL = (
    "SELECT trim(rec_id) AS id, trim(#2) AS given_name, trim(#3) AS surname, "
    "concat_ws(' ', trim(#4), trim(#5)) AS address, trim(#7) AS place, trim(#8) AS postcode, "
    "trim(#10) AS birth, split_part(rec_id, '-', 2) AS cluster FROM "
)
_PERSON = {
    "given_name": "name", "surname": "name", "address": "text", "place": "word",
    "postcode": "code", "birth": "date",
}  # fmt: skip


def _restaurants(number: int) -> str:
    names = "id, #2 AS name, #3 AS phone, #4 AS address"
    return f"SELECT {names} FROM {_csv(f'{_CCER}/D1/rest{number}.csv.gz', '|')}"


def _products(path: str, mark: str) -> str:
    return f"SELECT id, name AS title, name AS models, description, price FROM {_csv(path, mark)}"


def _offers(path: str) -> str:
    columns = "id, title, description, manufacturer AS maker, nullif(price, '0.0') AS price"
    return f"SELECT {columns} FROM {_csv(path, '#')}"


def _papers(path: str) -> str:
    return f"SELECT id, title, authors, venue, year FROM {_csv(path, '%')}"


SETS = (
    Set(
        "febrl3", "Febrl 3 (made persons, one table)",
        {"febrl": _FEBRL + _csv("splink_datasets/dataset3.csv.gz")}, _same("febrl"), _PERSON,
        "kind: person",
    ),
    Set(
        "febrl4", "Febrl 4 (made persons, two tables)",
        {t: _FEBRL + _csv(f"splink_datasets/data{f}.csv.gz")
         for t, f in (("one", "set4a"), ("other", "set4b"))},
        "SELECT a.id, b.id FROM one a JOIN other b USING (cluster)", _PERSON, "kind: person",
        is_clean=True,
    ),
    Set(
        "fake1000", "Splink fake_1000 (made persons)",
        {"fake": "SELECT unique_id AS id, first_name AS given_name, surname, dob AS birth, "
                 f"city AS place, email, cluster FROM {_csv('splink_datasets/fake_1000.csv.gz')}"},
        _same("fake"),
        {"given_name": "name", "surname": "name", "birth": "date", "place": "word",
         "email": "email"},
        "kind: person",
    ),
    Set(
        "historical", "Splink historical 50k (real persons, made errors)",
        {"people": "SELECT unique_id AS id, first_name AS given_name, surname, dob AS birth, "
                   "birth_place AS place, postcode_fake AS postcode, occupation, cluster FROM "
                   "'@/splink_datasets/historical_figures_with_errors_50k.parquet'"},
        _same("people"),
        {"given_name": "name", "surname": "name", "birth": "date", "place": "word",
         "postcode": "code", "occupation": "word"},
        "kind: person",
    ),
    Set(
        "restaurants", "D1 restaurants",
        {"one": _restaurants(1), "other": _restaurants(2)},
        f"SELECT #1, #2 FROM {_csv(f'{_CCER}/D1/gt.csv.gz', '|')}",
        {"name": "text", "phone": "phone", "address": "text"}, "kind: place", is_clean=True,
    ),
    Set(
        "abt_buy", "D2 Abt-Buy",
        {"one": _products(f"{_CCER}/D2/abt.csv.gz", "|"),
         "other": _products(f"{_CCER}/D2/buy.csv.gz", "|")},
        f"SELECT #1, #2 FROM {_csv(f'{_CCER}/D2/gt.csv.gz', '|')}",
        {"title": "text", "description": "text", "price": "number"},
        f"kind: thing\nblocking: [{{rare: title}}, {{rare: models}}]\n{_TEXT}", is_clean=True,
        forms={"title": "text", "models": "models", "description": "text", "price": "number"},
    ),
    Set(
        "amazon_google", "D3 Amazon-Google",
        {"one": _offers(f"{_CCER}/D3/amazon.csv.gz"), "other": _offers(f"{_CCER}/D3/gp.csv.gz")},
        f"SELECT #1, #2 FROM {_csv(f'{_CCER}/D3/gt.csv.gz', '#')}",
        {"title": "text", "description": "text", "maker": "word", "price": "number"},
        f"kind: thing\nblocking: [{{rare: title}}]\n{_TEXT}", is_clean=True,
        forms={"title": "text", "description": "text", "maker": "word", "price": "number"},
    ),
    Set(
        "dblp_acm", "D4 DBLP-ACM",
        {"one": _papers(f"{_CCER}/D4/dblp.csv.gz"), "other": _papers(f"{_CCER}/D4/acm.csv.gz")},
        f"SELECT #1, #2 FROM {_csv(f'{_CCER}/D4/gt.csv.gz', '%')}",
        {"title": "text", "authors": "text", "year": "code"},
        f"kind: thing\nblocking: [{{rare: title}}, {{rare: authors}}]\n{_TEXT}", is_clean=True,
        forms={"title": "text", "authors": "text", "year": "code"},
    ),
    Set(
        "cora", "Cora (citations)",
        {"cited": 'SELECT "Entity Id" AS id, title, author AS authors, venue, year, pages FROM '
                  + _csv(f"{_CCER}/cora/cora.csv.gz", "|")},
        f"SELECT #1, #2 FROM {_csv(f'{_CCER}/cora/cora_gt.csv.gz', '|', False)}",
        {"title": "text", "authors": "text", "venue": "text", "year": "code", "pages": "code"},
        "kind: thing\nblocking: [{rare: title, share: 0.2}, {rare: authors, share: 0.2}]\n"
        f"{_TEXT}",
        forms={"title": "text", "authors": "letters", "venue": "text", "year": "code",
               "pages": "code"},
    ),
    Set(
        "sites", "dedupe's early-childhood sites",
        {"sites": 'SELECT "Id" AS id, "Site name" AS name, "Address" AS address, '
                  '"Zip" AS postcode, "Phone" AS phone, "True Id" AS cluster FROM '
                  + _csv("dedupe_examples/csv_example_input_with_true_ids.csv.gz")},
        _same("sites"),
        {"name": "text", "address": "text", "postcode": "code", "phone": "phone"},
        "kind: place",
    ),
)  # fmt: skip
