"""Who may push what: the sections `http` and `mqtt` of the gateway's settings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from shuzhi.gather.sensors.gateway.address import address
from shuzhi.gather.sensors.stations import Secret
from shuzhi.kernel.documents import StrictModel
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import dataset_name, source_name


def _dataset(text: str) -> str:
    return _named(dataset_name, text)


def _source(text: str) -> str:
    return _named(source_name, text)


def _named(check: Any, text: str) -> str:
    try:
        return str(check(text))
    except RefusedError as error:
        raise ValueError(error.message) from None


Dataset = Annotated[str, AfterValidator(_dataset)]


class HttpSource(StrictModel):
    """Who pushes over HTTP under a name: to which data set, with the token in which secret."""

    dataset: Dataset
    token_secret: str


class HttpPush(StrictModel):
    """POST to `/push/NAME` with `Authorization: Bearer TOKEN`; `sources` are by NAME."""

    listen: str = "127.0.0.1:9280"
    sources: dict[Annotated[str, AfterValidator(_source)], HttpSource]
    message_bytes: int = Field(default=1024 * 1024, ge=1)


class MqttPush(StrictModel):
    """A broker to take messages from, with QoS 1; `topics` are filters with their data set.

    The broker keeps what was not acknowledged for the client of this `identifier`, which must be
    no other's.
    """

    host: str
    port: int = Field(default=1883, ge=1, le=65_535)
    identifier: str = "shuzhi"
    username: str | None = None
    password_secret: str | None = None
    tls: bool = False
    topics: dict[str, Dataset]
    message_bytes: int = Field(default=1024 * 1024, ge=1)


def told_http(push: HttpPush, secret: Secret) -> dict[str, Any]:
    """Return the section as the gateway's process needs it, tokens included.

    Raises what `secret` raises for one that is not set.
    """
    sources = {
        name: {"dataset": each.dataset, "token": secret(each.token_secret)}
        for name, each in push.sources.items()
    }
    listen = address(push.listen)
    return {"listen": listen, "sources": sources, "message_bytes": push.message_bytes}


def told_mqtt(push: MqttPush, secret: Secret) -> dict[str, Any]:
    """Return the section as the gateway's process needs it, the password included."""
    password = None if push.password_secret is None else secret(push.password_secret)
    return push.model_dump(exclude={"password_secret"}) | {"password": password}
