"""Receipts: proof of every delivery, found by whoever it was about, and what they object to."""

from shuzhi.share.receipts.errors import ReceiptError
from shuzhi.share.receipts.events import DataDelivered, ObjectionMoved
from shuzhi.share.receipts.model import (
    Delivered,
    Left,
    Reach,
    Receipt,
    ReceiptId,
    SubjectColumn,
    SubjectNumber,
    SubjectSetId,
)
from shuzhi.share.receipts.objecting import (
    answer_objection,
    date_objections,
    object_to,
    objection,
    objections,
    objections_of,
    stopped_subjects,
    tick_objections,
    withdraw_objection,
)
from shuzhi.share.receipts.objections import Objection, ObjectionId, ObjectionState
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.proofs import (
    ReceiptProof,
    check_receipt,
    names_others,
    read_receipt_proof,
    receipt_proof,
)
from shuzhi.share.receipts.queries import (
    entry_subjects,
    hold_receipts,
    is_about,
    newest_receipt,
    receipt,
    receipts,
    uses_of,
    versions_left,
)
from shuzhi.share.receipts.stopping import subject_columns, without_objectors
from shuzhi.share.receipts.subjects import SubjectSet, known_set, set_of, subject_number
from shuzhi.share.receipts.use_cases import record_receipt

__all__ = [
    "DataDelivered",
    "Delivered",
    "Left",
    "Objection",
    "ObjectionId",
    "ObjectionMoved",
    "ObjectionState",
    "Reach",
    "Receipt",
    "ReceiptError",
    "ReceiptId",
    "ReceiptOffice",
    "ReceiptProof",
    "SubjectColumn",
    "SubjectNumber",
    "SubjectSet",
    "SubjectSetId",
    "answer_objection",
    "check_receipt",
    "date_objections",
    "entry_subjects",
    "hold_receipts",
    "is_about",
    "known_set",
    "names_others",
    "newest_receipt",
    "object_to",
    "objection",
    "objections",
    "objections_of",
    "read_receipt_proof",
    "receipt",
    "receipt_proof",
    "receipts",
    "record_receipt",
    "set_of",
    "stopped_subjects",
    "subject_columns",
    "subject_number",
    "tick_objections",
    "uses_of",
    "versions_left",
    "withdraw_objection",
    "without_objectors",
]
