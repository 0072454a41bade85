"""How often each door may be tried.

Owns the numbers, and what they are counted by. Refuses to count: `store.tries` does, for every process.

Strangers must be slowed, and must not be able to keep a colleague out. So a name bears few tries from one address and
somewhat more from everywhere; but a browser that this person has signed in from before is counted by itself, and what
strangers do does not touch it. A one-time link of an administrator makes any browser such a one.
"""

import ipaddress
from datetime import timedelta

from aiohttp import web

from dashboard.desk import desk_of
from store.tries import Limit

_QUARTER = timedelta(minutes=15)


def by_browser(name: str, browser: str) -> list[Limit]:
    """Tries from a browser that this person has used before."""
    of = f"{name.casefold()}\n{browser}"
    return [Limit(kind="browser", of=of, free=5, first=timedelta(seconds=30), most=_QUARTER)]


def by_stranger(name: str, address: str) -> list[Limit]:
    """Tries from any other browser: of the name here, then of the address, then of the name from everywhere."""
    place, who = _place(address), name.casefold()
    return [
        Limit(kind="pair", of=f"{who}\n{place}", free=5, first=timedelta(seconds=30), most=_QUARTER),
        Limit(kind="address", of=place, free=30, first=timedelta(seconds=10), most=timedelta(minutes=5)),
        Limit(kind="name", of=who, free=20, first=timedelta(seconds=5), most=timedelta(minutes=1)),
    ]


def of_second_factor(staff_id: int, browser: str | None) -> list[Limit]:
    """Tries of a code, by whoever knows the password already: few, from wherever they come."""
    kind, of = ("code", str(staff_id)) if browser is None else ("code here", f"{staff_id} {browser}")
    return [Limit(kind=kind, of=of, free=5, first=timedelta(seconds=30), most=_QUARTER)]


def of_own_password(staff_id: int) -> list[Limit]:
    """Tries of somebody's own password from within: whoever stole a session may guess too."""
    return [Limit(kind="own", of=str(staff_id), free=5, first=timedelta(seconds=30), most=_QUARTER)]


def address_of(request: web.Request) -> str:
    """Return whose request this is: the caller's address, or what a proxy of ours says it is.

    Of X-Forwarded-For the last word that is none of our proxies counts: what stands before it anybody can write.
    """
    caller, proxies = request.remote or "", desk_of(request).config.dashboard.proxies
    said = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    while _is_one_of(caller, proxies) and said:
        caller = said.pop()
    return caller[:64] if _parsed(caller) is not None else (request.remote or "")


def _is_one_of(address: str, proxies: tuple[str, ...]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in ipaddress.ip_network(one) for one in proxies)


def _place(address: str) -> str:
    """A household has 2^64 addresses of the sixth version, and is one place."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed or address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
