"""POST /replies/ID/...: a person approves, rejects, takes back or settles one reply.

Owns those forms, and telling whoever came second what the first one did. Refuses to send: it rings.
"""

from aiohttp import web

from core.assessment import Assessment, Intent, Language, Sentiment
from core.correction import Change, Field
from core.errors import BadValue, Conflict
from core.reply import RejectReason, Reply, ReplyKind, ReplyState
from dashboard import words
from dashboard.conversation import (
    already_answered,
    check_alone,
    check_may_write,
    check_nothing_new,
    entry_of,
    load_thread,
    seen_in,
)
from dashboard.desk import desk_of, reader_of
from dashboard.forms import number, one_of, text_of
from dashboard.i18n import _
from dashboard.pages import Stop, refuse, see
from dashboard.present_thread import taken_by_other
from dashboard.told import tell
from store.conversations import Entry, Thread


async def approve(request: web.Request) -> web.Response:
    """POST /replies/ID/approve: these words, edited or not, go out once they were held."""
    desk, reply, text = desk_of(request), *await _read(request)
    await check_alone(request, await load_thread(request, reply.conversation_id), text)
    try:
        approved = await desk.replies.approve(
            reply.id, text, by=reader_of(request), version=await _version(request), at=desk.clock.now(), hold=desk.hold
        )
    except Conflict as err:
        raise await _first(request, text) from err
    await desk.send(approved)
    return _back(approved, desk.said_unless_held("approved"))


async def revise(request: web.Request) -> web.Response:
    """POST /replies/ID/revise: these words wait for somebody who may send them."""
    desk, reply, text = desk_of(request), *await _read(request)
    try:
        revised = await desk.replies.revise(
            reply.id, text, by=reader_of(request), version=await _version(request), at=desk.clock.now()
        )
    except Conflict as err:
        raise _second(await _load(request), text) from err
    await desk.bell.announce()
    return _back(revised, "asked")


async def reject(request: web.Request) -> web.Response:
    """POST /replies/ID/reject: it is not to be sent, and why; what was read wrong is set right at once."""
    desk, form = desk_of(request), await request.post()
    reply = await _load(request)
    thread = await load_thread(request, reply.conversation_id)
    _check_whose(thread, reply, reader=reader_of(request))
    entry = entry_of(thread, reply.post_id)
    because, change = _wrong(form.get("because"), entry)
    by, at = reader_of(request), desk.clock.now()
    try:
        after = await desk.replies.drop(reply.id, by=by, version=await _version(request), at=at, because=because)
    except Conflict as err:
        raise _second(await _load(request), "") from err
    await desk.bell.announce()
    if change is None:
        return _back(after, "rejected")
    try:
        await desk.corrections.make(reply.post_id, [change], by=by, spreads=False, at=at)
    except (BadValue, Conflict) as err:
        why = _("The draft is rejected. Nothing was set right: {why}.", why=tell(str(err)))
        raise refuse(409, _("Somebody was first"), why, back=f"/conversations/{reply.conversation_id}") from err
    return _back(after, "rejected-corrected")


async def drop(request: web.Request) -> web.Response:
    """POST /replies/ID/drop: it is not to be sent."""
    return await _act(request, "dropped")


async def redraft(request: web.Request) -> web.Response:
    """POST /replies/ID/redraft: take back what has not left, or write a failed one anew."""
    return await _act(request, "redrafted")


async def settle(request: web.Request) -> web.Response:
    """POST /replies/ID/settle: a person looked whether an unknown reply is there."""
    return await _act(request, one_of(await request.post(), "outcome", ("there", "again", "dropped")))


async def _act(request: web.Request, what: str) -> web.Response:
    desk, reply = desk_of(request), await _load(request)
    version = await _version(request)
    by, at, replies = reader_of(request), desk.clock.now(), desk.replies
    if what in ("dropped", "redrafted"):
        _check_whose(await load_thread(request, reply.conversation_id), reply, reader=by)
    try:
        match what:
            case "dropped":
                after = await replies.drop(reply.id, by=by, version=version, at=at)
            case "redrafted":
                looked = (await request.post()).get("looked") == "yes"
                after = await replies.redraft(reply.id, by=by, version=version, at=at, has_looked=looked)
            case _:
                after = await replies.settle_by_person(
                    reply.id, is_there=what == "there", by=by, version=version, at=at
                )
    except Conflict as err:
        raise _second(await _load(request), "") from err
    if after.state is ReplyState.APPROVED:
        await desk.send(after)
    else:
        await desk.bell.announce()
    return _back(after, what)


def _check_whose(thread: Thread, reply: Reply, *, reader: str) -> None:
    """What a colleague has taken over is theirs; but anybody takes back what they approved themselves."""
    other = taken_by_other(thread.conversation, reader)
    if other and reply.approved_by != reader:
        why = _("{name} has this conversation: it is handed back first", name=other)
        title, back = _("{name} has this conversation", name=other), f"/conversations/{thread.conversation.id}"
        raise refuse(409, title, why, back=back)


async def _read(request: web.Request) -> tuple[Reply, str]:
    """Return a draft and the words for it, or end the request where it, or the conversation, moved on."""
    form = await request.post()
    reply, text = await _load(request), text_of(form, "text")
    if reply.state is not ReplyState.DRAFT:
        raise _second(reply, text)
    thread = await load_thread(request, reply.conversation_id)
    check_nothing_new(thread, seen_in(form), text, reader=reader_of(request))
    check_may_write(thread, entry_of(thread, reply.post_id), text, reader=reader_of(request))
    return reply, text


async def _version(request: web.Request) -> int:
    return number((await request.post()).get("version"))


async def _load(request: web.Request) -> Reply:
    reply = await desk_of(request).replies.get(number(request.match_info["id"]))
    if reply is None:
        raise refuse(404, _("No such reply"), _("It may have been erased. The inbox shows what there is."))
    return reply


def _wrong(because: object, entry: Entry) -> tuple[RejectReason, Change | None]:
    """Return what was wrong, and what sets it right: "mood:neutral", "intent:-billing" (is none), or only "words"."""
    name, _colon, value = str(because or "").partition(":")
    try:
        reason = RejectReason(name)
        return reason, _change(reason, value, entry.assessment) if value else None
    except (ValueError, KeyError) as err:
        message = _("The form asked for something we do not know.")
        raise refuse(400, _("We could not read that"), message) from err


def _change(reason: RejectReason, value: str, read: Assessment | None) -> Change | None:
    if read is None:
        return None
    match reason:
        case RejectReason.MOOD:
            return Change(field=Field.SENTIMENT, was=read.sentiment, now=Sentiment(value))
        case RejectReason.URGENCY:
            return Change(field=Field.URGENCY, was=read.urgency, now=words.LEVEL_NUMBERS[value])
        case RejectReason.LANGUAGE:
            return Change(field=Field.LANGUAGE, was=read.language, now=Language(value))
        case RejectReason.INTENT:
            # The button said which: what a colleague set meanwhile must not turn it round.
            intent = Intent(value.removeprefix("-"))
            others = {*read.intents} - {intent}
            now = (*others,) if value.startswith("-") else (*others, intent)
            return Change(field=Field.INTENTS, was=read.intents, now=now)
        case _:
            return None


async def _first(request: web.Request, text: str) -> Stop:
    """Say who was first: with this reply, or with an answer that leaves nothing to acknowledge."""
    reply = await _load(request)
    thread = await load_thread(request, reply.conversation_id)
    entry = entry_of(thread, reply.post_id)
    has_answer = any(one.kind is ReplyKind.ANSWER and one.state is not ReplyState.DRAFT for one in entry.replies)
    if reply.state is ReplyState.DRAFT and reply.kind is ReplyKind.ACKNOWLEDGEMENT and has_answer:
        return await already_answered(request, thread, entry, text)
    return _second(reply, text)


def _second(reply: Reply, text: str) -> Stop:
    """Say what the first one did. Their words are shown, and so are the reader's, to be kept."""
    first = reply.approved_by or reply.drafted_by
    title = _("{name} was first", name=first) if first else _("This reply moved on")
    state = words.REPLY_STATES[reply.state].word
    return refuse(
        409,
        title,
        _("Nothing of yours was sent. The reply now stands at: {state}.", state=state),
        back=f"/conversations/{reply.conversation_id}",
        theirs=reply.text,
        theirs_by=first or _("Somebody"),
        yours=text,
    )


def _back(reply: Reply, done: str) -> web.Response:
    return see(f"/conversations/{reply.conversation_id}", done)
