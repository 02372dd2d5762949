"""How often something may be tried: by whom, in a span of time, within bounded memory.

The counts are of this process; what has to outlast it is kept with the account (`share.accounts`)
or counted in the control store (`app.tries`).
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

_MOST_KEPT = 20_000
# One household or office is given a network of this size (RFC 6177), and so any address in it.
_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True)
class Limit:
    """At most `most` tries of one name within `span_s` seconds from the first."""

    most: int
    span_s: float
    clock_s: Callable[[], float] = monotonic
    _tries: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def waits_s(self, name: str) -> float:
        """Count a try; return 0.0 when it may be made, else in how many seconds the next may."""
        now = self.clock_s()
        with self._lock:
            since, made = self._tries.pop(name, (now, 0))
            if now >= since + self.span_s:
                since, made = now, 0
            # Whoever tries all the time stays, however many others come.
            self._tries[name] = (since, made + 1)
            while len(self._tries) > _MOST_KEPT:
                self._tries.popitem(last=False)
        return 0.0 if made < self.most else since + self.span_s - now


def neighbourhood(address: str) -> str:
    """Return what counts as one address: an IPv6 network of one site, an IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((int(found), _IPV6_NETWORK_BITS), strict=False))
