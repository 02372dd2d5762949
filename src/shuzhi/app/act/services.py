"""The verbs of services: where citizens and companies ask the city for something."""

from __future__ import annotations

from shuzhi.act.services import ServicesOffice
from shuzhi.app.share.duties import LooksAfterDuties
from shuzhi.share.forms import Reading


class Serves(LooksAfterDuties):
    """How a city serves people with what it already knows."""

    @property
    def services_office(self) -> ServicesOffice:
        """Where services are asked for: see the verbs of `shuzhi.act.services`.

        Raises as `sharing_office` and `masks`.
        """
        reading = Reading(self.lake, self.masks, self.receipt_office)
        return ServicesOffice(self.declared.matters, self.forms_office, reading, self.office)
