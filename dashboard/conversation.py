"""GET /conversations/ID, and the moves and answers of a person there.

Owns the forms of one conversation. Refuses to check state machines: core and store do, and say so.
"""

from aiohttp import web

from core.conversation import Move
from core.errors import Conflict, IllegalMove
from core.reply import ReplyKind
from dashboard import words
from dashboard.desk import desk_of, reader_of
from dashboard.forms import MOST_TEXT, number, one_of, text_of
from dashboard.inbox import filters_here, queue_context
from dashboard.pages import Stop, refuse, render, see
from dashboard.present_thread import taken_by_other, thread_view, why_no_answer
from dashboard.swaps import is_for, said_at
from platforms.policy import MAX_LENGTH, length_of
from store.conversations import Entry, Thread
from store.people import Scope

_BECAUSE = {
    Scope.AUTOMATIC: "a member of staff stopped automatic replies",
    Scope.LISTENING: "a member of staff stopped listening to this author",
}


async def conversation(request: web.Request) -> web.Response:
    """GET /conversations/ID."""
    desk = desk_of(request)
    since = str(desk.hub.latest)
    thread = await load_thread(request, number(request.match_info["id"]))
    scopes = await desk.people.opted_out(thread.author_id)
    standing = await desk.corrections.standing(thread.conversation.id)
    view = thread_view(thread, scopes, standing, reader=reader_of(request), now=desk.clock.now())
    filters = filters_here(request)
    context = {"thread": view, "since": since, "query": filters.link}
    if is_for(request, "reading"):
        response = await render(request, "_reading.html", context)
        return said_at(response, f"/conversations/{view.id}{filters.link}", request)
    return await render(request, "conversation.html", {**await queue_context(request, filters), **context})


async def move(request: web.Request) -> web.Response:
    """POST /conversations/ID/move: take over, hand back, resolve, reopen."""
    desk, form = desk_of(request), await request.post()
    conversation_id = number(request.match_info["id"])
    chosen = Move(one_of(form, "move", Move))
    back = f"/conversations/{conversation_id}"
    try:
        await desk.conversations.move(
            conversation_id, chosen, by=reader_of(request), version=number(form.get("version")), at=desk.clock.now()
        )
    except (Conflict, IllegalMove) as err:
        raise refuse(409, "Something moved meanwhile", f"Nothing was changed: {err}.", back=back) from err
    await desk.bell.announce()
    return see(back, chosen.value.replace(" ", "-"))


async def answer(request: web.Request) -> web.Response:
    """POST /conversations/ID/answer: a person's own words under a post, sent at once."""
    desk, form = desk_of(request), await request.post()
    thread = await load_thread(request, number(request.match_info["id"]))
    entry = entry_of(thread, number(form.get("post")))
    text = text_of(form, "text")
    check_nothing_new(thread, number(form.get("seen")), text, reader=reader_of(request))
    check_may_write(thread, entry, text, reader=reader_of(request))
    try:
        reply_id = await desk.replies.answer(entry.heard.id, text, by=reader_of(request), at=desk.clock.now())
    except Conflict as err:
        raise await _already_answered(request, thread, entry, text) from err
    await desk.send(reply_id)
    return see(f"/conversations/{thread.conversation.id}", "answered")


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
        raise refuse(404, "No such conversation", "It may have been erased. The inbox shows what there is.")
    return thread


def entry_of(thread: Thread, post_id: int) -> Entry:
    """Return a post of a conversation, or end the request with a 404 page."""
    for entry in thread.entries:
        if entry.heard.id == post_id:
            return entry
    raise refuse(404, "No such post", "It is not part of this conversation any more.")


def check_nothing_new(thread: Thread, seen: int, text: str, *, reader: str) -> None:
    """An answer to what one has not read is void: the author wrote again, or a colleague took over."""
    back = f"/conversations/{thread.conversation.id}"
    other = taken_by_other(thread.conversation, reader)
    if other:
        message = f"{other} took this conversation over while you wrote. Nothing was sent."
        raise refuse(409, f"{other} has this conversation", message, back=back, yours=text)
    newer = [entry for entry in thread.entries if entry.heard.id > seen]
    if newer:
        raise refuse(
            409,
            "The author wrote again",
            "A new post came while you wrote. Nothing was sent: read it first.",
            back=back,
            theirs=newer[-1].heard.mention.post.text,
            theirs_by=f"{words.ago(newer[-1].heard.mention.post.posted_at, newer[-1].heard.heard_at)}",
            yours=text,
        )


def check_may_write(thread: Thread, entry: Entry, text: str, *, reader: str) -> None:
    """End the request where the platform, or its length, forbids these words."""
    back = f"/conversations/{thread.conversation.id}"
    platform = entry.heard.mention.post.platform
    why = why_no_answer(entry, taken_by_other(thread.conversation, reader))
    has_answer = any(reply.kind is ReplyKind.ANSWER for reply in entry.replies)
    # An answer that is there already is told of as a conflict, with its text.
    if why and not has_answer:
        raise refuse(409, "No reply can be sent here", why, back=back, yours=text)
    length, limit = length_of(platform, text), MAX_LENGTH[platform]
    if not text or length > limit or len(text) > MOST_TEXT:
        said = (
            "There is no text to send."
            if not text
            else (f"The text is {length:,} long as {words.PLATFORMS[platform].word} counts; {limit:,} is the most.")
        )
        raise refuse(409, "Too long" if text else "Nothing to send", said, back=back, yours=text)


async def _already_answered(request: web.Request, thread: Thread, entry: Entry, text: str) -> Stop:
    again = await load_thread(request, thread.conversation.id)
    replies = entry_of(again, entry.heard.id).replies
    first = next((reply for reply in replies if reply.kind is ReplyKind.ANSWER), None)
    by = (first.approved_by if first else None) or "Somebody"
    return refuse(
        409,
        f"{by} has already answered",
        "Each post gets one answer, so yours was not sent.",
        back=f"/conversations/{thread.conversation.id}",
        theirs=first.text if first else "",
        theirs_by=by,
        yours=text,
    )
