"""GET /corrections, and the forms that set an assessment right or teach a word.

Owns those. Refuses to know which posts say nearly the same: the store does.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from core.assessment import Intent, Language, Sentiment
from core.correction import Change, Field, TaughtCue, Value, read_value, tidied
from core.errors import BadValue, Conflict
from dashboard import words
from dashboard.conversation import entry_of, load_thread
from dashboard.desk import desk_of, reader_of
from dashboard.forms import SMALL, number, number_if_any, one_of, text_of
from dashboard.i18n import _
from dashboard.marks import local_path
from dashboard.pages import refuse, render, see
from dashboard.present_corrections import listed_view, taught_view
from dashboard.told import tell, tell_sentence

PAGE = 25
_MOST_PAGES = 10_000


async def corrections(request: web.Request) -> web.Response:
    """GET /corrections: what people set right, and the words they taught."""
    return await _page(request, phrase="", points="", problem="")


async def correct(request: web.Request) -> web.Response:
    """POST /conversations/ID/correct: set fields of one post right, and of those that say nearly the same."""
    desk, form = desk_of(request), await request.post()
    thread = await load_thread(request, number(request.match_info["id"]))
    entry = entry_of(thread, number(form.get("post")))
    back = f"/conversations/{thread.conversation.id}"
    try:
        made = await desk.corrections.make(
            entry.heard.id,
            changes_in(form),
            by=reader_of(request),
            spreads=form.get("spreads") == "yes",
            at=desk.clock.now(),
        )
    except BadValue as err:
        raise refuse(400, _("That cannot be"), _unchanged(err), back=back) from err
    except Conflict as err:
        raise refuse(409, _("Somebody was first"), _unchanged(err), back=back) from err
    if not made.ids:
        return see(back, "nothing-picked", at=f"post-{entry.heard.id}")
    await desk.bell.announce()
    return see(back, "corrected", at=f"post-{entry.heard.id}")


async def undo(request: web.Request) -> web.Response:
    """POST /corrections/ID/undo: take a correction back wherever it holds."""
    desk, form = desk_of(request), await request.post()
    correction_id = number(request.match_info["id"], most_digits=SMALL)
    await desk.corrections.undo(correction_id, by=reader_of(request), at=desk.clock.now())
    await desk.bell.announce()
    return see(_back(form.get("back")), "correction-undone")


async def teach(request: web.Request) -> web.Response:
    """POST /taught: let a phrase count from the next post on."""
    desk, form = desk_of(request), await request.post()
    phrase, points = tidied(text_of(form, "phrase"))[:300], text_of(form, "points")[:20]
    try:
        cue = TaughtCue(phrase=phrase, points=_points(points))
        await desk.taught.teach(cue, by=reader_of(request), at=desk.clock.now())
    except (BadValue, Conflict) as err:
        problem = f"{tell_sentence(str(err))}."
        status = 400 if isinstance(err, BadValue) else 409
        return await _page(request, phrase=phrase, points=points, problem=problem, status=status)
    return see("/corrections", "taught", at="taught")


async def undo_taught(request: web.Request) -> web.Response:
    """POST /taught/ID/undo: let a taught word count no more."""
    desk = desk_of(request)
    taught_id = number(request.match_info["id"], most_digits=SMALL)
    await desk.taught.undo(taught_id, by=reader_of(request), at=desk.clock.now())
    return see("/corrections", "taught-undone", at="taught")


def changes_in(form: Any) -> list[Change]:
    """Return the fields that the form sets to something else than the person saw.

    Raises: BadValue. Ends the request where the form is none of ours.
    """
    sentiment = Sentiment(one_of(form, "saw-mood", Sentiment)), Sentiment(one_of(form, "mood", Sentiment))
    language = Language(one_of(form, "saw-language", Language)), Language(one_of(form, "language", Language))
    saw = number(form.get("saw-urgency"))
    level = one_of(form, "level", (one.key for one in words.LEVELS))
    # A level that holds already leaves the number as fine as it was.
    urgency = saw, saw if words.level_of(saw).key == level else words.LEVEL_NUMBERS[level]
    intents = _intents(str(form.get("saw-intents", "")).split(",")), _intents(form.getall("intents", []))
    pairs: dict[Field, tuple[Value, Value]] = {
        Field.SENTIMENT: sentiment,
        Field.URGENCY: urgency,
        Field.LANGUAGE: language,
        Field.INTENTS: intents,
    }
    return [Change(field=field, was=was, now=now) for field, (was, now) in pairs.items() if was != now]


def _unchanged(err: Exception) -> str:
    return _("Nothing was changed: {why}.", why=tell(str(err)))


def _intents(values: Sequence[object]) -> tuple[Intent, ...]:
    read = read_value(Field.INTENTS, [value for value in values if value])
    return read if isinstance(read, tuple) else ()


def _points(text: str) -> int:
    """Return the points, 0 (which is refused) for what is no number. Phones write a real minus."""
    plain = text.replace("−", "-").removeprefix("+")
    digits = plain.removeprefix("-")
    return int(plain) if digits.isascii() and digits.isdigit() and len(digits) <= 4 else 0


def _back(value: object) -> str:
    path = local_path(value if isinstance(value, str) else None).partition("?")[0].partition("#")[0]
    return path if path.startswith("/conversations/") else "/corrections"


async def _page(request: web.Request, *, phrase: str, points: str, problem: str, status: int = 200) -> web.Response:
    desk = desk_of(request)
    now = desk.clock.now()
    page = min(max(number_if_any(request.query.get("page"), most_digits=5) or 1, 1), _MOST_PAGES)
    found = await desk.corrections.all(limit=PAGE + 1, offset=(page - 1) * PAGE)
    taught = [taught_view(one, now) for one in await desk.taught.all()]
    context = {
        "listed": [listed_view(one, now) for one in found[:PAGE]],
        "page": page,
        "earlier": f"/corrections?page={page - 1}" if page > 1 else None,
        "later": f"/corrections?page={page + 1}" if len(found) > PAGE else None,
        "taught": [one for one in taught if not one.undone],
        "untaught": [one for one in taught if one.undone],
        "phrase": phrase,
        "points": points or "30",
        "problem": problem,
    }
    return await render(request, "corrections.html", context, status=status)
