"""Whose addresses count as one, where it is counted how often something is tried."""

from __future__ import annotations

import ipaddress

# One household or office is given a network of this size (RFC 6177), and so any address in it.
_IPV6_NETWORK_BITS = 64


def neighbourhood(address: str) -> str:
    """Return what counts as one address: an IPv6 network of one site, an IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((int(found), _IPV6_NETWORK_BITS), strict=False))
