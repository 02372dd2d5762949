"""People who sign in to the pages of a city, and the forms that they find there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx2 as httpx
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.web import make_app

PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
HTML = {"Accept": "text/html", "Accept-Language": "en"}
Enter = Callable[[str], TestClient]
_NUMBERS = itertools.count()


@contextmanager
def entering(city: City) -> Iterator[Enter]:
    """Yield what signs somebody in by their account, once."""
    with ExitStack() as stack:
        opened: dict[str, TestClient] = {}

        def visitor(name: str) -> TestClient:
            if name not in opened:
                # Everybody comes from elsewhere: the tries of one address are counted together.
                at = (f"{name}-{next(_NUMBERS)}", 1)
                made = TestClient(make_app(city), "http://127.0.0.1", headers=HTML, client=at)
                opened[name] = client = stack.enter_context(made)
                form = {"name": name, "password": PASSWORD, "back": "/"}
                form |= hidden(client.get("/sign-in"))
                assert client.post("/sign-in", data=form, follow_redirects=False).status_code == 303
            return opened[name]

        yield visitor


def hidden(answer: httpx.Response, verb: str = "") -> dict[str, str]:
    """Return the hidden fields of a page's form: the first one, or that of a verb."""
    forms = re.findall(r'<form[^>]*method="post".*?</form>', answer.text, re.S)
    chosen = next(f for f in forms if not verb or f'name="verb" value="{verb}"' in f)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', chosen))
