"""The verbs of agreements: where applications are submitted, answered and ended."""

from __future__ import annotations

from shuzhi.app.act.acting import Acts
from shuzhi.kernel.ids import PartyId
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
        law = self.declared.law.over(installed_pack(_LAW).declared.law)
        authority = PartyId(city.sharing_authority or city.desk)
        time, names = Time(law, self.working_days, city.zone), Names(city.address)
        return SharingOffice(self.control, time, authority, names, self.clock, self.publish)

    def grants(self, party: PartyId, dataset: str) -> tuple[Grant, ...]:
        """What `party` may do with a data set now. Raises as `agreements.grants`."""
        return grants(self.sharing_office, party, dataset, self.clock())
