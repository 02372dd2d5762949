"""Parties: the organisation tree of a city, who stands above whom and at which level."""

from shuzhi.share.parties.errors import PartyError
from shuzhi.share.parties.model import Organisation, is_credit_code
from shuzhi.share.parties.use_cases import load_parties, party, register_party, tree

__all__ = [
    "Organisation",
    "PartyError",
    "is_credit_code",
    "load_parties",
    "party",
    "register_party",
    "tree",
]
