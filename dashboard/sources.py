"""GET /sources: how well we hear, what waits, and the pauses.

Owns the page and the pause forms. Refuses to pause by itself.
"""

from datetime import timedelta

from aiohttp import web

from dashboard.desk import desk_of, reader_of
from dashboard.forms import line_of, number, one_of
from dashboard.marks import local_path
from dashboard.pages import render, see
from dashboard.present_sources import account_views, figures, gap_views
from store.accounts import AccountState
from store.tellings import Tellings

# How long a gap stays on the page after it was covered.
_COVERED_SHOWN = timedelta(days=2)


async def sources(request: web.Request) -> web.Response:
    """GET /sources."""
    desk = desk_of(request)
    now = desk.clock.now()
    depth = await desk.bell.depth()
    context = {
        "accounts": account_views(
            await desk.accounts.all(),
            await desk.sources.all(),
            now,
            spent=await desk.spending.this_month(at=now),
            budgets={account.name: account.budget for account in desk.config.accounts},
        ),
        "figures": figures(
            depth,
            await desk.posts.count_by_stage(),
            await Tellings(desk.database).count_by_state(),
            redis_is_up=desk.bell.is_up,
        ),
        "redis_is_up": desk.bell.is_up,
        "gaps": gap_views(await desk.sources.gaps(covered_since=now - _COVERED_SHOWN), now),
    }
    return await render(request, "sources.html", context)


async def pause_house(request: web.Request) -> web.Response:
    """POST /house: pause or resume everything automatic. Supervisors only."""
    desk, form = desk_of(request), await request.post()
    is_on = one_of(form, "to", ("paused", "running")) == "paused"
    await desk.accounts.pause_house(
        is_on, by=reader_of(request), at=desk.clock.now(), reason=_reason(form.get("reason"))
    )
    await desk.bell.announce()
    back = local_path(str(form.get("back", "/sources"))).partition("?")[0]
    return see(back, "house-paused" if is_on else "house-resumed")


async def pause_account(request: web.Request) -> web.Response:
    """POST /accounts/NAME: pause or resume one account. Supervisors only."""
    desk, form = desk_of(request), await request.post()
    is_on = one_of(form, "to", ("paused", "running")) == "paused"
    changed = await desk.accounts.set_state(
        request.match_info["name"],
        AccountState.PAUSED if is_on else AccountState.ACTIVE,
        reason=_reason(form.get("reason")),
        by=reader_of(request),
        at=desk.clock.now(),
    )
    await desk.bell.announce()
    if not changed:
        return see("/sources", "unchanged")
    return see("/sources", "account-paused" if is_on else "account-resumed")


async def gap_seen(request: web.Request) -> web.Response:
    """POST /gaps/ID: a person has seen what no fetch can cover. Supervisors only."""
    desk = desk_of(request)
    seen = await desk.sources.gap_seen(number(request.match_info["id"]), by=reader_of(request), at=desk.clock.now())
    await desk.bell.announce()
    return see("/sources", "gap-seen" if seen else "unchanged")


def _reason(value: object) -> str:
    return line_of(value)[:200]
