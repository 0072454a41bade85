"""The tables [dashboard] and [oidc] of the operator's file: where people sit, and how they come in.

Owns their format. Refuses the rest of the file: `app.config` owns it.
"""

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.toml_lines import Path
from core.config import DashboardConfig, OidcConfig
from core.rights import Role

if TYPE_CHECKING:
    from app.config import Reader

_DASHBOARD_KEYS = (
    "host",
    "port",
    "public_url",
    "secure_cookies",
    "proxies",
    "second_factor",
    "session_hours",
    "idle_minutes",
)
_OIDC_KEYS = ("issuer", "client_id", "client_secret", "label", "role_claim", "roles")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def read_dashboard(reader: "Reader", table: Mapping[str, Any]) -> DashboardConfig:
    """Return where the pages are served, and how long and how somebody stays signed in."""
    path: Path = ("dashboard",)
    reader.known(table, path, _DASHBOARD_KEYS)
    public_url = reader.text(table, path, "public_url", default="")
    return DashboardConfig(
        host=reader.text(table, path, "host", default="127.0.0.1"),
        port=int(reader.number(table, path, "port", default=8080, least=0, most=65_535)),
        public_url=public_url,
        secure_cookies=reader.flag(table, path, "secure_cookies", default=public_url.startswith("https://")),
        proxies=_proxies(reader, table, path),
        second_factor=_second_factor(reader, table, path),
        session_hours=int(reader.number(table, path, "session_hours", default=12, least=1, most=168)),
        idle_minutes=int(reader.number(table, path, "idle_minutes", default=120, least=5, most=10_080)),
    )


def read_oidc(reader: "Reader", table: Mapping[str, Any]) -> OidcConfig | None:
    """Return the provider through which people sign in, None where there is none."""
    path: Path = ("oidc",)
    reader.known(table, path, _OIDC_KEYS)
    if not any(table.get(key) for key in _OIDC_KEYS):
        return None
    issuer = reader.text(table, path, "issuer").rstrip("/")
    if issuer and not is_safe_address(issuer):
        reader.fault((*path, "issuer"), f"must start with https://, as your provider spells it, not {issuer!r}")
    return OidcConfig(
        issuer=issuer,
        client_id=reader.text(table, path, "client_id"),
        client_secret=reader.secret(table, path, "client_secret"),
        label=reader.text(table, path, "label", default=""),
        role_claim=reader.text(table, path, "role_claim", default=""),
        roles=_roles(reader, table, path),
    )


def is_safe_address(url: str) -> bool:
    """Whether an address is https, or of this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _second_factor(reader: "Reader", table: Mapping[str, Any], path: Path) -> frozenset[Role]:
    value = table.get("second_factor", "optional")
    if value == "optional":
        return frozenset()
    if value == "required":
        return frozenset(Role)
    known = {role.value for role in Role}
    if isinstance(value, list) and value and all(isinstance(one, str) and one in known for one in value):
        return frozenset(Role(one) for one in value)
    roles = ", ".join(f'"{role}"' for role in Role)
    what = f'must be "optional", "required", or a list of the roles that need one, of {roles}'
    reader.fault((*path, "second_factor"), what)
    return frozenset()


def _proxies(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    given = reader.texts(table, path, "proxies")
    for one in given:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            reader.fault((*path, "proxies"), f"{one!r} is no address or network, such as 10.0.0.7 or 10.0.0.0/24")
    return given


def _roles(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[tuple[Role, frozenset[str]], ...]:
    roles = reader.table(table, "roles", path)
    where: Path = (*path, "roles")
    reader.known(roles, where, tuple(role.value for role in Role))
    if roles and not table.get("role_claim"):
        reader.fault(where, 'say in which claim the provider sends them: role_claim = "groups"')
    if table.get("role_claim") and not roles:
        reader.fault((*path, "role_claim"), 'say which of its words give which role: [oidc.roles] admin = ["..."]')
    return tuple((role, frozenset(reader.texts(roles, where, role))) for role in Role if roles.get(role))
