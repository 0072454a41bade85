"""POST /next and its skip, GET /for-you, and what somebody can.

Owns those. Refuses to choose: `store.handing` does.
"""

from aiohttp import web

from core.assessment import Intent, Language
from core.rights import Right, may
from dashboard.desk import desk_of, reader_of, session_of
from dashboard.forms import number, one_of
from dashboard.i18n import _
from dashboard.marks import local_path
from dashboard.pages import refuse, render, see
from dashboard.present_for_you import for_you_view
from dashboard.present_person import skill_options
from dashboard.told import tell
from dashboard.words import SOON
from store.handing import Full, Skills, Skip


async def next_one(request: web.Request) -> web.Response:
    """POST /next: the most important conversation that fits whoever asks, and is nobody's."""
    desk, staff = desk_of(request), session_of(request).staff
    try:
        found = await desk.handing.next(
            staff.id, by=staff.name, most_open=desk.config.desk.most_open, at=desk.clock.now()
        )
    except Full as err:
        message = _("{why}. Finish one, snooze one, or give one back.", why=tell(str(err)))
        raise refuse(409, _("You have enough open"), message[:1].upper() + message[1:], back="/for-you") from err
    if found is None:
        return see("/inbox", "nothing-next")
    await desk.bell.announce()
    return see(f"/conversations/{found}", "handed")


async def skip(request: web.Request) -> web.Response:
    """POST /conversations/ID/skip: give back what one was handed, and say why."""
    desk, form = desk_of(request), await request.post()
    because = Skip(one_of(form, "because", Skip))
    await desk.handing.skip(number(request.match_info["id"]), because, by=reader_of(request), at=desk.clock.now())
    await desk.bell.announce()
    return see("/inbox", "skipped")


async def for_you(request: web.Request) -> web.Response:
    """GET /for-you: the notes that call the reader, what they promised, and what they can."""
    desk, staff = desk_of(request), session_of(request).staff
    now = desk.clock.now()
    view = for_you_view(
        await desk.notes.nudges(staff.name), await desk.promises.due(staff.name, before=now + _FAR), now
    )
    languages, intents = skill_options(await desk.handing.skills_of(staff.id))
    context = {"waiting_for_me": view, "languages_known": languages, "intents_known": intents, "skills_of": staff.id}
    return await render(request, "for_you.html", context)


async def set_skills(request: web.Request) -> web.Response:
    """POST /staff/ID/skills: what somebody can. Everybody says so for themselves; for others, an administrator."""
    desk, form, staff = desk_of(request), await request.post(), session_of(request).staff
    staff_id = number(request.match_info["id"])
    known = {one.id for one in await desk.handing.colleagues()}
    if staff_id not in known:
        raise refuse(404, _("No such colleague"), _("They may have left."))
    if staff_id != staff.id and not may(staff.role, Right.ADMIN):
        raise refuse(403, _("Not allowed"), _("Only an administrator says what others can."))
    skills = Skills(
        languages=frozenset(Language(value) for value in form.getall("languages", []) if value in set(Language)),
        intents=frozenset(Intent(value) for value in form.getall("intents", []) if value in set(Intent)),
    )
    await desk.handing.set_skills(staff_id, skills, by=staff.name, at=desk.clock.now())
    back = local_path(str(form.get("back", ""))).partition("?")[0]
    return see("/for-you" if back == "/" else back, "skills-set")


_FAR = 96 * SOON
