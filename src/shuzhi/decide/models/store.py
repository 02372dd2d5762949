"""What was built of which versions, so that only what changed is built again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, String, Table, Text, delete, insert, select

from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.instant import Instant

build_table = Table(
    "models_build",
    metadata,
    Column("model", String(120), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("built_at", InstantColumn, nullable=False),
)


@dataclass(frozen=True)
class Build:
    """The newest build of a model: of which SQL, of which versions, and what it made when."""

    digest: str
    inputs: Mapping[str, int]
    version: int
    built_at: Instant


def find_build(connection: Connection, model: str) -> Build | None:
    """Return the newest build of `model`; None when it was never built."""
    row = connection.execute(select(build_table).where(build_table.c.model == model)).first()
    if row is None:
        return None
    return Build(row.digest, json.loads(row.inputs), row.version, row.built_at)


def save_build(connection: Connection, model: str, build: Build) -> None:
    """Keep `build` as the newest of `model`."""
    connection.execute(delete(build_table).where(build_table.c.model == model))
    row = {
        "model": model,
        "digest": build.digest,
        "inputs": json.dumps(dict(build.inputs), sort_keys=True),
        "version": build.version,
        "built_at": build.built_at,
    }
    connection.execute(insert(build_table).values(row))
