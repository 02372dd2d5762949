"""Answers as JSON, as they leave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from shuzhi.share.verification.model import AsOf, Told, Verdict
from shuzhi.share.verification.words import REASONS


def answer_bytes(
    columns: Sequence[str], told: Told, verdicts: Sequence[Verdict], as_of: AsOf
) -> bytes:
    """Return an answer without its receipt, as JSON in UTF-8."""
    each = ", ".join(
        f"{json.dumps(column, ensure_ascii=False)}: {_verdict(verdict)}"
        for column, verdict in zip(columns, verdicts, strict=True)
    )
    return f'{{"answer": "{told.value}", "claims": {{{each}}}, {_as_of(as_of)}}}'.encode()


def with_receipt(body: bytes, receipt: int) -> bytes:
    """Return the JSON of an answer with the number of its receipt."""
    return b'%b, "receipt": %d}' % (body[:-1], receipt)


def plain_verdict(verdict: Verdict) -> dict[str, str]:
    """Return a verdict with its reason in both languages."""
    zh, en = REASONS[verdict.reason]
    return {"answer": verdict.told.value, "reason": verdict.reason, "zh": zh, "en": en}


@cache
def _verdict(verdict: Verdict) -> str:
    return json.dumps(plain_verdict(verdict), ensure_ascii=False)


def _as_of(as_of: AsOf) -> str:
    stands = {
        "dataset": as_of.dataset,
        "version": as_of.version,
        "at": as_of.committed_at.isoformat(),
    }
    return f'"as_of": {json.dumps(stands, ensure_ascii=False)}'
