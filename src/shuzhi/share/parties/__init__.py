"""Parties: the organisation tree of a city, who stands above whom and at which level."""

from shuzhi.share.parties.errors import PartyError
from shuzhi.share.parties.model import Organisation, is_credit_code
from shuzhi.share.parties.territories import (
    Imported,
    Ring,
    Territories,
    Territory,
    read_boundaries,
    read_territories,
    write_territories,
)
from shuzhi.share.parties.use_cases import load_parties, party, register_party, tree

__all__ = [
    "Imported",
    "Organisation",
    "PartyError",
    "Ring",
    "Territories",
    "Territory",
    "is_credit_code",
    "load_parties",
    "party",
    "read_boundaries",
    "read_territories",
    "register_party",
    "tree",
    "write_territories",
]
