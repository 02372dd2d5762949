"""Warnings, and the rules that raised them with what became of what they said."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from shuzhi.decide.rules import Severity, Warning
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import case_sight
from shuzhi.web.visitors import visitor_of

_MOST = 100


def routes(site: Site) -> APIRouter:
    """Return the routes of warnings and rules."""
    router = APIRouter()

    @router.get("/warnings")
    def warnings(request: Request) -> Response:
        city, reader, asked = site.city, site.reader(request), request.query_params
        rule, dataset = asked.get("rule") or None, asked.get("dataset") or None
        seen_by = case_sight(visitor_of(request), city).parties
        found = city.warnings(rule_id=rule, dataset=dataset, seen_by=seen_by, limit=_MOST)
        return site.page(
            request,
            "warnings.html",
            reader=reader,
            found=[(each, told(reader, each)) for each in found],
            counts={s: sum(w.severity is s for w in found) for s in reversed(Severity)},
            rule=rule or "",
            dataset=dataset or "",
            is_cut=len(found) == _MOST,
        )

    _rules(router, site)
    return router


def _rules(router: APIRouter, site: Site) -> None:
    @router.get("/rules")
    def rules(request: Request) -> Response:
        city = site.city
        return site.page(
            request,
            "rules.html",
            rules=(*city.rules(), *city.forecasters()),
            forecasters={one.id for one in city.forecasters()},
            standings=city.standings(),
            scores={score.rule_id: score for score in city.warning_scores()},
        )

    @router.get("/rules/{rule_id}")
    def rule(request: Request, rule_id: str) -> Response:
        city, reader = site.city, site.reader(request)
        found = city.declared.forecasters.get(rule_id) or city.rule(rule_id)
        seen_by = case_sight(visitor_of(request), city).parties
        raised = city.warnings(rule_id=rule_id, seen_by=seen_by, limit=20)
        return site.page(
            request,
            "rule.html",
            reader=reader,
            rule=found,
            standing=city.standings().get(found.id),
            score=next((s for s in city.warning_scores() if s.rule_id == found.id), None),
            found=[(each, told(reader, each)) for each in raised],
        )


def told(reader: Reader, warning: Warning) -> str:
    """Return what the pack says of a warning, else the title of its rule."""
    declared = reader.city.declared
    said = reader.city.says(warning.rule_id, warning.facts, reader.language)
    if said:
        return said
    rule = declared.rules.get(warning.rule_id) or declared.forecasters.get(warning.rule_id)
    return reader.both(rule) if rule else str(warning.rule_id)
