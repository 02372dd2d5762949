"""Whose data they are: what is in rows is shown here to those alone who answer for them.

Everybody else receives rows by an agreement, each time with a receipt (docs/agreements.md).
"""

from __future__ import annotations

from collections.abc import Iterable

from shuzhi.app import City
from shuzhi.web.api.frame.asking import refusal
from shuzhi.web.seeing import sees_rows
from shuzhi.web.visitors import Visitor


def answers_for(visitor: Visitor, city: City, datasets: Iterable[str]) -> bool:
    """Tell whether a visitor corrects data for the providers of all these data sets."""
    return visitor.standing is not None and sees_rows(visitor, city, datasets)


def require_owner(visitor: Visitor, city: City, dataset: str) -> None:
    """Refuse (`web.unauthorized`, `web.not_allowed`) who does not answer for a data set."""
    if not answers_for(visitor, city, [dataset]):
        raise refusal(visitor, city.provider(dataset))
