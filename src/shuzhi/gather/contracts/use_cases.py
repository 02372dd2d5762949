"""The verbs of contracts: register a version, and find the one that answers for a data set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from shuzhi.gather.contracts import store
from shuzhi.gather.contracts.model import Contract, Table
from shuzhi.gather.contracts.odcs import parse_contract, require_for_lake, write_contract
from shuzhi.gather.contracts.versioning import require_rising
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class InService:
    """The version of a contract that answers for its data sets, and since when."""

    contract: Contract
    since: Instant


def register(control: Control, contract: Contract, *, now: Instant) -> bool:
    """Keep a version of a contract; return False when this very version was kept before.

    Raises:
        RefusedError: `gather.contract_version_taken` when the version was registered with other
            words, `gather.dataset_taken` when another contract answers for one of its tables,
            `kernel.bad_name` for tables that cannot be data sets; as `require_rising`.
    """
    document = write_contract(require_for_lake(contract))
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    with control.transaction() as connection:
        kept = store.find_version(connection, contract.name, contract.version)
        if kept is not None:
            _require_same(contract, kept.sha256, sha256)
            return False
        newest = store.find_newest(connection, contract.name)
        if newest is not None:
            require_rising(_read(newest), contract)
        for table in contract.tables:
            _require_free(contract, table, store.find_by_dataset(connection, table.name))
        store.add_version(connection, contract, document, sha256, now)
    return True


def versions(control: Control, name: str) -> tuple[Contract, ...]:
    """Return every version of the contract called `name`, oldest first; empty when none."""
    with control.transaction() as connection:
        return tuple(_read(row) for row in store.find_versions(connection, name))


def version_named(control: Control, name: str, version: str) -> Contract | None:
    """Return one version of the contract called `name`; None when it is not kept."""
    with control.transaction() as connection:
        kept = store.read_version(connection, name, version)
    return None if kept is None else _read(kept)


def table_named(control: Control, dataset: str) -> tuple[Contract, Table]:
    """Return the contract that answers for `dataset`, with the table of that name.

    Raises:
        RefusedError: `gather.no_contract` when none does.
    """
    with control.transaction() as connection:
        row = store.find_by_dataset(connection, dataset)
    if row is None:
        raise RefusedError(
            "gather.no_contract",
            f"No contract answers for data set {dataset!r}.",
            next_step="Put its contract into contracts/ and run: shuzhi init FOLDER.",
        )
    contract = _read(row)
    return contract, contract.table(dataset)


def in_service(control: Control) -> tuple[InService, ...]:
    """Return every contract that answers for a data set, and since when."""
    with control.transaction() as connection:
        rows = store.newest_of_datasets(connection)
    return tuple(InService(_read(row), row.registered_at) for row in rows)


def contracted_datasets(control: Control) -> tuple[str, ...]:
    """Return the names of all data sets that a contract answers for, in order."""
    with control.transaction() as connection:
        return tuple(store.all_datasets(connection))


def _read(row: Row[Any] | store.Kept) -> Contract:
    return _parsed(row.document, f"{row.name} {row.version}")


# A version is never changed, and every question by an agreement asks what it says.
@lru_cache(maxsize=256)
def _parsed(document: str, file: str) -> Contract:
    return parse_contract(document.encode(), file=file)


def _require_same(contract: Contract, kept: str, given: str) -> None:
    if kept != given:
        raise RefusedError(
            "gather.contract_version_taken",
            f"Version {contract.version} of contract {contract.name!r} stands with other words.",
            next_step="Give the changed contract a new version.",
        )


def _require_free(contract: Contract, table: Table, row: store.Kept | None) -> None:
    if row is not None and row.name != contract.name:
        raise RefusedError(
            "gather.dataset_taken",
            f"Data set {table.name!r} belongs to contract {row.name!r} already.",
            next_step="Rename the table, or take it out of the other contract first.",
        )
