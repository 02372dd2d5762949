"""What others ask of the parties room: register, look up, see the tree, load a file."""

from __future__ import annotations

from pathlib import Path

from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Party
from shuzhi.share.parties.errors import PartyError
from shuzhi.share.parties.model import Organisation
from shuzhi.share.parties.parties_yaml import read_parties_file
from shuzhi.share.parties.store import read_parties, write_parties


def register_party(control: Control, party: Party) -> None:
    """Register `party`, or replace what is known of it.

    Raises:
        PartyError: `share.party_bad` when its credit code is wrong, its superior is unknown or
            stands lower, or it would stand above itself.
    """
    with control.transaction() as connection:
        everybody = Organisation.of((*read_parties(connection), party))
        for each in everybody:
            if problem := everybody.problem(each):
                raise PartyError(
                    "share.party_bad",
                    f"The party {party.id!r} cannot be registered: of {each.id!r}, {problem}.",
                    next_step="Register superiors first, and correct the value named.",
                )
        write_parties(connection, [party])


def load_parties(control: Control, path: Path) -> Organisation:
    """Register all parties of the YAML file at `path` and return the whole organisation.

    Parties that the file does not name stay. Nothing is written when anything is wrong.

    Raises:
        DocumentError: `share.parties_bad` with every finding; `kernel.bad_document`.
    """
    with control.transaction() as connection:
        known = read_parties(connection)
        loaded = read_parties_file(path, known=known)
        write_parties(connection, loaded)
        return Organisation.of((*known, *loaded))


def party(control: Control, party_id: PartyId) -> Party:
    """Return the party with that id; PartyError `share.party_unknown` when there is none."""
    found = tree(control).get(party_id)
    if found is None:
        raise PartyError(
            "share.party_unknown",
            f"No party is registered as {party_id!r}.",
            next_step="Add it to parties.yaml, or correct the id.",
        )
    return found


def tree(control: Control) -> Organisation:
    """Return the whole organisation."""
    with control.transaction() as connection:
        return Organisation.of(read_parties(connection))
