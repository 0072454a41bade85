"""GET /rules and /watches, and the forms that try a text, put it live, and take an earlier version up again.

Owns those. Refuses to read TOML and to try anything itself: the port `dashboard.books` does. What goes live is what was
tried, and follows what its editor saw.
"""

import asyncio
import hashlib
import hmac
from typing import Any

from aiohttp import web

from core.errors import ConfigError, Conflict
from core.rulebook import FILE, Kind, Rulebook, changed_lines, print_of
from dashboard.books import Books
from dashboard.cookies import as_bytes
from dashboard.desk import desk_of, reader_of, session_of
from dashboard.forms import SMALL, line_of, number, one_of
from dashboard.i18n import _
from dashboard.pages import Stop, refuse, render, see
from dashboard.present_rulebooks import MOST_VERSIONS, Editing, book_view
from dashboard.present_trials import rules_trial_view, watches_trial_view
from dashboard.told import tell
from store.rows import storable

# More than a rulebook may hold, so that a text that is a little too long is told so on its page.
MOST_TEXT, MOST_NOTE = 100_000, 200
DAYS = ("1", "7", "30")


async def show(request: web.Request) -> web.Response:
    """GET /rules or /watches: what is in force, as a text to edit, and every version there was."""
    kind = _kind(request)
    history = await desk_of(request).rulebooks.history(kind, limit=MOST_VERSIONS + 1)
    text = _text_in_force(history, _books(request).file_text(kind))
    return await _page(request, kind, history, Editing(text=text, days="7"))


async def try_out(request: web.Request) -> web.Response:
    """POST /rules/try or /watches/try: every problem at once, or what the text would have done. Changes nothing."""
    kind, form = _kind(request), await request.post()
    history = await desk_of(request).rulebooks.history(kind, limit=MOST_VERSIONS + 1)
    editing = Editing(
        text=_text(form.get("text")),
        days=one_of(form, "days", DAYS),
        note=_note(form.get("note")),
        problems=await _books(request).problems(kind, _text(form.get("text"))),
    )
    if editing.problems:
        return await _page(request, kind, history, editing, status=400)
    try:
        trial = await _try(request, kind, editing, shown=str(form.get("show", "")))
    except ConfigError as err:
        raise _unreadable(kind, editing.text) from err
    except Conflict as err:
        message = _("Nothing was tried: {why}.", why=tell(str(err)))
        more = {"yours": editing.text, "back": f"/{kind}", "back_words": _("Back to the page")}
        raise refuse(409, _("Too many at once"), message, **more) from err
    tried = _seal(request, kind, editing.text, history[0].id if history else FILE)
    return await _page(request, kind, history, editing, trial=trial, tried=tried)


async def to_page(request: web.Request) -> web.Response:
    """GET of a form's address, where a changed language or a sign-in leads back: the page itself."""
    return web.Response(status=303, headers={"Location": f"/{_kind(request)}"})


async def put_live(request: web.Request) -> web.Response:
    """POST /rules/live or /watches/live: what was tried is in force from now on."""
    kind, form = _kind(request), await request.post()
    desk, books = desk_of(request), _books(request)
    text, follows = _text(form.get("text")), number(form.get("follows"))
    if not hmac.compare_digest(as_bytes(_seal(request, kind, text, follows)), as_bytes(str(form.get("tried", "")))):
        title = _("This text was not tried")
        message = _("Nothing was changed. What goes live is exactly what was tried: go back, try it, then put it live.")
        raise refuse(409, title, message, yours=text, back=f"/{kind}", back_words=_("Back to the page"))
    if await books.problems(kind, text):
        raise _unreadable(kind, text)
    history = await desk.rulebooks.history(kind, limit=MOST_VERSIONS + 1)
    before = _text_in_force(history, books.file_text(kind))
    await _make(request, kind, text, follows=follows, before=before, note=_note(form.get("note")), yours=text)
    return see(f"/{kind}", f"{kind}-live", at="versions")


async def take_up(request: web.Request) -> web.Response:
    """POST /rules/return or /watches/return: an earlier version, or the file (0), is in force again."""
    kind, form = _kind(request), await request.post()
    desk, books = desk_of(request), _books(request)
    to, follows = (number(form.get(name), most_digits=SMALL) for name in ("to", "follows"))
    history = await desk.rulebooks.history(kind, limit=MOST_VERSIONS + 1)
    book = await desk.rulebooks.get(to) if to != FILE else None
    if to != FILE and (book is None or book.kind is not kind):
        raise refuse(
            404, _("Nothing here"), _("There is no such version."), back=f"/{kind}", back_words=_("Back to the page")
        )
    text = book.text if book is not None else None
    if text is not None and await books.problems(kind, text):
        raise _unreadable(kind, text)
    before = _text_in_force(history, books.file_text(kind))
    await _make(request, kind, text, follows=follows, before=before, note="", yours="", takes_up=to)
    return see(f"/{kind}", f"{kind}-returned", at="versions")


async def _make(
    request: web.Request,
    kind: Kind,
    text: str | None,
    *,
    follows: int,
    before: str,
    note: str,
    yours: str,
    takes_up: int | None = None,
) -> None:
    desk = desk_of(request)
    file_text = _books(request).file_text(kind)
    changed = await asyncio.to_thread(changed_lines, before, file_text if text is None else text)
    try:
        await desk.rulebooks.put_live(
            kind,
            text,
            follows=follows,
            file_print=print_of(file_text),
            note=note,
            changed=changed,
            by=reader_of(request),
            at=desk.clock.now(),
            takes_up=takes_up,
        )
    except Conflict as err:
        message = _(
            "Nothing was changed: {who}. Look at what is in force now, then try yours again.", who=tell(str(err))
        )
        raise refuse(
            409, _("Somebody was first"), message, yours=yours, back=f"/{kind}", back_words=_("Back to the page")
        ) from err
    await desk.bell.announce()


async def _try(request: web.Request, kind: Kind, editing: Editing, *, shown: str) -> object:
    days = int(editing.days)
    if kind is Kind.RULES:
        tried = await _books(request).try_rules(editing.text, days=days)
        return rules_trial_view(tried, days=days, shown=shown)
    heard = await _books(request).try_watches(editing.text, days=days)
    return watches_trial_view(heard, days=days)


async def _page(
    request: web.Request,
    kind: Kind,
    history: list[Rulebook],
    editing: Editing,
    *,
    trial: object = None,
    tried: str = "",
    status: int = 200,
) -> web.Response:
    file_text, now = _books(request).file_text(kind), desk_of(request).clock.now()
    # Each version is compared with the one before: in a thread, so that nobody waits for long texts but who asked.
    view = await asyncio.to_thread(book_view, kind, history, file_text, editing, now)
    context: dict[str, Any] = {"book": view, "trial": trial, "tried": tried}
    return await render(request, "rulebook.html", context, status=status)


def _kind(request: web.Request) -> Kind:
    return Kind(request.path.split("/")[1])


def _books(request: web.Request) -> Books:
    books = desk_of(request).books
    if books is None:
        title, message = _("Nothing here"), _("Rules and watches are edited in the configuration file of this house.")
        raise refuse(404, title, message)
    return books


def _text_in_force(history: list[Rulebook], file_text: str) -> str:
    text = history[0].text if history else None
    return file_text if text is None else text


def _text(value: object) -> str:
    """The text as it was typed but for its line ends: nothing is stripped, so that lines keep their numbers."""
    if not isinstance(value, str):
        raise refuse(400, _("We could not read that"), _("The text was missing from the form."))
    text = storable(value.replace("\r\n", "\n").replace("\x00", ""))
    if len(text) > MOST_TEXT:
        raise refuse(413, _("Too much text"), _("Shorten it and try again."), yours=text)
    return text


def _note(value: object) -> str:
    return line_of(value)[:MOST_NOTE]


def _seal(request: web.Request, kind: Kind, text: str, follows: int) -> str:
    """What proves to us, in this session alone, that this text was tried over that version."""
    said = f"{kind} {follows} {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return hmac.new(session_of(request).csrf.encode(), said.encode(), hashlib.sha256).hexdigest()


def _unreadable(kind: Kind, text: str) -> Stop:
    title = _("This cannot be read any more")
    message = _("Nothing was changed. An account or a word that it names is not there now: mend it, and try again.")
    return refuse(409, title, message, yours=text, back=f"/{kind}", back_words=_("Back to the page"))
