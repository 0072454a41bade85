"""What people set right, in words: the form under a post, what holds there, and the list of all.

Owns those views and how a field reads to a person. Pure: refuses to ask anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.assessment import Assessment, Intent, Language, Sentiment
from core.correction import Correction, Value
from dashboard import words
from dashboard.i18n import _, ngettext, signed
from dashboard.words import Moment
from store.corrections import Listed, Standing
from store.taught import Taught

# A list shows where a post begins; its page shows all of it.
_SNIPPET = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    """One thing to choose."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectView:
    """The form "Not right?". What the reader saw travels with it, so that nobody undoes a colleague unseen."""

    moods: tuple[OptionView, ...]
    levels: tuple[OptionView, ...]
    languages: tuple[OptionView, ...]
    intents: tuple[OptionView, ...]
    saw_urgency: str
    saw_intents: str
    saw_mood: str
    saw_language: str
    can_spread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """A correction that holds on a post. `source` is the page of the post it was made on, where that is another."""

    id: int
    field: str
    now: str
    was: str
    by: str
    at: Moment
    ago: str
    reach: str
    source: str
    undo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A post to go and read."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedView:
    """A correction in the list of all. `covers` is `posts`, and whether new ones follow."""

    id: int
    field: str
    was: str
    now: str
    text: str
    url: str
    by: str
    at: Moment
    ago: str
    posts: str
    covers: str
    links: tuple[LinkView, ...]
    more: str
    undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtView:
    """A taught word."""

    id: int
    phrase: str
    points: str
    by: str
    at: Moment
    ago: str
    undone: str


def correct_view(assessment: Assessment | None) -> CorrectView | None:
    """Return the form for a post, None while it is being read."""
    if assessment is None:
        return None
    mood, level = assessment.sentiment, words.level_of(assessment.urgency)
    # "Unsure" is the model's to say; it is shown only where the model said it.
    moods = [one for one in Sentiment if one is not Sentiment.UNSURE or mood is Sentiment.UNSURE]
    return CorrectView(
        moods=tuple(OptionView(value=one.value, label=words.MOODS[one].word, is_chosen=one is mood) for one in moods),
        levels=tuple(OptionView(value=one.key, label=_(one.word), is_chosen=one is level) for one in words.LEVELS),
        languages=tuple(
            OptionView(value=one.value, label=_language(one), is_chosen=one is assessment.language) for one in Language
        ),
        intents=tuple(
            OptionView(value=one.value, label=words.INTENTS[one].word, is_chosen=one in assessment.intents)
            for one in Intent
        ),
        saw_mood=mood.value,
        saw_urgency=str(assessment.urgency),
        saw_language=assessment.language.value,
        saw_intents=",".join(assessment.intents),
        can_spread=assessment.embedding is not None,
    )


def standing_views(standing: Iterable[Standing], post_id: int, now: datetime) -> tuple[StandingView, ...]:
    """Return what holds on a post."""
    return tuple(_standing_view(one, post_id, now) for one in standing)


def listed_view(listed: Listed, now: datetime) -> ListedView:
    """Return a correction of the list."""
    correction = listed.correction
    more = listed.posts - len(listed.named)
    return ListedView(
        id=correction.id,
        field=words.FIELDS[correction.field],
        was=value_words(correction.was),
        now=value_words(correction.now),
        text=words.snippet(listed.text, _SNIPPET),
        url=_page(listed.conversation_id, correction.post_id),
        by=correction.person,
        at=words.moment(correction.made_at, now),
        ago=words.ago(correction.made_at, now),
        posts=words.posts(listed.posts),
        covers=_covers(listed),
        links=tuple(
            LinkView(label=_("Post {id}", id=one.post_id), url=_page(one.conversation_id, one.post_id))
            for one in listed.named
        )
        if listed.posts > 1
        else (),
        more=ngettext("and {n} more", "and {n} more", more) if more > 0 else "",
        undone=_undone(correction.undone_by, correction.undone_at, now),
    )


def taught_view(taught: Taught, now: datetime) -> TaughtView:
    """Return a taught word."""
    return TaughtView(
        id=taught.id,
        phrase=taught.cue.phrase,
        points=signed(taught.cue.points),
        by=taught.person,
        at=words.moment(taught.made_at, now),
        ago=words.ago(taught.made_at, now),
        undone=_undone(taught.undone_by, taught.undone_at, now),
    )


def value_words(value: Value) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, Sentiment):
        return words.MOODS[value].word
    if isinstance(value, Language):
        return _language(value)
    if isinstance(value, tuple):
        return ", ".join(words.INTENTS[intent].word for intent in value) or _("none")
    return f"{_(words.level_of(value).word)} ({value})"


def _covers(listed: Listed) -> str:
    posts = words.posts(listed.posts)
    if not listed.correction.spreads or listed.correction.undone_at is not None:
        return posts
    return _("{posts}, and new ones that say nearly the same", posts=posts)


def _standing_view(standing: Standing, post_id: int, now: datetime) -> StandingView:
    correction = standing.correction
    is_own = correction.post_id == post_id
    others = standing.posts - 1
    return StandingView(
        id=correction.id,
        field=words.FIELDS[correction.field],
        now=value_words(correction.now),
        was=value_words(correction.was) if is_own else "",
        by=correction.person,
        at=words.moment(correction.made_at, now),
        ago=words.ago(correction.made_at, now),
        reach=_reach(correction, others) if is_own else "",
        source="" if is_own else _page(standing.conversation_id, correction.post_id),
        undo=ngettext("Undo on {n} post", "Undo on {n} posts", standing.posts) if others > 0 else _("Undo"),
    )


def _reach(correction: Correction, others: int) -> str:
    if others > 0:
        return ngettext(
            "Also on {n} post that says nearly the same.", "Also on {n} posts that say nearly the same.", others
        )
    return _("Also for posts that say nearly the same; none so far.") if correction.spreads else ""


def _undone(by: str | None, at: datetime | None, now: datetime) -> str:
    return "" if by is None or at is None else _("Undone by {name} {ago}", name=by, ago=words.ago(at, now))


def _language(language: Language) -> str:
    return _("Another language") if language is Language.UNSURE else words.LANGUAGES[language]


def _page(conversation_id: int, post_id: int) -> str:
    return f"/conversations/{conversation_id}#post-{post_id}"
