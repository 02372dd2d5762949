"""Who asks for a service: a citizen or a company, as the records of the city call them."""

from __future__ import annotations

from shuzhi.act.services import Applicant, Audience
from shuzhi.share.accounts import Role, Standing


def applicant_of(standing: Standing) -> Applicant:
    """Return the applicant whose account it is."""
    is_company = Role.COMPANY in standing.roles()
    audience = Audience.COMPANIES if is_company else Audience.CITIZENS
    return Applicant(standing.account, standing.party, audience, standing.subject)
