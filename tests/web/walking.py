"""The routes that an application has, as it has them: nothing has to be named to be tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from starlette.routing import BaseRoute, Mount, Route


def addresses(
    routes: Iterable[BaseRoute], parts: Mapping[str, str], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the method and address of every route; what `parts` does not name is the first."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from addresses(included.routes, parts, prefix)
        elif isinstance(route, Mount):
            yield from addresses(route.routes, parts, prefix + route.path)
        elif isinstance(route, Route):
            path = _filled(route.path, parts)
            yield from ((method, prefix + path) for method in sorted(route.methods or ()))


def _filled(path: str, parts: Mapping[str, str]) -> str:
    # Pages call the number of whatever they show so.
    kind = path.split("/")[1].removesuffix("s")
    named = path.replace(":path}", "}").replace("{number}", parts.get(kind, "1"))
    return named.format_map(defaultdict(lambda: "1", parts))
