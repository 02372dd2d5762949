"""The only reader of environment variables and of a city's own settings file.

A city is a folder: `city.yaml` says who it is, the environment says what this machine adds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from shuzhi.gather.sensors.gateway.setup import GatewaySetup
from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts.setup import LoginSetup
from shuzhi.share.delivery.setup import DeliverySetup

CITY_FILE = "city.yaml"
_SECRET = re.compile(r"[A-Z][A-Z0-9_]*")


class CityFile(StrictModel):
    """The shape of `city.yaml`.

    `zone` is the IANA zone of the city's wall clocks; `address` the URL under which others know
    it, the base of the URIs that it hands out; `packs` are the scenarios that it runs, by
    id, the later over the earlier; `desk` is the party that answers where nobody else does;
    `sharing_authority` the one that manages sharing (the desk where none is named);
    `gateway` how stations are listened to; `delivery` bounds how data are handed out;
    `keep_versions_days` how long versions of tables that
    newer ones replaced can still be read; `login` how people sign in.
    """

    name: str
    title_zh: str
    title_en: str
    zone: str = "Asia/Shanghai"
    address: str = "http://localhost:8000"
    packs: tuple[str, ...] = ()
    desk: str = "city"
    sharing_authority: str | None = None
    gateway: GatewaySetup = GatewaySetup()
    delivery: DeliverySetup = DeliverySetup()
    keep_versions_days: int = Field(default=30, ge=0)
    login: LoginSetup = LoginSetup()


@dataclass(frozen=True)
class Settings:
    """Everything that the platform is told from outside."""

    folder: Path
    city: CityFile
    control_url: str
    memory_limit: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def lake_folder(self) -> Path:
        """Where the tables are."""
        return self.folder / "lake"

    @property
    def map_file(self) -> Path:
        """Where the territories of the parties are kept, once boundaries were imported."""
        return self.folder / "map.json"

    @property
    def audit_folder(self) -> Path:
        """Where the audit log is; anybody may copy it."""
        return self.folder / "audit"

    @property
    def audit_key(self) -> Path:
        """The file of the key that signs the audit log; beside it, in `.pub`, the public one."""
        return self.folder / "keys" / "audit"

    @property
    def web_token(self) -> str | None:
        """What every HTTP request must bear (`SHUZHI_WEB_TOKEN`); None: this machine alone asks."""
        return self.environment.get("SHUZHI_WEB_TOKEN") or None

    def secret(self, name: str) -> str:
        """Return the secret that a source names, from the environment.

        Raises:
            RefusedError: `settings.secret_missing` when it is not set there.
        """
        if _SECRET.fullmatch(name) and self.environment.get(name):
            return self.environment[name]
        raise RefusedError(
            "settings.secret_missing",
            f"The secret {name[:60]!r} is not set.",
            next_step="Set an environment variable of this name (capitals) and run again.",
        )


def load_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the city in `folder`.

    `SHUZHI_DATABASE_URL` names another control store than the folder's own SQLite file;
    `SHUZHI_MEMORY_LIMIT` bounds the query engine (default 2GB).

    Raises:
        RefusedError: `settings.no_city` when the folder holds no city; as `read_document`.
    """
    environment = os.environ if environment is None else environment
    folder = folder.expanduser().resolve()
    if not (folder / CITY_FILE).is_file():
        raise RefusedError(
            "settings.no_city",
            f"There is no city in {folder} ({CITY_FILE} is missing).",
            next_step="Make one with: shuzhi init FOLDER; or name one with --city FOLDER.",
        )
    city = shape(read_document(folder / CITY_FILE), CityFile, code="settings.bad_city_file")
    return Settings(
        folder=folder,
        city=city,
        control_url=environment.get("SHUZHI_DATABASE_URL", f"sqlite:///{folder / 'control.db'}"),
        memory_limit=environment.get("SHUZHI_MEMORY_LIMIT", "2GB"),
        environment=environment,
    )


def default_city() -> Path:
    """Return the folder that commands use when none is named: `SHUZHI_CITY`, else here."""
    return Path(os.environ.get("SHUZHI_CITY", "."))
