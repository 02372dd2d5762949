"""The one path by which data leave: agreement, decision, rows, bytes, receipt, and only then out.

Each of the three questions (a page, a file, a question in SQL) takes it whole. A refusal is a
value; it is noted in the audit log as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO, cast

from shuzhi.audit import Entry, queue
from shuzhi.share.access import Form, Refusal, ask
from shuzhi.share.access.reasons import refused
from shuzhi.share.agreements import (
    AgreementId,
)
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.delivery.admitting import Admitted, admitted, by_method
from shuzhi.share.delivery.counting import Counted, NotNow
from shuzhi.share.delivery.cursors import opened, sealed
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError
from shuzhi.share.delivery.forms import write_rows
from shuzhi.share.delivery.model import MOST_PAGE_ROWS, Answer, Asker, MediaType, Wanted
from shuzhi.share.delivery.rows import all_rows, parameters_of, read_page, reading
from shuzhi.share.delivery.spooling import Spool, spooling
from shuzhi.share.delivery.touching import of_all_rows, of_page, of_question
from shuzhi.share.receipts import Delivered, Left, Reach, SubjectSet, record_receipt

_BATCH_ROWS = 65_536
_LEFT = {Form.ROWS: Left.ROWS, Form.AGGREGATE: Left.FIGURES, Form.YES_NO: Left.YES_NO}
_PROVIDER = "delivery"


def page(
    desk: DeliveryDesk,
    wanted: Wanted,
    asker: Asker,
    *,
    limit: int = 1_000,
    cursor: str | None = None,
) -> Answer | Refusal:
    """Return up to `limit` rows (1 to 10,000), the next ones with a `cursor` of the page before.

    All pages read one version of the data set; each row is in one of them.

    Raises:
        DeliveryError: `share.bad_cursor`, `share.bad_page`; RefusedError: `gather.version_gone`
            when the version was cleared away meanwhile; else as `admitted`.
    """
    if not 1 <= limit <= MOST_PAGE_ROWS:
        raise DeliveryError(
            "share.bad_page",
            f"A page has 1 to {MOST_PAGE_ROWS:,} rows, not {limit:,}.",
            next_step="Ask for several pages, or for a file.",
        )

    def make(seen: Admitted) -> Answer | Refusal:
        if seen.allowed.grant.form is not Form.ROWS:
            return refused("sql_form", "It gives figures or yes and no, to questions in SQL.")
        binding = _binding(seen, wanted)
        begin = None if cursor is None else opened(desk.cursor_key, cursor, binding)
        if begin is not None:
            seen = seen.at(begin.version)
        found = read_page(desk, seen, limit, begin)
        following = None if found.next is None else sealed(desk.cursor_key, found.next, binding)
        batches = found.rows.to_batches()
        with spooling(desk.scratch) as spool:
            rows = write_rows(wanted.media, found.rows.schema, batches, _out(spool))
            what = delivered(seen, spool.told(rows), wanted.media, Left.ROWS)
            return _leave(desk, seen, what, spool, of_page(found.subjects), following)

    return _asked(desk, wanted, asker, make)


def file(desk: DeliveryDesk, wanted: Wanted, asker: Asker) -> Answer | Refusal:
    """Return every row that is wanted as one file, of any length; memory holds one batch.

    Raises as `admitted`.
    """

    def make(seen: Admitted) -> Answer | Refusal:
        if seen.allowed.grant.form is not Form.ROWS:
            return refused("sql_form", "It gives figures or yes and no, to questions in SQL.")
        sql = all_rows(seen)
        parameters = parameters_of(desk, seen, sql)
        with spooling(desk.scratch) as spool:
            with reading(desk, seen) as connection:
                found = connection.sql(sql, params=parameters or None)
                batches = found.to_arrow_reader(_BATCH_ROWS)
                rows = write_rows(wanted.media, batches.schema, batches, _out(spool))
            what = delivered(seen, spool.told(rows), wanted.media, Left.FILE)
            return _leave(desk, seen, what, spool, of_all_rows(desk, seen))

    return _asked(desk, wanted, asker, make, Left.FILE)


def answer(desk: DeliveryDesk, wanted: Wanted, asker: Asker, sql: str) -> Answer | Refusal:
    """Answer a question in SQL over the agreement's data set, held inside of the agreement.

    Its subjects are all whose rows it could read; of yes or no, the one that was asked about.
    Raises as `admitted`, and as `access.ask`.
    """

    def make(seen: Admitted) -> Answer | Refusal:
        versions = {str(seen.dataset): seen.version}
        found = ask(
            desk.lake,
            [seen.allowed],
            sql,
            city_key=desk.city_key,
            limits=desk.limits,
            versions=versions,
        )
        if isinstance(found, Refusal):
            return found
        form = seen.allowed.grant.form
        subjects, reach = of_question(desk, seen, sql)
        with spooling(desk.scratch) as spool:
            rows = write_rows(wanted.media, found.schema, found.to_batches(), _out(spool))
            what = delivered(seen, spool.told(rows), wanted.media, _LEFT[form], reach, sql)
            return _leave(desk, seen, what, spool, subjects)

    return _asked(desk, wanted, asker, make)


def note_refusal(
    desk: DeliveryDesk, agreement: AgreementId, asker: Asker, refusal: Refusal
) -> Refusal:
    """Keep in the audit log that somebody was refused, and return the refusal."""
    facts = {
        "agreement": agreement,
        "party": asker.user.party,
        "role": asker.role,
        "purpose": asker.purpose,
        "reason": refusal.reason,
    }
    subject = f"agreement:{agreement}"
    entry = Entry("delivery.refused", desk.clock(), asker.user.id, subject, facts)
    with desk.control.transaction() as connection:
        queue(connection, entry)
    return refusal


def _asked(
    desk: DeliveryDesk,
    wanted: Wanted,
    asker: Asker,
    make: Callable[[Admitted], Answer | Refusal],
    left: Left = Left.ROWS,
) -> Answer | Refusal:
    seen = by_method(admitted(desk, wanted, asker), left)
    try:
        found = make(seen) if isinstance(seen, Admitted) else seen
    except NotNow as no:
        found = no.refusal
    if isinstance(found, Answer):
        return found
    return note_refusal(desk, wanted.agreement, asker, found)


def delivered(
    seen: Admitted,
    told: tuple[int, int, str],
    media: MediaType,
    left: Left,
    reach: Reach = Reach.LISTED,
    question: str | None = None,
) -> Delivered:
    """Return what leaves; `told` is its rows, its bytes and their hash."""
    rows, size_bytes, sha256 = told
    grant, asker = seen.allowed.grant, seen.asker
    return Delivered(
        seen.agreement.id,
        grant.assigner,
        grant.assignee,
        asker.user.id,
        asker.role,
        asker.purpose,
        str(seen.dataset),
        seen.contract_version,
        seen.version,
        tuple(c.name for c in seen.allowed.columns),
        seen.masks,
        rows,
        size_bytes,
        sha256,
        left,
        media.value,
        reach,
        None if question is None else hashlib.sha256(question.encode()).hexdigest(),
    )


def _leave(
    desk: DeliveryDesk,
    seen: Admitted,
    what: Delivered,
    spool: Spool,
    subjects: SubjectSet | None,
    following: str | None = None,
) -> Answer:
    """Write the receipt, and only then hand out the bytes. Raises NotNow."""
    budget = seen.allowed.grant.budget
    counted = Counted(seen.agreement.id, budget, desk.setup.per_minute)
    receipt = record_receipt(desk.receipts, what, subjects=subjects, also=counted)
    return Answer(receipt, spool.content(), MediaType(what.media), following)


def _binding(seen: Admitted, wanted: Wanted) -> bytes:
    """Return what a cursor is for: who asks by which agreement, and what they see."""
    asker = seen.asker
    made_of = [
        seen.agreement.id,
        asker.user.id,
        asker.user.party,
        asker.role,
        asker.purpose,
        *seen.view,
        repr(wanted.rows),
    ]
    return hashlib.sha256(canonical(made_of)).digest()


def _out(spool: Spool) -> BinaryIO:
    return cast("BinaryIO", spool)
