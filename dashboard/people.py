"""GET /people: who works here, and what they may; invitations, roles, and who may sign in no more.

Owns that page and its forms. Refuses to let the last administrator go: `store.people` does, in the transaction.
"""

from datetime import timedelta

from aiohttp import web

from core.errors import Conflict
from core.rights import Role
from dashboard.cookies import hashed, new_token
from dashboard.desk import Desk, desk_of, reader_of, session_of
from dashboard.forms import form_of, line_of, number, one_of
from dashboard.i18n import _
from dashboard.pages import refuse, render, see
from dashboard.present_people import person_views, role_choices
from store.invitations import Link
from store.people import LastAdmin, Staff

LINK_LASTS = timedelta(hours=72)
_LONGEST_NAME = 100


async def people(request: web.Request) -> web.Response:
    """GET /people."""
    return await _page(request)


async def invite(request: web.Request) -> web.Response:
    """POST /people: expect somebody, and show the link for them, once."""
    desk, form = desk_of(request), await form_of(request)
    name, email = line_of(form.get("name")), line_of(form.get("email")).casefold()
    role = Role(one_of(form, "role", Role))
    typed = {"name": name[:_LONGEST_NAME], "role": role.value, "email": email[:254]}
    problem = _problem_with(name, email)
    if problem:
        return await _page(request, typed=typed, problem=problem, status=422)
    token, now = new_token(), desk.clock.now()
    link = Link(token_hash=hashed(token), expires_at=now + LINK_LASTS)
    try:
        await desk.invitations.invite(name, role, link, by=reader_of(request), at=now, email=email or None)
    except Conflict:
        problem = _("Somebody here has this name or this e-mail address already. Choose another.")
        return await _page(request, typed=typed, problem=problem, status=409)
    return await _link_page(request, name, token, is_new=True)


async def make_link(request: web.Request) -> web.Response:
    """POST /people/ID/link: a new link, for whoever lost theirs or their password. An older one works no longer.

    Not for oneself: whoever stole a session would choose the password that only the old one may change.
    """
    desk, staff = desk_of(request), await _somebody_else(request)
    token, now = new_token(), desk.clock.now()
    link = Link(token_hash=hashed(token), expires_at=now + LINK_LASTS)
    await desk.invitations.renew(staff.id, link, by=reader_of(request), at=now)
    return await _link_page(request, staff.name, token, is_new=staff.is_invited)


async def withdraw(request: web.Request) -> web.Response:
    """POST /people/ID/withdraw: expect somebody no more who has not come."""
    desk, staff = desk_of(request), await _staff(request)
    done = await desk.invitations.withdraw(staff.id, by=reader_of(request), at=desk.clock.now())
    return see("/people", "withdrawn" if done else "unchanged")


async def set_role(request: web.Request) -> web.Response:
    """POST /people/ID/role: they sign in anew, with what they may do now."""
    desk, staff = desk_of(request), await _somebody_else(request)
    role = Role(one_of(await form_of(request), "role", Role))
    try:
        done = await desk.people.set_role(staff.id, role, by=reader_of(request), at=desk.clock.now())
    except LastAdmin:
        raise _last_admin(staff) from None
    await desk.bell.announce()
    return see("/people", "role-set" if done else "unchanged")


async def set_state(request: web.Request) -> web.Response:
    """POST /people/ID/state: let somebody in no more, or again."""
    desk, staff = desk_of(request), await _somebody_else(request)
    is_active = one_of(await form_of(request), "to", ("active", "inactive")) == "active"
    try:
        done = await desk.people.set_active(staff.id, is_active, by=reader_of(request), at=desk.clock.now())
    except LastAdmin:
        raise _last_admin(staff) from None
    if not done:
        return see("/people", "unchanged")
    await desk.bell.announce()
    return see("/people", "reactivated" if is_active else "deactivated")


async def remove_factor(request: web.Request) -> web.Response:
    """POST /people/ID/second-factor: for whoever lost their telephone and their codes."""
    desk, staff = desk_of(request), await _somebody_else(request)
    done = await desk.factors.remove(staff, by=reader_of(request), at=desk.clock.now())
    return see("/people", "factor-removed" if done else "unchanged")


async def end_sessions(request: web.Request) -> web.Response:
    """POST /people/ID/sessions: sign somebody out everywhere."""
    desk, staff = desk_of(request), await _somebody_else(request)
    done = await desk.sessions.close_all(staff, by=reader_of(request), at=desk.clock.now())
    return see("/people", "sessions-ended" if done else "unchanged")


async def _page(
    request: web.Request, *, typed: dict[str, str] | None = None, problem: str = "", status: int = 200
) -> web.Response:
    desk = desk_of(request)
    now = desk.clock.now()
    context = {
        "people": person_views(
            await desk.people.all(),
            await desk.invitations.open_until(at=now),
            needs_factor=desk.config.dashboard.second_factor,
            reader=session_of(request).staff.id,
            now=now,
        ),
        "roles": role_choices(),
        "typed": typed or {"name": "", "role": Role.AGENT.value, "email": ""},
        "problem": problem,
        "is_at_provider": desk.provider is not None,
    }
    return await render(request, "people.html", context, status=status)


async def _link_page(request: web.Request, name: str, token: str, *, is_new: bool) -> web.Response:
    desk = desk_of(request)
    is_only_here = desk.config.dashboard.is_only_here
    context = {"who": name, "link": link_of(desk, token), "is_new": is_new, "is_only_here": is_only_here}
    return await render(request, "link.html", context)


def link_of(desk: Desk, token: str) -> str:
    """Return the address to give to somebody."""
    return f"{desk.config.dashboard.url}/join/{token}"


def _problem_with(name: str, email: str) -> str:
    if not name or len(name) > _LONGEST_NAME:
        return _("Give them a name of at most {most} characters.", most=_LONGEST_NAME)
    if email and (email.count("@") != 1 or len(email) > 254 or " " in email or email[0] == "@" or email[-1] == "@"):
        return _("This is no e-mail address: it looks like name@example.com.")
    return ""


async def _staff(request: web.Request) -> Staff:
    staff = await desk_of(request).people.get(number(request.match_info["id"]))
    if staff is None:
        raise refuse(404, _("No such person"), _("This person is not here, or no longer."), back="/people")
    return staff


async def _somebody_else(request: web.Request) -> Staff:
    """Nobody takes their own rights away by a slip: another administrator does."""
    staff = await _staff(request)
    if staff.id == session_of(request).staff.id:
        raise refuse(
            409, _("This is you"), _("Your own account is under your name. Another administrator can do this.")
        )
    return staff


def _last_admin(staff: Staff) -> Exception:
    message = _(
        "{name} is the only administrator. Make somebody else one first, or nobody could do this any more.",
        name=staff.name,
    )
    return refuse(409, _("Somebody must hold the keys"), message)
