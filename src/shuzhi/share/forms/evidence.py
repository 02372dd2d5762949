"""What the fields of a form are held against, read from the stores."""

from __future__ import annotations

from functools import cache

from shuzhi.kernel.instant import Instant, day_of
from shuzhi.share.access import Form as AnswerForm
from shuzhi.share.agreements import (
    Agreement,
    Application,
    ApplicationState,
    Clock,
    applications,
    in_force,
)
from shuzhi.share.agreements.applying import answer_run
from shuzhi.share.agreements.clocks import ClockRun, live
from shuzhi.share.forms.holdings import Held, holdings
from shuzhi.share.forms.judging import Evidence, Same, Terms, terms_of
from shuzhi.share.forms.matching import candidates, catalogue_search
from shuzhi.share.forms.model import Form, Reach
from shuzhi.share.forms.office import FormsOffice

_MOST = 500
_NO = frozenset({ApplicationState.REFUSED, ApplicationState.UPHELD})


def evidence(office: FormsOffice, form: Form, same: tuple[Same, ...], now: Instant) -> Evidence:
    """Return what the fields of `form` are held against now.

    Raises:
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force` for the clock of an answer.
    """
    held = holdings(office.control)
    find = cache(catalogue_search(office.control))
    asked = _applications(office, form)

    @cache
    def granted(dataset: str) -> dict[str, int]:
        found = in_force(office.sharing, form.owner, dataset, now)
        serving = [a for a in found if _serves(a, form)]
        return {column: int(a.id) for a in reversed(serving) for column in a.terms.asked.fields}

    def terms(column: Held) -> Terms:
        agreement = granted(column.dataset).get(column.column)
        application = asked.get((column.dataset, column.column))
        return terms_of(
            column, form.owner, agreement, lambda: _waiting(office, column, application, now)
        )

    return Evidence(
        held,
        terms,
        lambda field, denied: candidates(field, held, find, denied),
        same,
        day_of(now, office.zone),
    )


def _serves(agreement: Agreement, form: Form) -> bool:
    """Tell whether the owner of `form` may take by it what the form asks: of all, for its use."""
    asked = agreement.terms.asked
    return (
        asked.form is AnswerForm.ROWS
        and not asked.rows
        and (not form.purpose or form.purpose in asked.purposes)
        and (not form.role or form.role in asked.roles)
    )


def _applications(office: FormsOffice, form: Form) -> dict[tuple[str, str], Application]:
    """Return the newest application of the form's owner for each column."""
    found = applications(office.sharing, party=form.owner, limit=_MOST)
    mine = [a for a in reversed(found) if a.applicant == form.owner]
    return {(a.asked.dataset or "", column): a for a in mine for column in a.asked.fields}


def _waiting(
    office: FormsOffice, held: Held, application: Application | None, now: Instant
) -> Terms:
    """Return where an application for a column stands, or when one would be answered."""
    if application is not None and application.state in _NO:
        return Terms(Reach.NONE, application=application.id)
    run = None if application is None else live(application.runs, Clock.ANSWER)
    if application is not None and application.is_open:
        return _terms(run, application.id)
    # Nothing is under way: this is when the answer would be due if it were handed in now.
    if held.provider is None:
        return Terms(Reach.CONDITIONAL)
    asked_now = answer_run(held.sharing, held.provider, now, office.sharing.time)
    return _terms(office.sharing.time.wound(asked_now), None)


def _terms(run: ClockRun | None, application: int | None) -> Terms:
    if run is None or run.term is None:
        return Terms(Reach.CONDITIONAL, application=application)
    term = run.term
    return Terms(
        Reach.CONDITIONAL,
        application=application,
        due_at=run.due_at,
        basis=term.legal_basis,
        is_verified=term.is_verified,
    )
