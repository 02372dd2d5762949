"""Verification (核验比对): whether something holds of somebody, told without the data leaving."""

from shuzhi.share.verification.again import held_shown, keep_shown
from shuzhi.share.verification.asking import question_of
from shuzhi.share.verification.batch import AnsweredBlock, Aside, answer_sheet
from shuzhi.share.verification.building import Done, Refreshed
from shuzhi.share.verification.declared import (
    FILE,
    Action,
    Declaration,
    Limits,
    Usual,
    read_declaration,
    usual,
)
from shuzhi.share.verification.desk import Desk
from shuzhi.share.verification.errors import VerificationError
from shuzhi.share.verification.events import FishingSuspected
from shuzhi.share.verification.fishing import Kind
from shuzhi.share.verification.index import Index, Opened
from shuzhi.share.verification.model import Answer, Claim, How, Question, Told, Verdict
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.permits import Asking, Permit
from shuzhi.share.verification.settling import Answered, Receipted, Settled
from shuzhi.share.verification.sheets import Block, ClaimColumn, Sheet, read_sheet
from shuzhi.share.verification.shown import plain_verdict, with_receipt
from shuzhi.share.verification.store import Finding
from shuzhi.share.verification.use_cases import ask, findings, findings_since, lift, refresh, sweep
from shuzhi.share.verification.words import Slowed

__all__ = [
    "FILE",
    "Action",
    "Answer",
    "Answered",
    "AnsweredBlock",
    "Aside",
    "Asking",
    "Block",
    "Claim",
    "ClaimColumn",
    "Declaration",
    "Desk",
    "Done",
    "Finding",
    "FishingSuspected",
    "How",
    "Index",
    "Kind",
    "Limits",
    "Opened",
    "Permit",
    "Question",
    "Receipted",
    "Refreshed",
    "Settled",
    "Sheet",
    "Slowed",
    "Told",
    "Usual",
    "Verdict",
    "VerificationError",
    "VerificationOffice",
    "answer_sheet",
    "ask",
    "findings",
    "findings_since",
    "held_shown",
    "keep_shown",
    "lift",
    "plain_verdict",
    "question_of",
    "read_declaration",
    "read_sheet",
    "refresh",
    "sweep",
    "usual",
    "with_receipt",
]
