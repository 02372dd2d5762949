"""Refusals of the SensorThings service, each with the HTTP status that the standard asks for."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class QueryError(RefusedError):
    """A URL that cannot be answered; `status` is 400, 404 or 501."""

    def __init__(self, code: str, message: str, *, next_step: str = "", status: int = 400) -> None:
        super().__init__(code, message, next_step=next_step)
        self.status = status


def bad_query(what: str, next_step: str = "") -> QueryError:
    """Return the refusal of a query option or path that is not well formed."""
    return QueryError("share.bad_sensorthings_query", what, next_step=next_step)


def not_found(what: str) -> QueryError:
    """Return the refusal of something that is not there."""
    return QueryError("share.no_such_entity", what, status=404)


def not_served(what: str) -> QueryError:
    """Return the refusal of a part of the standard that this service does not have."""
    return QueryError(
        "share.sensorthings_not_served", what, next_step="docs/sensorthings.md", status=501
    )
