"""The desk's languages: which one this request speaks, and words, numbers and times in it.

Owns the catalogs in `locale/` (read as they stand, no compiled files) and the language of the running task. Refuses to
know people or cookies: `dashboard.auth` tells it whom it speaks to. English is the language of the source.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal, format_percent

LOCALES = Path(__file__).parent / "locale"
# Their own names, as the chooser lists them.
LANGUAGES: Mapping[str, str] = {"da": "Dansk", "sv": "Svenska", "nb": "Norsk bokmål", "en": "English"}
SOURCE = "en"
# A page has hundreds of numbers, and Babel takes its time for each.
_REMEMBERED = 10_000
# Browsers of Norwegians ask for "no" or "nn" as often as for "nb".
_ALIASES = {"no": "nb", "nn": "nb"}

_language: ContextVar[str] = ContextVar("language", default=SOURCE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language within the block, in this task and those it starts."""
    token = _language.set(language if language in LANGUAGES else SOURCE)
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """Speak a language until the block of `speaking` around it ends."""
    _language.set(language if language in LANGUAGES else SOURCE)


def language() -> str:
    """Return the language of this request: "da", "sv", "nb" or "en"."""
    return _language.get()


def choose_language(accepted: str) -> str:
    """Return the best of ours for an Accept-Language header, English where none fits."""
    wanted = []
    for position, part in enumerate(accepted[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wanted.append((-weight, position, tag.strip().split("-")[0].casefold()))
    tags = [_ALIASES.get(tag, tag) for _weight, _position, tag in sorted(wanted)]
    return negotiate_locale(tags, list(LANGUAGES)) or SOURCE


def _(message: str, /, **values: object) -> str:
    """Return a message in the reader's language, its `{names}` filled."""
    said = _catalog(language()).gettext(message)
    return said.format(**values) if values else said


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the form of a message that fits a number; `{n}` is the number, written as the language writes it."""
    return _catalog(language()).ngettext(one, many, n).format(n=number(n), **values)


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Return a message whose English means more than one thing; `context` says which: "button", "heading"."""
    said = _catalog(language()).pgettext(context, message)
    return said.format(**values) if values else said


def N_(message: str, /) -> str:  # noqa: N802  (gettext's own name for it)
    """Mark a message to be translated later, where it is shown. Returns it as it is."""
    return message


def number(value: float | Decimal, *, digits: int = 0) -> str:
    """Return a number: 12.345 in Danish, 12 345 in Swedish."""
    return _number(f"{value:.{digits}f}", digits, language())


def percent(share: float, *, digits: int = 0) -> str:
    """Return a share of one as per cent."""
    return _percent(round(share, digits + 2), language())


@lru_cache(maxsize=_REMEMBERED)
def _percent(share: float, spoken: str) -> str:
    return format_percent(share, locale=_locale_of(spoken), decimal_quantization=False)


def signed(value: int) -> str:
    """Return a whole number with its sign: +30, −5."""
    return f"{'−' if value < 0 else '+'}{number(abs(value))}"


def dollars(amount: float | Decimal, *, digits: int = 2) -> str:
    """Return American dollars, as the language writes a sum."""
    return _("${amount}", amount=number(amount, digits=digits))


def short_number(value: int) -> str:
    """Return a large number in three figures at most: 12.4k as the language says it."""
    return _short_number(value, language())


@lru_cache(maxsize=_REMEMBERED)
def _number(figures: str, digits: int, spoken: str) -> str:
    places = f".{'0' * digits}" if digits else ""
    return format_decimal(figures, format=f"#,##0{places}", locale=_locale_of(spoken))


@lru_cache(maxsize=_REMEMBERED)
def _short_number(value: int, spoken: str) -> str:
    size = next((size for size in (1_000_000, 1_000) if round(value / size * 1_000) >= 1_000), 1)
    figures = round(value / size, 1 if value < 100 * size else 0)
    is_whole = figures == int(figures)
    return format_compact_decimal(
        round(figures * size), locale=_locale_of(spoken), fraction_digits=0 if is_whole else 1
    )


def clock(at: datetime) -> str:
    """Return the time of day of an instant that is already in the zone it is to be read in."""
    return format_datetime(at, "HH:mm", locale=_locale())


def day(at: date) -> str:
    """Return a day without its year: "5. nov."."""
    return _day(date(at.year, at.month, at.day), language())


def full_day(at: date) -> str:
    """Return a day with its year."""
    return _full_day(date(at.year, at.month, at.day), language())


@lru_cache(maxsize=_REMEMBERED)
def _day(at: date, spoken: str) -> str:
    return format_skeleton("MMMd", at, locale=_locale_of(spoken))


@lru_cache(maxsize=_REMEMBERED)
def _full_day(at: date, spoken: str) -> str:
    return format_date(at, format="medium", locale=_locale_of(spoken))


@cache
def _catalog(language: str) -> NullTranslations:
    """A catalog, compiled in memory: what is edited is what is read, and no binary stands in the repository."""
    path = LOCALES / language / "messages.po"
    if language == SOURCE or not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _locale() -> Locale:
    return _locale_of(language())


@cache
def _locale_of(spoken: str) -> Locale:
    return Locale.parse({"en": "en_GB", "da": "da_DK", "sv": "sv_SE", "nb": "nb_NO"}[spoken])
