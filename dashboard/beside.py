"""Notes, tags and promises of one conversation: the forms of the right pane.

Owns those. Refuses to know who is called, or when people are told: the stores do.
"""

from datetime import datetime, tzinfo

from aiohttp import web

from core.errors import BadValue, Conflict
from core.note import MOST_NOTE, tidy_tag
from dashboard.desk import desk_of, reader_of
from dashboard.forms import number, one_of, text_of
from dashboard.i18n import _
from dashboard.pages import Stop, refuse, see
from dashboard.told import tell
from dashboard.whens import PROMISES, instant_of

_MOST_PROMISE = 500


async def note(request: web.Request) -> web.Response:
    """POST /conversations/ID/notes: a word to colleagues; an @ calls one."""
    desk, back = desk_of(request), _back(request)
    text = text_of(await request.post(), "text")
    if not text or len(text) > MOST_NOTE:
        said = _("A note needs a text of at most {n} characters.", n=MOST_NOTE)
        raise refuse(400, _("No such note"), said, back=back, yours=text)
    await desk.notes.write(_id(request), text, by=reader_of(request), at=desk.clock.now())
    await desk.bell.announce()
    return see(back, "noted", at="notes")


async def tag(request: web.Request) -> web.Response:
    """POST /conversations/ID/tags: put a tag on, or (`off`) take one off."""
    desk, form, back = desk_of(request), await request.post(), _back(request)
    by, at = reader_of(request), desk.clock.now()
    try:
        if "off" in form:
            is_new, done = await desk.notes.untag(_id(request), text_of(form, "off"), by=by, at=at), "untagged"
        else:
            is_new, done = await desk.notes.tag(_id(request), tidy_tag(text_of(form, "tag")), by=by, at=at), "tagged"
    except BadValue as err:
        raise _refused(err, back) from err
    await desk.bell.announce()
    return see(back, done if is_new else "unchanged", at="tags")


async def promise(request: web.Request) -> web.Response:
    """POST /conversations/ID/promises: say what is done by when."""
    desk, form, back = desk_of(request), await request.post(), _back(request)
    what, now = text_of(form, "what"), desk.clock.now()
    try:
        due = _due(what, one_of(form, "due", ["", *PROMISES]), str(form.get("at", "")), desk.config.hours.zone, now)
        await desk.promises.make(_id(request), what, due, by=reader_of(request), at=now)
    except (BadValue, Conflict) as err:
        raise _refused(err, back, what) from err
    await desk.bell.announce()
    return see(back, "promised", at="promises")


async def end_promise(request: web.Request) -> web.Response:
    """POST /conversations/ID/promises/PROMISE: it is kept, or called off."""
    desk, form = desk_of(request), await request.post()
    is_kept = one_of(form, "outcome", ("kept", "off")) == "kept"
    promise_id, by = number(request.match_info["promise"]), reader_of(request)
    is_new = await desk.promises.end(promise_id, of=_id(request), is_kept=is_kept, by=by, at=desk.clock.now())
    await desk.bell.announce()
    done = "promise-kept" if is_kept else "promise-off"
    return see(_back(request), done if is_new else "unchanged", at="promises")


def _due(what: str, key: str, written: str, zone: tzinfo, now: datetime) -> datetime:
    if not what or len(what) > _MOST_PROMISE:
        raise BadValue(_("say what is promised, in {n} characters at most", n=_MOST_PROMISE))
    due = instant_of(key, written, zone=zone, now=now)
    if due is None:
        raise BadValue(_("say when: choose a time, or write one"))
    return due


def _id(request: web.Request) -> int:
    return number(request.match_info["id"])


def _back(request: web.Request) -> str:
    return f"/conversations/{_id(request)}"


def _refused(err: Exception, back: str, text: str = "") -> Stop:
    return refuse(400, _("That cannot be"), _("Nothing was changed: {why}.", why=tell(str(err))), back=back, yours=text)
