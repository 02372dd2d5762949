"""Why an API could not be read, as errors that say what to do.

They name a page by its origin and path only, because a query may hold a key.
"""

from __future__ import annotations

import math

import httpx2

from shuzhi.kernel.errors import RefusedError


def shown(url: httpx2.URL) -> str:
    """Return `url` as people may see it: no user, no query, no fragment."""
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}{url.path}"


def no_web_address() -> RefusedError:
    """Report an address that is none."""
    return RefusedError(
        "gather.bad_url",
        "The source's address is no http or https URL without user name and password.",
        next_step="Write it as https://api.example.gov.cn/permits; put what proves who you are "
        "into `headers` or `query` as a reference: ${PERMITS_TOKEN}.",
    )


def unreachable(url: httpx2.URL, why: str) -> RefusedError:
    """Report that no connection came about: unknown host, refused, bad certificate."""
    return RefusedError(
        "gather.source_gone",
        f"{shown(url)} cannot be reached: {why}.",
        next_step="Check the address and the network, or ask who keeps the API.",
    )


def gone(url: httpx2.URL, status: int) -> RefusedError:
    """Report 404 or 410."""
    return RefusedError(
        "gather.source_gone",
        f"{shown(url)} is not there (HTTP {status}).",
        next_step="Check the address, or ask who keeps the API where it moved.",
    )


def denied(url: httpx2.URL, status: int) -> RefusedError:
    """Report 401 or 403."""
    return RefusedError(
        "gather.source_denied",
        f"{shown(url)} does not let us in (HTTP {status}).",
        next_step="Check the secret that the source's `headers` or `query` refer to.",
    )


def odd_status(url: httpx2.URL, status: int) -> RefusedError:
    """Report a status that is neither a page nor a passing failure."""
    return RefusedError(
        "gather.http_status",
        f"{shown(url)} answers with HTTP {status}, not with a page.",
        next_step="Check `url`, `query` and `headers` of the source.",
    )


def keeps_failing(url: httpx2.URL, status: int, tries: int) -> RefusedError:
    """Report 429 or 5xx up to the last try."""
    return RefusedError(
        "gather.source_failing",
        f"{shown(url)} answered HTTP {status} at the last of {tries} tries.",
        next_step="Run again later; what was stored stays and the run goes on from there.",
    )


def asks_to_wait(url: httpx2.URL, seconds: float) -> RefusedError:
    """Report a `Retry-After` beyond our patience."""
    return RefusedError(
        "gather.source_failing",
        f"{shown(url)} asks us to come back in {math.ceil(seconds)} seconds.",
        next_step="Run again then, or raise `most_wait_seconds`.",
    )


def too_slow(url: httpx2.URL, seconds: float) -> RefusedError:
    """Report a time-out."""
    return RefusedError(
        "gather.source_slow",
        f"{shown(url)} did not answer within {seconds:g} seconds.",
        next_step="Run again later, ask for smaller pages (`paging.size`), or raise "
        "`timeout_seconds` or `page_seconds`.",
    )


def broke_off(url: httpx2.URL, why: str) -> RefusedError:
    """Report a lost connection, or content that cannot be decoded."""
    return RefusedError(
        "gather.source_failing",
        f"The answer of {shown(url)} broke off ({why}).",
        next_step="Run again later; what was stored stays and the run goes on from there.",
    )


def too_large(url: httpx2.URL, most_bytes: int) -> RefusedError:
    """Report a page above the bound."""
    return RefusedError(
        "gather.http_too_large",
        f"A page of {shown(url)} is larger than {most_bytes} bytes.",
        next_step="Ask for smaller pages (`paging.size`) or raise `most_page_bytes`.",
    )


def too_many_redirects(url: httpx2.URL, most: int) -> RefusedError:
    """Report a chain of redirects."""
    return RefusedError(
        "gather.http_redirects",
        f"{shown(url)} redirects more than {most} times.",
        next_step="Write the address where the API really is into the source's `url`.",
    )


def foreign_origin(home: httpx2.URL, target: httpx2.URL) -> RefusedError:
    """Report a link or redirect to another origin."""
    return RefusedError(
        "gather.http_foreign_link",
        f"{shown(home)} leads to another server, {shown(target)}.",
        next_step="If that server is meant, add its origin to `allow_origins`; it will receive "
        "the source's headers.",
    )


def html(page: str) -> RefusedError:
    """Report a web page instead of JSON."""
    return RefusedError(
        "gather.html_not_table",
        f"{page} is a web page (HTML), not JSON.",
        next_step="Open the address in a browser: it may be a login or an error page. "
        "Check `url` and `headers`.",
    )


def not_json(page: str, why: str) -> RefusedError:
    """Report a body that is no JSON (RFC 8259)."""
    return RefusedError(
        "gather.http_not_json",
        f"{page} is not JSON: {why}.",
        next_step="Tell who keeps the API; nothing of this page was stored.",
    )


def no_records(page: str, path: str) -> RefusedError:
    """Report that no list of records is where the source says."""
    return RefusedError(
        "gather.http_no_records",
        f"{page} has no list of records at {path or 'its top'}.",
        next_step="Correct `records`, the dotted path of the list: data.items.",
    )


def same_page_twice(page: str) -> RefusedError:
    """Report a pager that goes in circles."""
    return RefusedError(
        "gather.http_endless",
        f"{page} is the same as a page before it, so the pages would never end.",
        next_step="Check `paging`: the API may not know `parameter`, or needs `total` to end.",
    )


def too_many_pages(page: str) -> RefusedError:
    """Report more pages than the bound."""
    return RefusedError(
        "gather.http_too_many_pages",
        f"{page} was the last that `paging.most_pages` allows, and there are more.",
        next_step="Raise `paging.most_pages` if the API really has so many pages.",
    )


def mixed_cursor(page: str) -> RefusedError:
    """Report cursor values that cannot be compared."""
    return RefusedError(
        "gather.cursor_unusable",
        f"{page} has values at `cursor_field` that are neither all numbers nor all texts.",
        next_step="Name another `cursor_field`, or load without one.",
    )


def too_much_to_replace(shown_url: str, count: int) -> RefusedError:
    """Report a whole that is too large to be replaced in one commit."""
    return RefusedError(
        "gather.http_replace_too_large",
        f"{shown_url} has more than {count} records, too many to replace a data set at once.",
        next_step="Raise `part_rows` and `part_bytes` as far as memory allows, or use "
        "write: upsert.",
    )
