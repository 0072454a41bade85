"""GET /conversations/ID, and the moves and answers of a person there.

Owns the forms of one conversation. Refuses to check state machines: core and store do, and say so.
"""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from core.conversation import Move
from core.errors import BadValue, Conflict, IllegalMove
from core.reply import ReplyKind
from core.rights import Right, may
from dashboard import i18n, words
from dashboard.desk import desk_of, reader_of, session_of
from dashboard.forms import MOST_TEXT, number, one_of, text_of
from dashboard.i18n import _
from dashboard.inbox import filters_here, just_done, queue_context
from dashboard.pages import Stop, refuse, render, see
from dashboard.present_person import Beside
from dashboard.present_thread import Seen, edit_mark, taken_by_other, thread_view, why_no_answer
from dashboard.swaps import is_for, said_at
from dashboard.told import tell
from dashboard.whens import SNOOZES, instant_of
from platforms.policy import MAX_LENGTH, length_of
from store.bulk import new_token
from store.conversations import Entry, Thread
from store.people import Scope

_BECAUSE = {
    Scope.AUTOMATIC: "a member of staff stopped automatic replies",
    Scope.LISTENING: "a member of staff stopped listening to this author",
}
_NOBODY = ""


async def conversation(request: web.Request) -> web.Response:
    """GET /conversations/ID."""
    filters, conversation_id = filters_here(request), number(request.match_info["id"])
    context = {**await context_of(request, conversation_id), "query": filters.link}
    if is_for(request, "reading"):
        response = await render(request, "_reading.html", {**context, "toast": await just_done(request)})
        return said_at(response, f"/conversations/{conversation_id}{filters.link}", request)
    return await render(request, "conversation.html", {**await queue_context(request, filters), **context})


async def context_of(request: web.Request, conversation_id: int) -> dict[str, object]:
    """Return what the templates of a conversation need; ends the request with a 404 page where there is none."""
    desk = desk_of(request)
    # Before the rows are read: what changes in between is announced, not missed.
    since = str(desk.hub.latest)
    thread = await load_thread(request, conversation_id)
    scopes = await desk.people.opted_out(thread.author_id)
    standing = await desk.corrections.standing(conversation_id)
    zone = str(desk.config.hours.zone)
    view = thread_view(
        thread,
        scopes,
        standing,
        await _beside(request, thread),
        reader=reader_of(request),
        steers=may(session_of(request).staff.role, Right.STEER),
        zone=zone,
        now=desk.clock.now(),
    )
    return {"thread": view, "since": since, "may_send": may(session_of(request).staff.role, Right.SEND)}


async def move(request: web.Request) -> web.Response:
    """POST /conversations/ID/move: take over, hand back, resolve, reopen."""
    desk, form = desk_of(request), await request.post()
    conversation_id = number(request.match_info["id"])
    chosen = Move(one_of(form, "move", Move))
    back = f"/conversations/{conversation_id}"
    batch = new_token()
    try:
        await desk.conversations.move(
            conversation_id,
            chosen,
            by=reader_of(request),
            version=number(form.get("version")),
            at=desk.clock.now(),
            batch=batch,
            steers=may(session_of(request).staff.role, Right.STEER),
        )
    except (Conflict, IllegalMove) as err:
        raise _moved_meanwhile(err, back) from err
    await desk.bell.announce()
    return see(back, chosen.value.replace(" ", "-"), batch=batch)


async def assign(request: web.Request) -> web.Response:
    """POST /conversations/ID/assign: make it a colleague's work, or nobody's."""
    desk, form = desk_of(request), await request.post()
    conversation_id = number(request.match_info["id"])
    names = [one.name for one in await desk.handing.colleagues()]
    to = one_of(form, "to", [_NOBODY, *names]) or None
    back = f"/conversations/{conversation_id}"
    try:
        await desk.conversations.assign(
            conversation_id, to, by=reader_of(request), version=number(form.get("version")), at=desk.clock.now()
        )
    except (Conflict, IllegalMove) as err:
        raise _moved_meanwhile(err, back) from err
    await desk.bell.announce()
    return see(back, "assigned" if to else "unassigned")


async def snooze(request: web.Request) -> web.Response:
    """POST /conversations/ID/snooze: put it off until a time, or until its author writes."""
    desk, form = desk_of(request), await request.post()
    conversation_id, now = number(request.match_info["id"]), desk.clock.now()
    back, batch = f"/conversations/{conversation_id}", new_token()
    try:
        until = instant_of(
            one_of(form, "until", ["", *SNOOZES]), str(form.get("at", "")), zone=desk.config.hours.zone, now=now
        )
        version = number(form.get("version"))
        await desk.conversations.snooze(
            conversation_id, until, by=reader_of(request), version=version, at=now, batch=batch
        )
    except BadValue as err:
        raise refuse(400, _("That time cannot be used"), _("Nothing was changed: {why}.", why=err), back=back) from err
    except (Conflict, IllegalMove) as err:
        raise _moved_meanwhile(err, back) from err
    await desk.bell.announce()
    return see(back, "snoozed", batch=batch)


async def answer(request: web.Request) -> web.Response:
    """POST /conversations/ID/answer: a person's own words under a post, sent once they were held."""
    desk, reader = desk_of(request), reader_of(request)
    thread, entry, text = await _read_answer(request)
    await check_alone(request, thread, text)
    try:
        reply_id = await desk.replies.answer(entry.heard.id, text, by=reader, at=desk.clock.now(), hold=desk.hold)
    except Conflict as err:
        raise await already_answered(request, thread, entry, text) from err
    await desk.send(reply_id)
    return see(f"/conversations/{thread.conversation.id}", desk.said_unless_held("answered"))


async def suggest(request: web.Request) -> web.Response:
    """POST /conversations/ID/suggest: a person's words that somebody who may send has to approve."""
    desk = desk_of(request)
    thread, entry, text = await _read_answer(request)
    try:
        await desk.replies.suggest(entry.heard.id, text, by=reader_of(request), at=desk.clock.now())
    except Conflict as err:
        raise await already_answered(request, thread, entry, text) from err
    await desk.bell.announce()
    return see(f"/conversations/{thread.conversation.id}", "asked")


async def opt_out(request: web.Request) -> web.Response:
    """POST /conversations/ID/opt-out: nothing automatic to this author, or nothing heard of them at all."""
    desk, form = desk_of(request), await request.post()
    thread = await load_thread(request, number(request.match_info["id"]))
    scope = Scope(one_of(form, "scope", Scope))
    await desk.people.opt_out(
        thread.author_id, scope, because=_BECAUSE[scope], by=reader_of(request), at=desk.clock.now()
    )
    return see(f"/conversations/{thread.conversation.id}", scope.value)


async def load_thread(request: web.Request, conversation_id: int) -> Thread:
    """Return a conversation, or end the request with a 404 page."""
    thread = await desk_of(request).conversations.thread(conversation_id)
    if thread is None or not thread.entries:
        message = _("It may have been erased. The inbox shows what there is.")
        raise refuse(404, _("No such conversation"), message)
    return thread


def entry_of(thread: Thread, post_id: int) -> Entry:
    """Return a post of a conversation, or end the request with a 404 page."""
    for entry in thread.entries:
        if entry.heard.id == post_id:
            return entry
    raise refuse(404, _("No such post"), _("It is not part of this conversation any more."))


def check_nothing_new(thread: Thread, seen: Seen, text: str, *, reader: str) -> None:
    """An answer to what one has not read is void: the author wrote again or edited, or a colleague took over."""
    back = f"/conversations/{thread.conversation.id}"
    other = taken_by_other(thread.conversation, reader)
    if other:
        message = _("{name} took this conversation over while you wrote. Nothing was sent.", name=other)
        raise refuse(409, _("{name} has this conversation", name=other), message, back=back, yours=text)
    newer = [entry for entry in thread.entries if entry.heard.id > seen.last_post_id]
    if newer:
        message = _("A new post came while you wrote. Nothing was sent: read it first.")
        raise _unread(newer[-1], _("The author wrote again"), message, back, text)
    edited = [entry for entry in thread.entries if edit_mark(entry.heard) > seen.last_edit]
    if edited:
        message = _("Its words changed while you wrote. Nothing was sent: read them first.")
        raise _unread(edited[-1], _("The author edited a post"), message, back, text)


def _unread(entry: Entry, title: str, message: str, back: str, text: str) -> Stop:
    post = entry.heard.mention.post
    said = words.ago(post.posted_at, entry.heard.heard_at)
    return refuse(409, title, message, back=back, theirs=post.text, theirs_by=said, yours=text)


def seen_in(form: Mapping[str, object]) -> Seen:
    """Return what a form says that its writer had read, or end the request."""
    post, _dot, edit = str(form.get("seen", "")).partition(".")
    return Seen(last_post_id=number(post), last_edit=number(edit) if edit else 0)


def check_may_write(thread: Thread, entry: Entry, text: str, *, reader: str) -> None:
    """End the request where the platform, or its length, forbids these words."""
    back = f"/conversations/{thread.conversation.id}"
    platform = entry.heard.mention.post.platform
    why = why_no_answer(entry, taken_by_other(thread.conversation, reader))
    has_answer = any(reply.kind is ReplyKind.ANSWER for reply in entry.replies)
    # An answer that is there already is told of as a conflict, with its text.
    if why and not has_answer:
        raise refuse(409, _("No reply can be sent here"), why, back=back, yours=text)
    if not text:
        raise refuse(409, _("Nothing to send"), _("There is no text to send."), back=back, yours=text)
    length, limit = length_of(platform, text), MAX_LENGTH[platform]
    if length > limit or len(text) > MOST_TEXT:
        said = _(
            "The text is {length} characters long as {platform} counts them; the limit is {limit}.",
            length=i18n.number(length),
            platform=words.PLATFORMS[platform].word,
            limit=i18n.number(limit),
        )
        raise refuse(409, _("Too long"), said, back=back, yours=text)


async def check_alone(request: web.Request, thread: Thread, text: str) -> None:
    """While somebody else types here, ask first: their words would be lost, or ours."""
    form, desk = await request.post(), desk_of(request)
    if form.get("anyway") == "yes":
        return
    here = await desk.lookers.at(thread.conversation.id, at=desk.clock.now())
    names = [one.name for one in here if one.is_typing and one.name != reader_of(request)]
    if names:
        raise refuse(
            409,
            _("{names} is typing here", names=", ".join(names)),
            _("Nothing was sent yet. A post gets one answer: whoever sends first has given it."),
            back=f"/conversations/{thread.conversation.id}",
            again=request.path,
            fields=_fields(form),
            yours=text,
        )


def _fields(form: Mapping[str, object]) -> dict[str, str]:
    """What a form carried, to be sent once more. The token and the words are the page's own."""
    kept = {name: value for name, value in form.items() if isinstance(value, str)}
    return {**{name: kept[name] for name in kept if name not in ("csrf", "text")}, "anyway": "yes"}


async def _read_answer(request: web.Request) -> tuple[Thread, Entry, str]:
    form = await request.post()
    thread = await load_thread(request, number(request.match_info["id"]))
    entry = entry_of(thread, number(form.get("post")))
    text = text_of(form, "text")
    check_nothing_new(thread, seen_in(form), text, reader=reader_of(request))
    check_may_write(thread, entry, text, reader=reader_of(request))
    return thread, entry, text


async def _beside(request: web.Request, thread: Thread) -> Beside:
    desk, one, now = desk_of(request), thread.conversation.id, desk_of(request).clock.now()
    beside = Beside(
        notes=await desk.notes.of(one),
        tags=await desk.notes.tags(one),
        usual_tags=await desk.notes.usual_tags(limit=30),
        promises=(await desk.promises.of([one])).get(one, ()),
        colleagues=await desk.handing.colleagues(),
        lookers=await desk.lookers.at(one, at=now),
    )
    return replace(beside, earlier=await desk.conversations.earlier(thread.author_id, but_not=one))


def _moved_meanwhile(err: Exception, back: str) -> Stop:
    why = _("Nothing was changed: {why}.", why=tell(str(err)))
    return refuse(409, _("Something moved meanwhile"), why, back=back)


async def already_answered(request: web.Request, thread: Thread, entry: Entry, text: str) -> Stop:
    """Say who answered a post, and in which words."""
    again = await load_thread(request, thread.conversation.id)
    replies = entry_of(again, entry.heard.id).replies
    first = next((reply for reply in replies if reply.kind is ReplyKind.ANSWER), None)
    by = (first and (first.approved_by or first.drafted_by)) or _("Somebody")
    return refuse(
        409,
        _("{name} has already answered", name=by),
        _("Each post gets one answer, so yours was not sent."),
        back=f"/conversations/{thread.conversation.id}",
        theirs=first.text if first else "",
        theirs_by=by,
        yours=text,
    )
