"""Forms: who demands which data of whom, what is held already, and what each demand costs."""

from shuzhi.share.forms.burden import Axis, Burden, Demand, declared_minutes, saved_minutes
from shuzhi.share.forms.errors import FormError
from shuzhi.share.forms.events import FormFilled, FormJudged
from shuzhi.share.forms.filling import fillers, hand_in, start
from shuzhi.share.forms.form_yaml import read_form
from shuzhi.share.forms.judging import Repeat, Same
from shuzhi.share.forms.model import (
    Attachment,
    Candidate,
    Excepted,
    FilledBy,
    Filler,
    Filling,
    FillingId,
    Form,
    FormField,
    FormId,
    Judgement,
    Reach,
    Registered,
    Verdict,
    Way,
)
from shuzhi.share.forms.office import FormsOffice
from shuzhi.share.forms.prefill import Prefilled, Reading, prefill
from shuzhi.share.forms.queries import (
    FormFile,
    FormStep,
    all_demands,
    asked_twice,
    burden,
    fillings,
    form_file,
    forms,
)
from shuzhi.share.forms.schedule import Every, Schedule
from shuzhi.share.forms.sources import (
    Source,
    Standing,
    all_sources,
    column_datum,
    designate,
    meaning_datum,
    sources,
)
from shuzhi.share.forms.use_cases import (
    recheck,
    recheck_all,
    register,
    registered,
    say,
    withdraw,
)

__all__ = [
    "Attachment",
    "Axis",
    "Burden",
    "Candidate",
    "Demand",
    "Every",
    "Excepted",
    "FilledBy",
    "Filler",
    "Filling",
    "FillingId",
    "Form",
    "FormError",
    "FormField",
    "FormFile",
    "FormFilled",
    "FormId",
    "FormJudged",
    "FormStep",
    "FormsOffice",
    "Judgement",
    "Prefilled",
    "Reach",
    "Reading",
    "Registered",
    "Repeat",
    "Same",
    "Schedule",
    "Source",
    "Standing",
    "Verdict",
    "Way",
    "all_demands",
    "all_sources",
    "asked_twice",
    "burden",
    "column_datum",
    "declared_minutes",
    "designate",
    "fillers",
    "fillings",
    "form_file",
    "forms",
    "hand_in",
    "meaning_datum",
    "prefill",
    "read_form",
    "recheck",
    "recheck_all",
    "register",
    "registered",
    "saved_minutes",
    "say",
    "sources",
    "start",
    "withdraw",
]
