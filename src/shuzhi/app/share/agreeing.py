"""The verbs of agreements: where applications are submitted, answered and ended."""

from __future__ import annotations

from functools import cached_property

from shuzhi.app.act.acting import Acts
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.law import Law
from shuzhi.packs import installed_pack
from shuzhi.share.access import Grant
from shuzhi.share.agreements import Names, SharingOffice, Time, grants

# The terms of sharing are law for every city; its packs and its own folder count over them.
_LAW = "data_law"


class Agrees(Acts):
    """How a city's parties come to share data."""

    @property
    def sharing_office(self) -> SharingOffice:
        """Where applications and agreements are: see the verbs of `shuzhi.share.agreements`.

        Raises:
            RefusedError: `packs.no_such_pack`; DocumentError as `declared` and `working_days`.
        """
        city = self.settings.city
        authority = PartyId(city.sharing_authority or city.desk)
        time, names = Time(self._sharing_law, self.working_days, city.zone), Names(city.address)
        outside = self.clock, self.publish, self.lake.exists
        return SharingOffice(self.control, time, authority, names, *outside)

    @cached_property
    def _sharing_law(self) -> Law:
        return self.declared.law.over(installed_pack(_LAW).declared.law)

    def grants(self, party: PartyId, dataset: str) -> tuple[Grant, ...]:
        """What `party` may do with a data set now. Raises as `agreements.grants`."""
        return grants(self.sharing_office, party, dataset, self.clock())
