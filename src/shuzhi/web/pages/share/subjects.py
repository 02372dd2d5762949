"""The file of a subject (一人一档, 一企一档), as the agreements of a data user show it now.

Keys name people: they are sent in a form, and never stand in an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi import APIRouter, Request, Response

from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.linkage import Asker, Linkage, Record, part_title
from shuzhi.web.pages.frame.sending import FieldError, Once, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.askers import standing_of, user_of
from shuzhi.web.problems import WebError

_PATH = "/subjects"
# Whoever types Chinese has the wide colon at hand.
_RECORD = re.compile("([^:：]*)[:：](.*)", re.DOTALL)
_FIELDS = {"share.linkage_unknown": "linkage", "share.linkage_subject_unknown": "which"}


def routes(site: Site) -> APIRouter:
    """Return the routes of subjects."""
    router = APIRouter()

    @router.get(_PATH)
    def blank(request: Request) -> Response:
        return _page(site, request)

    @router.post(_PATH)
    async def looked(request: Request) -> Response:
        _data_user(request)

        def do(typed: Typed) -> Once:
            asker = asker_of(request, typed)
            found = site.city.subject_file(typed.one("linkage"), _which(typed), asker=asker)
            # Who goes back to the page sees nothing of it: each look has its receipts.
            return Once(lambda: _page(site, request, typed, found=found), _PATH)

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, typed, error)

        return await send(site, request, do, again)

    return router


def _page(
    site: Site,
    request: Request,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    **context: object,
) -> Response:
    standing = _data_user(request)
    office = site.city.linkage_office
    parties = standing.parties(Right.QUERY)
    linkages = [office.linkage(name) for name in sorted(office.linkages)]
    return shown(
        site, request, "subjects.html", typed, error, _FIELDS,
        linkages=linkages, parties=sorted(parties), part_title=part_title,
        **({"found": None} | context),
        purposes=agreed_purposes(site.city, parties, linkages),
        roles=sorted({role.value for party in parties for role in standing.roles(party)}),
    )  # fmt: skip


def agreed_purposes(
    city: City, parties: Iterable[PartyId], linkages: Iterable[Linkage]
) -> list[str]:
    """Return the purposes for which agreements in force show something of the linkages."""
    datasets = {member.dataset for linkage in linkages for member in linkage.members}
    held = (grant for party in parties for name in datasets for grant in city.grants(party, name))
    return sorted({purpose for grant in held for purpose in grant.purposes})


def _data_user(request: Request) -> Standing:
    """Return the standing of who may be given data, for whom alone this is."""
    otherwise = WebError(
        "web.not_allowed",
        "Files of subjects are for who uses data by an agreement.",
        next_step="Sign in as a data user or an analyst.",
    )
    return standing_of(request, Right.QUERY, otherwise)


def asker_of(request: Request, typed: Typed) -> Asker:
    """Return who asks: the roles are those of the account, whatever the form says.

    Raises:
        WebError: `web.not_allowed`.
    """
    user = user_of(_data_user(request), Right.QUERY, typed)
    return Asker(user, typed.one("role"), typed.one("purpose").strip())


def _which(typed: Typed) -> str | Record:
    """Return whose file it is: the id of a subject, or a record as DATASET:KEY."""
    text = typed.one("which").strip()
    if not text:
        raise FieldError("web.bad_choice", "which", "Nobody is named.")
    named = _RECORD.fullmatch(text)
    return Record(named[1].strip(), named[2].strip()) if named else text
