"""The versions of contracts in the control store: each kept whole, none ever changed."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Row, String, Table, Text, bindparam, insert, select

from shuzhi.gather.contracts.model import Contract
from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared

version_table = Table(
    "contract_version",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("version", String(60), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("status", String(40), nullable=False),
    Column("document", Text, nullable=False),
    Column("registered_at", InstantColumn, nullable=False, index=True),
)

# Which contract answers for a data set: the newest version's tables only.
dataset_table = Table(
    "contract_dataset",
    metadata,
    Column("dataset", String(120), primary_key=True),
    Column("contract", String(200), nullable=False, index=True),
    Column("version", String(60), nullable=False),
)


class Kept(NamedTuple):
    """The document of one version of a contract."""

    name: str
    version: str
    document: str


_v, _d = version_table.c, dataset_table.c
_KEPT = select(_v.name, _v.version, _v.document)
_OF_VERSION = Prepared(_KEPT.where(_v.name == bindparam("of"), _v.version == bindparam("number")))
_OF_DATASET = Prepared(
    _KEPT.join(dataset_table, (_d.contract == _v.name) & (_d.version == _v.version)).where(
        _d.dataset == bindparam("of")
    )
)


def read_version(connection: Connection, name: str, version: str) -> Kept | None:
    """Return one version's document, None when it was never registered."""
    rows = _OF_VERSION.rows(connection, {"of": name, "number": version})
    return Kept(*rows[0]) if rows else None


def find_version(connection: Connection, name: str, version: str) -> Row[Any] | None:
    """Return one version's row, None when it was never registered."""
    c = version_table.c
    query = select(version_table).where(c.name == name, c.version == version)
    return connection.execute(query).one_or_none()


def find_versions(connection: Connection, name: str) -> list[Row[Any]]:
    """Return the rows of every version of a contract, oldest first."""
    query = select(version_table).where(version_table.c.name == name)
    return list(connection.execute(query.order_by(version_table.c.registered_at)))


def find_newest(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of the version of a contract that was registered last."""
    query = select(version_table).where(version_table.c.name == name)
    newest = query.order_by(version_table.c.registered_at.desc(), version_table.c.version.desc())
    return connection.execute(newest.limit(1)).one_or_none()


def find_by_dataset(connection: Connection, dataset: str) -> Kept | None:
    """Return the document of the contract version that answers for `dataset`."""
    rows = _OF_DATASET.rows(connection, {"of": dataset})
    return Kept(*rows[0]) if rows else None


def all_datasets(connection: Connection) -> list[str]:
    """Return the names of all data sets that a contract answers for."""
    query = select(dataset_table.c.dataset).order_by(dataset_table.c.dataset)
    return [str(name) for name in connection.execute(query).scalars()]


def newest_of_datasets(connection: Connection) -> list[Row[Any]]:
    """Return the rows of all versions that answer for a data set, each once, by name."""
    c, d = version_table.c, dataset_table.c
    joined = version_table.join(dataset_table, (d.contract == c.name) & (d.version == c.version))
    query = select(version_table).select_from(joined).distinct().order_by(c.name)
    return list(connection.execute(query))


def add_version(
    connection: Connection, contract: Contract, document: str, sha256: str, now: Instant
) -> None:
    """Keep a new version and let it answer for its tables."""
    connection.execute(
        insert(version_table).values(
            name=contract.name,
            version=contract.version,
            sha256=sha256,
            status=contract.status,
            document=document,
            registered_at=now,
        )
    )
    connection.execute(dataset_table.delete().where(dataset_table.c.contract == contract.name))
    rows = [
        {"dataset": table.name, "contract": contract.name, "version": contract.version}
        for table in contract.tables
    ]
    if rows:
        connection.execute(insert(dataset_table), rows)
