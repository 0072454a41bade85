"""The inbox's filters as they stand in an address, and the choices a page offers.

Owns reading and writing that query, and the words of each filter. Pure. Refuses to ask the store: rows come in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from core.assessment import Intent, Language, Sentiment
from core.conversation import Status
from core.post import Platform
from dashboard import i18n, words
from dashboard.i18n import _
from dashboard.words import Chip
from store.accounts import AccountRow
from store.inbox import MOST_COUNTED, Card, InboxFilters
from store.saved_filters import SavedFilter

E = TypeVar("E", bound=StrEnum)
ALL = "all"
MINE, NOBODYS = "me", "nobody"
_MOST_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an address asks for. A field as it is by default asks nothing and stands in no address."""

    status: str = Status.OPEN.value
    q: str = ""
    account: str = ""
    platform: Platform | None = None
    language: Language | None = None
    mood: Sentiment | None = None
    intent: Intent | None = None
    whose: str = ""
    draft: bool = False
    after: str = ""
    before: str = ""

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses to show."""
        return tuple(Status) if self.status == ALL else (Status(self.status),)

    @property
    def is_narrow(self) -> bool:
        """Whether more than a status is asked for."""
        return replace(self, status=Status.OPEN.value, after="", before="") != Filters()

    @property
    def link(self) -> str:
        """These filters as the query of an address, "" for the usual ones."""
        usual = Filters()
        stated = {one.name: getattr(self, one.name) for one in fields(self)}
        query = {name: _text(value) for name, value in stated.items() if value != getattr(usual, name)}
        return f"?{urlencode(query)}" if query else ""

    def with_(self, **changes: object) -> str:
        """Return the query of these filters' first page with changes."""
        return replace(self, **{"after": "", "before": "", **changes}).link  # type: ignore[arg-type]

    def asked(self, reader: str) -> InboxFilters:
        """Return what to ask the store for, on behalf of `reader`."""
        return InboxFilters(
            statuses=self.statuses,
            account=self.account or None,
            platform=self.platform,
            language=self.language,
            sentiment=self.mood,
            intent=self.intent,
            has_draft=self.draft,
            of=reader if self.whose == MINE else None,
            is_nobodys=self.whose == NOBODYS,
            text=self.q,
        )

    def still_fits(self, card: Card, reader: str) -> bool:
        """Whether a card that was in the list of `reader` still belongs there, by its status and whose it is."""
        wanted = {MINE: reader, NOBODYS: None}
        is_theirs = self.whose not in wanted or card.conversation.assigned_to == wanted[self.whose]
        return card.conversation.status in self.statuses and is_theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A link to other filters: a status with its number, a saved filter, or one filter taken away."""

    chip: Chip
    link: str
    count: str = ""
    is_chosen: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of a filter."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A filter to choose from a list."""

    name: str
    label: str
    options: tuple[Option, ...]


def read_filters(query: Mapping[str, str]) -> Filters:
    """Return the filters of an address; nonsense in it is as if it were not there."""
    status, whose = query.get("status", ""), query.get("whose", "")
    return Filters(
        status=status if status in {*Status, ALL} else Status.OPEN.value,
        q=" ".join(query.get("q", "").replace("\x00", " ").split())[:_MOST_WORDS],
        account=query.get("account", "").replace("\x00", "")[:100],
        platform=_one(Platform, query.get("platform")),
        language=_one(Language, query.get("language")),
        mood=_one(Sentiment, query.get("mood")),
        intent=_one(Intent, query.get("intent")),
        whose=whose if whose in (MINE, NOBODYS) else "",
        draft=query.get("draft") == "1",
        after=query.get("after", "")[:40],
        before=query.get("before", "")[:40],
    )


def filters_of_link(link: str) -> Filters:
    """Return the filters that a query of ours states."""
    return read_filters(dict(parse_qsl(link.lstrip("?"))))


def status_choices(filters: Filters, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    """Return the statuses with how many stand at each."""
    made = [
        Choice(
            chip=chip,
            count=_tally(counts.get(status, 0)),
            link=filters.with_(status=status.value),
            is_chosen=filters.status == status,
        )
        for status, chip in words.STATUSES.items()
    ]
    several = MOST_COUNTED + 1 if max(counts.values(), default=0) > MOST_COUNTED else sum(counts.values())
    every = Choice(
        chip=Chip(icon="layers", word=_("All")),
        count=_tally(several),
        link=filters.with_(status=ALL),
        is_chosen=filters.status == ALL,
    )
    return (*made, every)


def fields_of(filters: Filters, accounts: Iterable[AccountRow]) -> tuple[Field, ...]:
    """Return the filters a person may choose from; one with a single value is not worth a place."""
    rows = tuple(accounts)
    names = {row.name: row.name for row in rows}
    platforms = {row.platform: words.PLATFORMS[Platform(row.platform)].word for row in rows}
    made = (
        _field("whose", _("Whose"), {MINE: _("Mine"), NOBODYS: _("Nobody's")}, filters.whose),
        _field("mood", _("Mood"), {one.value: chip.word for one, chip in words.MOODS.items()}, filters.mood),
        _field("intent", _("Intent"), {one.value: chip.word for one, chip in words.INTENTS.items()}, filters.intent),
        _field("language", _("Language"), {one.value: said for one, said in words.LANGUAGES.items()}, filters.language),
        _field("account", _("Account"), names, filters.account),
        _field("platform", _("Platform"), platforms, filters.platform),
    )
    return tuple(field for field in made if len(field.options) > 2 or any(one.is_chosen for one in field.options[1:]))


def applied(filters: Filters) -> tuple[Choice, ...]:
    """Return what narrows the list, each with the link that takes it away."""
    stated: list[tuple[str, str, str, object]] = [
        ("q", "search", f"“{filters.q}”", filters.q),
        ("whose", "person", _("Mine") if filters.whose == MINE else _("Nobody's"), filters.whose),
        ("draft", "pencil", _("Draft waiting"), filters.draft),
        ("account", "layers", filters.account, filters.account),
    ]
    if filters.mood:
        chip = words.MOODS[filters.mood]
        stated.append(("mood", chip.icon, chip.word, filters.mood))
    if filters.intent:
        stated.append(
            ("intent", words.INTENTS[filters.intent].icon, words.INTENTS[filters.intent].word, filters.intent)
        )
    if filters.language:
        stated.append(("language", "globe", words.LANGUAGES[filters.language], filters.language))
    if filters.platform:
        chip = words.PLATFORMS[filters.platform]
        stated.append(("platform", chip.icon, chip.word, filters.platform))
    usual = Filters()
    return tuple(
        Choice(chip=Chip(icon=icon, word=word), link=filters.with_(**{name: getattr(usual, name)}))
        for name, icon, word, value in stated
        if value
    )


def saved_choices(saved: Iterable[SavedFilter], filters: Filters) -> tuple[Choice, ...]:
    """Return a person's saved filters as links."""
    here = filters.with_()
    return tuple(
        Choice(chip=Chip(icon="star", word=one.name), link=one.query, is_chosen=one.query == here, id=one.id)
        for one in saved
    )


def nothing_here(filters: Filters, counts: Mapping[str, int]) -> tuple[str, str, str]:
    """Return what an empty list says: an icon, a title and a sentence. In a new house nothing is answered yet."""
    if filters.is_narrow:
        return (
            "search",
            _("Nothing fits"),
            _("No conversation fits this search and these filters. Take one away to see more."),
        )
    is_new = not any(counts.values())
    return {
        "open": ("check", _("All answered"), _("Nothing waits for a person. New posts appear here by themselves.")),
        "pending": ("check", _("Nothing pending"), _("Every post heard so far has been read and decided.")),
        "snoozed": ("clock", _("Nothing snoozed"), _("What you snooze waits here, and comes back by itself.")),
        "resolved": ("tray", _("Nothing resolved yet"), _("What you resolve is kept here.")),
        ALL: (
            "ear",
            _("Nothing heard yet"),
            _("When somebody writes to you or about you, it appears here. The page Sources shows what listens."),
        ),
    }[ALL if is_new else filters.status]


def _field(name: str, label: str, values: Mapping[str, str], chosen: str | None) -> Field:
    options = [Option(value=value, label=said, is_chosen=value == chosen) for value, said in values.items()]
    return Field(name=name, label=label, options=(Option(value="", label=_("Any"), is_chosen=not chosen), *options))


def _one(kind: type[E], value: str | None) -> E | None:
    return kind(value) if value in {str(member) for member in kind} else None


def _text(value: object) -> str:
    return "1" if value is True else str(value)


def _tally(number: int) -> str:
    return i18n.number(number) if number <= MOST_COUNTED else f"{i18n.number(MOST_COUNTED)}+"
