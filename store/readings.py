"""What was understood of a post as one whole number, kept with the post: the numbers open no assessment.

Owns `posts.reading` and what its bits mean. Whoever writes an assessment, changes one or lets it go writes this too, in
the same transaction. Refuses to count: `reports` does.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, and_, case, false, func

from core.assessment import Assessment, Intent, Language, Sentiment
from core.report import DELETED, NONE, UNREAD, Facet
from store import tables as t
from store.places import INTENT_BITS, bits

# Stored: never give a number to another mood or language.
_MOODS = {Sentiment.NEGATIVE: 1, Sentiment.NEUTRAL: 2, Sentiment.POSITIVE: 3, Sentiment.UNSURE: 4}
_LANGUAGES = {
    Language.DA: 1, Language.SV: 2, Language.NB: 3, Language.NN: 4, Language.EN: 5, Language.UNSURE: 6,
}  # fmt: skip
# The lowest four bits are the mood, the next four the language, the rest the topics.
_MOOD, _LANGUAGE, _TOPIC = 1 << 0, 1 << 4, 1 << 8
_FOUR_BITS = 15
_GONE, _UNREAD = -1, -2
_NAMED = {_GONE: DELETED, _UNREAD: UNREAD}

_P = t.posts.c
# SQL: a post's reading; numbers below nought where there is none.
READ = case((_P.deleted_at.is_not(None), _GONE), else_=func.coalesce(_P.reading, _UNREAD))


def reading(*, sentiment: Sentiment, language: Language, intents: Sequence[str]) -> int:
    """Return what is stored in `posts.reading`."""
    return _MOODS[sentiment] * _MOOD + _LANGUAGES[language] * _LANGUAGE + bits(intents) * _TOPIC


def reading_of(read: Assessment) -> int:
    """Return the same of an assessment."""
    return reading(sentiment=read.sentiment, language=read.language, intents=read.intents)


@cache
def values_of(read: int, facet: Facet) -> tuple[str, ...]:
    """Return what READ says of a facet: one value; of topics there may be several."""
    if read in _NAMED:
        return (_NAMED[read],)
    if facet is Facet.MOOD:
        return tuple(mood for mood, number in _MOODS.items() if number == read // _MOOD & _FOUR_BITS)
    if facet is Facet.LANGUAGE:
        return tuple(language for language, number in _LANGUAGES.items() if number == read // _LANGUAGE & _FOUR_BITS)
    return tuple(intent for intent, bit in INTENT_BITS.items() if read // _TOPIC & bit) or (NONE,)


def says(facet: Facet, value: str) -> ColumnElement[bool]:
    """SQL: the same the other way round, whether READ has this value."""
    gone = _P.deleted_at.is_not(None)
    if value == DELETED:
        return gone
    if value == UNREAD:
        return and_(~gone, _P.reading.is_(None))
    return and_(~gone, _has(facet, value))


def _has(facet: Facet, value: str) -> ColumnElement[bool]:
    if facet is Facet.TOPIC and value == NONE:
        return _P.reading < _TOPIC
    if facet is Facet.TOPIC:
        return _P.reading.bitwise_and(INTENT_BITS[Intent(value)] * _TOPIC) != 0 if value in _TOPICS else false()
    if facet is Facet.MOOD:
        wanted, place = {str(mood): number for mood, number in _MOODS.items()}.get(value), _MOOD
    else:
        wanted, place = {str(language): number for language, number in _LANGUAGES.items()}.get(value), _LANGUAGE
    return false() if wanted is None else _P.reading.bitwise_and(_FOUR_BITS * place) == wanted * place


_TOPICS = frozenset(intent.value for intent in INTENT_BITS)
