"""The fingerprint of rows: equal rows in equal order have equal fingerprints, whenever read.

Only names, types and values enter it, so it does not depend on how a file or a page wrote them.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa


class ContentHash:
    """SHA-256 over record batches of one schema, fed one after another."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sha256 = hashlib.sha256(str(schema).encode())

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in the next rows. How rows are cut into batches counts, so cut them evenly."""
        self._sha256.update(batch.num_rows.to_bytes(8, "big"))
        for column in batch.columns:
            for buffer in column.buffers():
                # An absent validity bitmap and an empty one must not look alike.
                self._sha256.update(b"-" if buffer is None else len(buffer).to_bytes(8, "big"))
                self._sha256.update(b"" if buffer is None else buffer)

    def add_text(self, text: str) -> None:
        """Take in what belongs to the rows but is none."""
        self._sha256.update(text.encode("utf-8", "surrogatepass"))

    def hexdigest(self) -> str:
        """Return the fingerprint of what was added so far, 64 hexadecimal digits."""
        return self._sha256.hexdigest()
