"""Rulebooks in words: what is in force, the editor with its problems, and the versions with what each changed.

Owns those views. Pure: rows in, words out. Refuses to try anything, and to read a request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import Problem
from core.rulebook import FILE, Kind, Rulebook, changed_lines, print_of
from dashboard import words
from dashboard.i18n import _, ngettext
from dashboard.words import Moment

_DAYS = ("1", "7", "30")
# How many versions the page lists; it is asked with one more, to tell what the last of them changed.
MOST_VERSIONS = 20
_FEWEST_ROWS, _MOST_ROWS = 12, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """What stands in the editor."""

    text: str
    days: str
    note: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """One thing that is wrong: the line's number and text, where and what. `line` is "" where no line is to blame."""

    line: str
    text: str
    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of the numbered text. `is_wrong`: a problem names it."""

    number: int
    text: str
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """One line of a change. `kind` is "new", "gone", "same" or "place"; `sign` is how it is read out."""

    kind: str
    sign: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One version. `to` is what its button asks for; "" where it is in force."""

    to: str
    name: str
    by: str
    at: Moment | None
    ago: str
    note: str
    change: str
    lines: tuple[DiffView, ...]
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to choose."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """The page. `before` is the version that one key makes live again; None where there is none."""

    kind: str
    title: str
    lead: str
    label: str
    live_button: str
    in_force: str
    from_file: str
    file_lines: tuple[DiffView, ...]
    file_changed: str
    current: str
    text: str
    rows: int
    note: str
    days: tuple[Choice, ...]
    follows: str
    problems: tuple[ProblemView, ...]
    problems_title: str
    numbered: tuple[LineView, ...]
    before: VersionView | None
    versions: tuple[VersionView, ...]


def book_view(kind: Kind, history: Sequence[Rulebook], file_text: str, editing: Editing, now: datetime) -> BookView:
    """Return the page. `history` is the newest version first; the newest is in force."""
    newest = history[0] if history else None
    is_file = newest is None or newest.text is None
    differs = () if is_file or newest is None else _diff(changed_lines(file_text, newest.text or ""))
    versions = _versions(history, file_text, now)
    lines = editing.text.split("\n")
    return BookView(
        kind=kind.value,
        title=_("Rules") if kind is Kind.RULES else _("Watches"),
        lead=_LEADS[kind](),
        label=_("Rules, as TOML") if kind is Kind.RULES else _("Watches, as TOML"),
        live_button=_("Put these rules live") if kind is Kind.RULES else _("Put these watches live"),
        in_force=_in_force(kind, newest, now),
        from_file=_from_file(differs, is_file=is_file),
        file_lines=differs,
        file_changed=_file_changed(newest, file_text, is_file=is_file),
        current=str(newest.id if newest else FILE),
        text=editing.text,
        rows=min(max(len(lines) + 1, _FEWEST_ROWS), _MOST_ROWS),
        note=editing.note,
        days=tuple(Choice(value=one, label=_days(int(one)), is_chosen=one == editing.days) for one in _DAYS),
        follows=str(newest.id if newest else FILE),
        problems=tuple(_problem(one, lines) for one in editing.problems),
        problems_title=ngettext("{n} thing is wrong", "{n} things are wrong", len(editing.problems)),
        numbered=_numbered(lines, editing.problems),
        before=versions[1] if len(versions) > 1 else None,
        versions=versions,
    )


def _rules_lead() -> str:
    return _(
        "The first rule whose every condition holds decides about a post. Try a change on what was really decided, "
        "then put it live: the next post is decided by it. No rule can do what the safety of the house forbids."
    )


def _watches_lead() -> str:
    return _(
        "What each account listens for. Try a change on what was really heard, then put it live: the listeners follow "
        "within seconds, without a restart."
    )


_LEADS = {Kind.RULES: _rules_lead, Kind.WATCHES: _watches_lead}


def _in_force(kind: Kind, newest: Rulebook | None, now: datetime) -> str:
    if newest is None:
        if kind is Kind.RULES:
            return _("In force: what the configuration file says; the house's own rules where it holds none")
        return _("In force: what the configuration file says")
    values = {"who": newest.made_by, "ago": words.ago(newest.made_at, now), "version": newest.id}
    if newest.text is None:
        return _("In force: the configuration file, since {who} went back to it {ago}", **values)
    return _("In force: version {version}, put live by {who} {ago}", **values)


def _from_file(differs: Sequence[DiffView], *, is_file: bool) -> str:
    if is_file:
        return ""
    changed = sum(one.kind in ("new", "gone") for one in differs)
    if not changed:
        return _("The configuration file says the same.")
    return ngettext(
        "The configuration file is not used here: it differs in {n} line.",
        "The configuration file is not used here: it differs in {n} lines.",
        changed,
    )


def _file_changed(newest: Rulebook | None, file_text: str, *, is_file: bool) -> str:
    if newest is None or is_file or newest.file_print == print_of(file_text):
        return ""
    return _("The configuration file was edited after this version went live. Which shall hold?")


def _versions(history: Sequence[Rulebook], file_text: str, now: datetime) -> tuple[VersionView, ...]:
    texts = [file_text if one.text is None else one.text for one in history]
    # The first version there ever was followed the file.
    earlier = [*texts, file_text][1:]
    shown = history[:MOST_VERSIONS]
    made = [
        _version(one, changed_lines(earlier[place], texts[place]), now, is_in_force=place == 0)
        for place, one in enumerate(shown)
    ]
    if len(history) == len(shown) and (not history or history[-1].text is not None):
        made.append(_file_version(is_in_force=not history))
    return tuple(made)


def _version(book: Rulebook, changed: Sequence[str], now: datetime, *, is_in_force: bool) -> VersionView:
    name = _("Version {version}", version=book.id)
    if book.takes_up is not None:
        what = _("the configuration file") if book.takes_up == FILE else _("version {version}", version=book.takes_up)
        name = _("Version {version}: back to {what}", version=book.id, what=what)
    lines = _diff(changed)
    new, gone = (sum(one.kind == kind for one in lines) for kind in ("new", "gone"))
    return VersionView(
        to="" if is_in_force else str(book.id if book.text is not None else FILE),
        name=name,
        by=book.made_by,
        at=words.moment(book.made_at, now),
        ago=words.ago(book.made_at, now),
        note=book.note,
        change=_("Lines: {new} added, {gone} removed", new=new, gone=gone) if lines else _("no line changed"),
        lines=lines,
        is_in_force=is_in_force,
    )


def _file_version(*, is_in_force: bool) -> VersionView:
    return VersionView(
        to="" if is_in_force else str(FILE),
        name=_("The configuration file"),
        by="",
        at=None,
        ago="",
        note="",
        change="",
        lines=(),
        is_in_force=is_in_force,
    )


def _diff(changed: Iterable[str]) -> tuple[DiffView, ...]:
    kinds = {"+": "new", "-": "gone", "@": "place", " ": "same"}
    signs = {"new": _("new"), "gone": _("gone"), "place": "", "same": ""}
    made: list[DiffView] = []
    for line in changed:
        kind = kinds.get(line[:1], "same")
        made.append(DiffView(kind=kind, sign=signs[kind], text="…" if kind == "place" else line[1:]))
    return tuple(made)


def _problem(problem: Problem, lines: Sequence[str]) -> ProblemView:
    line = problem.line if problem.line is not None and 1 <= problem.line <= len(lines) else None
    return ProblemView(
        line="" if line is None else str(line),
        text="" if line is None else lines[line - 1].strip(),
        where=problem.where,
        what=problem.what,
    )


def _numbered(lines: Sequence[str], problems: Iterable[Problem]) -> tuple[LineView, ...]:
    wrong = {problem.line for problem in problems}
    if not wrong:
        return ()
    return tuple(LineView(number=n, text=line, is_wrong=n in wrong) for n, line in enumerate(lines, start=1))


def _days(days: int) -> str:
    return _("the last 24 hours") if days == 1 else ngettext("the last {n} day", "the last {n} days", days)
