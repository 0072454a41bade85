"""The navigation of every page: where one can go, and where one is.

Owns its order, and which pages stand behind "More". Pure: refuses to ask anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.rights import Right
from dashboard.i18n import N_, _


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere to go. `also` are other paths that belong to it; what is no work for a phone has no tab there."""

    path: str
    icon: str
    word: str
    right: Right = Right.READ
    also: tuple[str, ...] = ()
    is_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A place as a link of the navigation; one that `is_wide` stands behind "More" on a phone."""

    href: str
    icon: str
    word: str
    is_current: bool
    is_wide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationView:
    """What the day needs stands in the open; what is set up now and then, behind "More"."""

    main: tuple[LinkView, ...]
    more: tuple[LinkView, ...]
    is_in_more: bool


_MAIN = (
    Place(path="/inbox", icon="tray", word=N_("Inbox"), also=("/conversations",)),
    Place(path="/for-you", icon="chat", word=N_("For you")),
    Place(path="/alerts", icon="bell", word=N_("Alerts")),
    Place(path="/incidents", icon="bolt", word=N_("Incidents")),
    Place(path="/reports", icon="chart", word=N_("Reports"), is_wide=True),
)
_MORE = (
    Place(path="/sources", icon="ear", word=N_("Sources")),
    Place(path="/watches", icon="globe", word=N_("Watches")),
    Place(path="/rules", icon="layers", word=N_("Rules")),
    Place(path="/corrections", icon="pencil", word=N_("Corrections"), also=("/taught",)),
    Place(path="/people", icon="people", word=N_("People"), right=Right.ADMIN),
    Place(path="/audit", icon="receipt", word=N_("Audit"), right=Right.ADMIN),
)


def navigation_view(path: str, rights: Mapping[str, bool]) -> NavigationView:
    """Return the navigation for someone with these rights who looks at `path`."""
    main, more = (tuple(_link(place, path) for place in places if rights[place.right]) for places in (_MAIN, _MORE))
    return NavigationView(main=main, more=more, is_in_more=any(link.is_current for link in more))


def _link(place: Place, path: str) -> LinkView:
    roots = (place.path, *place.also)
    is_current = any(path == root or path.startswith(f"{root}/") for root in roots)
    return LinkView(href=place.path, icon=place.icon, word=_(place.word), is_current=is_current, is_wide=place.is_wide)
