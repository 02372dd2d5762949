"""`/api/v1`: what the pages show and do, for programs; one module for each resource.

A resource is a module with a `router` and a `TAG`, and its name in the table below.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from shuzhi.app import City
from shuzhi.web.api import audit, packs, status
from shuzhi.web.api.accounts import keys, own_account, people
from shuzhi.web.api.act import cases, evaluation, services
from shuzhi.web.api.decide import indicators, rehearsals, rules, tracings, warnings
from shuzhi.web.api.frame.asking import Site
from shuzhi.web.api.frame.describing import described
from shuzhi.web.api.frame.problems import handle_problems
from shuzhi.web.api.frame.receiving import Receiving
from shuzhi.web.api.gather import datasets, sources, stations
from shuzhi.web.api.share import (
    agreements,
    applications,
    catalogue,
    deliveries,
    doubts,
    duties,
    forms,
    linkages,
    misuse,
    objections,
    parties,
    receipts,
    subscriptions,
)

PREFIX = "/api/v1"
RESOURCES = (
    catalogue,
    datasets,
    sources,
    stations,
    indicators,
    rules,
    warnings,
    tracings,
    rehearsals,
    cases,
    evaluation,
    applications,
    agreements,
    deliveries,
    subscriptions,
    receipts,
    objections,
    duties,
    forms,
    doubts,
    linkages,
    misuse,
    services,
    audit,
    people,
    own_account,
    keys,
    parties,
    packs,
    status,
)
ROUTES = tuple(
    route
    for resource in RESOURCES
    for route in resource.router.routes
    if isinstance(route, APIRoute)
)


class Api(FastAPI):
    """The interface of a city."""

    def openapi(self) -> dict[str, Any]:
        """Return its description (OpenAPI 3.1), with an example of every operation."""
        if self.openapi_schema is None:
            tags = [resource.TAG for resource in RESOURCES]
            self.openapi_schema = described(super().openapi(), tags, PREFIX)
        return self.openapi_schema


def make_api(city: City, *, token: str | None = None, asks_login: bool = False) -> Api:
    """Return the interface of a city, to be mounted at `PREFIX` behind the server's guards.

    Unnamed, one reads what the pages show: whoever bears the server's `token`, or anybody at a
    server of this machine alone; nobody at one that `asks_login`.
    """
    api = Api(
        title="Shuzhi 数治",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[Middleware(Receiving, city=city)],
    )
    api.state.site = Site(city, token, asks_login)
    handle_problems(api, ROUTES)
    for resource in RESOURCES:
        api.include_router(resource.router)
    return api
