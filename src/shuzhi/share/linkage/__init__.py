"""Linkage: the same person, company or place across departments, and one governed file of each."""

from shuzhi.share.linkage.declared import parse_linkage, read_linkage
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.events import LinkageRan, ModelAccepted, PairDecided
from shuzhi.share.linkage.judged import Precision, Waiting
from shuzhi.share.linkage.model import (
    Decision,
    Figures,
    Kept,
    Linkage,
    ModelState,
    Pair,
    Place,
    Placed,
    Record,
    Run,
    Verdict,
)
from shuzhi.share.linkage.office import LinkageOffice
from shuzhi.share.linkage.subject_file import (
    Asker,
    Differs,
    Door,
    Sheet,
    Source,
    SubjectFile,
    subject_file,
)
from shuzhi.share.linkage.use_cases import (
    Compared,
    accept,
    decide,
    last_run,
    models,
    records,
    review,
    run,
    sample,
    subject_of,
    train,
    why,
)
from shuzhi.share.linkage.waterfall import Bar, Waterfall, lines

__all__ = [
    "Asker",
    "Bar",
    "Compared",
    "Decision",
    "Differs",
    "Door",
    "Figures",
    "Kept",
    "Linkage",
    "LinkageError",
    "LinkageOffice",
    "LinkageRan",
    "ModelAccepted",
    "ModelState",
    "Pair",
    "PairDecided",
    "Place",
    "Placed",
    "Precision",
    "Record",
    "Run",
    "Sheet",
    "Source",
    "SubjectFile",
    "Verdict",
    "Waiting",
    "Waterfall",
    "accept",
    "decide",
    "last_run",
    "lines",
    "models",
    "parse_linkage",
    "read_linkage",
    "records",
    "review",
    "run",
    "sample",
    "subject_file",
    "subject_of",
    "train",
    "why",
]
