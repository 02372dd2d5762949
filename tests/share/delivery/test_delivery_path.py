"""One path for each answer: agreement, decision, bytes, receipt; and a page, a file, a figure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from shuzhi.share.access import Refusal
from shuzhi.share.delivery import Answer, page
from shuzhi.share.receipts import Left, Reach


def rows_of(found: Answer | Refusal) -> list[dict[str, Any]]:
    """Read an answer in JSON, and see that its receipt has the hash of what was read."""
    assert isinstance(found, Answer), found
    content = found.content.read()
    assert hashlib.sha256(content).hexdigest() == found.receipt.what.sha256
    assert len(content) == found.receipt.what.size_bytes
    rows: list[dict[str, Any]] = json.loads(content)
    assert len(rows) == found.receipt.what.rows
    return rows


def test_a_page_leaves_with_its_receipt_in_the_audit_log(town: Any) -> None:
    held = town.agreed()
    found = page(town.desk, town.wanted(held), town.asker(), limit=3)
    rows = rows_of(found)
    assert [row["no"] for row in rows] == [0, 1, 2]
    assert rows[1]["name"] == "张***"
    assert rows[0]["income"] is None
    assert rows[0]["person"] == rows[1]["person"] != "p0"
    what = found.receipt.what
    assert (what.left, what.reach, what.lake_version, what.rows) == (Left.ROWS, Reach.LISTED, 0, 3)
    assert what.masks == {"person": "Hashed()", "name": "Partial(first=1, last=0)"}
    assert found.receipt.subjects == 2
    town.city.record()
    entries = town.city.find_entries(
        f"receipt:{found.receipt.id}", found.receipt.at, found.receipt.at
    )
    assert [entry.content["facts"]["sha256"] for entry in entries] == [what.sha256]
    assert "SECRET" not in json.dumps(rows)
