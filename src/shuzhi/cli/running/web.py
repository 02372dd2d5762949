"""`shuzhi web`: serve a city over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from shuzhi.cli.frame.options import CityFolder, opened
from shuzhi.cli.frame.output import out


def web(
    listen: Annotated[str, typer.Option(help="HOST:PORT.")] = "127.0.0.1:8000",
    acting: Annotated[
        bool, typer.Option(help="Let whoever sits at this machine act on cases from the pages.")
    ] = False,
    login: Annotated[
        bool, typer.Option(help="Show nothing before a visitor signed in (docs/accounts.md).")
    ] = False,
    city: CityFolder = None,
) -> None:
    """Serve the city's pages and SensorThings 1.1; to others with --login or a token alone."""
    from shuzhi.web import listen_of, serve

    there = opened(city)
    token = there.settings.web_token
    has_token = token is not None
    where = listen_of(listen, has_token=has_token, is_acting=acting, asks_login=login)
    address = f"http://{where.host}:{where.port}"
    out.print(f"{address}/  {address}/operations  {address}/sensorthings/v1.1  (stop it: Ctrl-C)")
    serve(there, where, token=token, is_acting=acting, asks_login=login)
