"""The verbs of forms: what is demanded of towns and people, what is held already, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from shuzhi.app.share.delivering import Delivers
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.agreements import Actor
from shuzhi.share.forms import (
    Axis,
    Burden,
    Form,
    FormId,
    FormsOffice,
    Prefilled,
    Reading,
    Registered,
    burden,
    forms,
    prefill,
    recheck_all,
    register,
)


class FillsForms(Delivers):
    """What a city's departments ask of others, once and not again."""

    @property
    def forms_office(self) -> FormsOffice:
        """Where forms are: see the verbs of `shuzhi.share.forms`. Raises as `sharing_office`."""
        return FormsOffice(self.sharing_office)

    def register_form(self, form: Form, *, by: Actor) -> Registered:
        """Register a form. Raises as `forms.register`."""
        return register(self.forms_office, form, by=by)

    def register_forms(self) -> tuple[Registered, ...]:
        """Register every form that the city and its packs declare, but for those withdrawn.

        One that was withdrawn and is worded anew since is in force again. Raises as
        `forms.register`.
        """
        return tuple(self._registered())

    def recheck_forms(self) -> int:
        """Judge all forms again; return how many are judged otherwise than before."""
        return recheck_all(self.forms_office)

    def prefill(self, form: str, subject: str, *, user: User) -> tuple[Prefilled, ...]:
        """What is held of a subject for a form. Raises as `forms.prefill`, `masks`."""
        reading = Reading(self.lake, self.masks, self.receipt_office)
        return prefill(self.forms_office, reading, FormId(form), subject, user=user)

    def burden(
        self,
        start: date,
        end: date,
        *,
        by: Axis = Axis.FORM,
        form: str | None = None,
        owner: str | None = None,
        party: str | None = None,
    ) -> tuple[Burden, ...]:
        """What forms cost in minutes, the most costly first. Raises as `forms.burden`."""
        return burden(
            self.forms_office,
            start,
            end,
            by=by,
            form=None if form is None else FormId(form),
            owner=None if owner is None else PartyId(owner),
            party=None if party is None else PartyId(party),
        )

    def _registered(self) -> Iterator[Registered]:
        office = self.forms_office
        city = Actor(self.settings.city.name, office.authority)
        gone = {held.form for held in forms(office, is_open=False)}
        for form in self.declared.forms.values():
            if form not in gone:
                yield register(office, form, by=city)
