"""Cursors: where the next page begins, sealed so that nobody can read or change them.

A position is the first row that was not sent, told by the fewest leading columns of the order that
part it from the last row sent. It is sealed with AES-256-GCM (RFC 5116) for one question by one
asker: in the place of another question it does not open.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import pyarrow as pa

from shuzhi.share.delivery.errors import bad_cursor
from shuzhi.share.receipts.sealing import sealed as seal
from shuzhi.share.receipts.sealing import unsealed

_MOST = 100_000


@dataclass(frozen=True)
class Position:
    """Page on at `version` from the rows that equal `values` or come after them.

    `values` is one row of the leading columns of the order; the first `skip` of those rows were
    sent already, which can only be when rows cannot be told apart.
    """

    version: int
    values: pa.Table
    skip: int = 0


def sealed(key: bytes, position: Position, binding: bytes) -> str:
    """Return the cursor of a position; `binding` is what it is for, and must be given again."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, position.values.schema) as stream:
        stream.write_table(position.values)
    head = json.dumps([position.version, position.skip]).encode()
    content = zlib.compress(head + b"\n" + sink.getvalue().to_pybytes())
    return seal(key, content, binding)


def opened(key: bytes, cursor: str, binding: bytes) -> Position:
    """Return the position of a cursor that was sealed for the same `binding`.

    Raises:
        DeliveryError: `share.bad_cursor`.
    """
    if len(cursor) > _MOST:
        raise bad_cursor()
    raw = unsealed(key, cursor, binding)
    if raw is None:
        raise bad_cursor()
    head, _, stream = zlib.decompress(raw).partition(b"\n")
    version, skip = json.loads(head)
    return Position(version, pa.ipc.open_stream(stream).read_all(), skip)
