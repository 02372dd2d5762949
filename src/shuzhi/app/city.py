"""A city that is open, how one is opened, and how one is made."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shuzhi.app.act.dating import Dates
from shuzhi.app.act.services import Serves
from shuzhi.app.auditing import Audits
from shuzhi.app.decide.causes import Traces
from shuzhi.app.decide.deciding import Decides
from shuzhi.app.gather.gathering import Gathers
from shuzhi.app.gather.sensing import Senses
from shuzhi.app.reactions import reactions
from shuzhi.app.share.accounts import Knows
from shuzhi.app.share.linking import Links
from shuzhi.app.share.verifying import Verifies
from shuzhi.app.wired import lake_of
from shuzhi.gather.contracts import register
from shuzhi.kernel.control import open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Publish, publisher
from shuzhi.kernel.files import make_once
from shuzhi.migrations import migrate
from shuzhi.packs import installed_pack
from shuzhi.settings import CITY_FILE, load_settings
from shuzhi.share.catalogue import Outcome, Published, from_contract, publish_all
from shuzhi.share.parties import load_parties, tree

_FOLDERS = ("contracts", "sources", "models", "incoming")


@dataclass(frozen=True)
class Registered:
    """What `City.register` did: contracts that are new, and what became of each entry."""

    contracts: tuple[str, ...]
    entries: tuple[Published, ...]

    @property
    def refused(self) -> tuple[Published, ...]:
        """Data sets that the catalogue does not take as they are described."""
        return tuple(e for e in self.entries if e.outcome is Outcome.REFUSED)


class City(Gathers, Senses, Decides, Traces, Dates, Serves, Verifies, Links, Knows, Audits):
    """A city that is open, with the verbs of every wing."""

    @cached_property
    def publish(self) -> Publish:
        """Hands a fact to everybody who reacts to it: the table of `reactions`."""
        return publisher(reactions(self))

    def register(self) -> Registered:
        """Register parties, contracts and rules as declared; catalogue what contracts describe.

        Raises:
            RefusedError: as `declared`, `load_parties`, `register` and `from_contract`.
        """
        for parties in self.declared.parties:
            load_parties(self.control, parties)
        contracts = self.declared.contracts.values()
        fresh = [c.name for c in contracts if register(self.control, c, now=self.clock())]
        known = tree(self.control)
        entries = [from_contract(c, table, known) for c in contracts for table in c.tables]
        name = self.settings.city.name
        published = publish_all(self.control, entries, by=name, now=self.clock())
        self.register_rules()
        self.register_forecasters()
        self.register_forms()
        return Registered(tuple(fresh), published)


def open_city(folder: Path | str) -> City:
    """Open the city in `folder` and bring its control store up to date.

    Raises:
        RefusedError: `settings.no_city`, `settings.bad_city_file`.
    """
    settings = load_settings(Path(folder))
    control = open_control(settings.control_url)
    migrate(control)
    city = City(settings, control, lake_of(settings))
    # A later package may know other days. Whoever asks for them is told of a bad notice.
    with suppress(RefusedError):
        city.note_calendar()
    return city


def create_city(folder: Path | str, *, pack: str | None = None) -> City:
    """Make a city in `folder` that runs a scenario `pack` if one is named, and open it.

    Files that are there already are left as they are.

    Raises:
        RefusedError: `packs.no_such_pack`, `app.pack_not_listed`; as `City.register`.
    """
    if pack is not None:
        installed_pack(pack)
    root = Path(folder)
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    written = _CITY.format(name=pack or "city", packs=pack or "")
    make_once(root / CITY_FILE, written.encode(), mode=0o644)
    city = open_city(root)
    if pack is not None and pack not in city.settings.city.packs:
        raise RefusedError(
            "app.pack_not_listed",
            f"The city in {root} is there already and does not run the pack {pack!r}.",
            next_step=f"Add {pack} to `packs` in {root / CITY_FILE} and run the command again.",
        )
    city.register()
    return city


_CITY = """# Who this city is and which packs it runs; the files of this folder count over theirs.
name: {name}
title_zh: 示范城市
title_en: Demonstration city
zone: Asia/Shanghai
packs: [{packs}]
"""
