"""audit: a log of what was done that nobody can alter unseen."""

from shuzhi.audit.checkpoint import Checkpoint
from shuzhi.audit.errors import AuditError, BrokenLogError
from shuzhi.audit.finding import Logged, find, logged
from shuzhi.audit.keys import KeyKind, Signer, VerifierKey, new_signer, parse_key, read_keys
from shuzhi.audit.log import Log, found_log, open_log
from shuzhi.audit.model import Entry
from shuzhi.audit.outbox import flush, queue, queued
from shuzhi.audit.proof import Proof, Proved, check_proof, parse_proof
from shuzhi.audit.use_cases import Head, keep_log, prove, read_entries, read_head
from shuzhi.audit.verify import Problem, Report, verify_folder
from shuzhi.audit.witness import Answer, Witness
from shuzhi.audit.witnessing import Asked, WitnessAddress, ask_witnesses

__all__ = [
    "Answer",
    "Asked",
    "AuditError",
    "BrokenLogError",
    "Checkpoint",
    "Entry",
    "Head",
    "KeyKind",
    "Log",
    "Logged",
    "Problem",
    "Proof",
    "Proved",
    "Report",
    "Signer",
    "VerifierKey",
    "Witness",
    "WitnessAddress",
    "ask_witnesses",
    "check_proof",
    "find",
    "flush",
    "found_log",
    "keep_log",
    "logged",
    "new_signer",
    "open_log",
    "parse_key",
    "parse_proof",
    "prove",
    "queue",
    "queued",
    "read_entries",
    "read_head",
    "read_keys",
    "verify_folder",
]
