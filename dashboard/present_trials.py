"""Trials in words: what rules would have done, what watches would have heard, and what cannot be known again.

Owns those views. Pure: a trial in, words out. Refuses to try anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.decision import Action, Heard
from core.trial import Outcome, Trial, Tried, Wrong, by_rule, move_of
from core.watch import Via
from core.watch_trial import WatchTrial, WatchTried, WordTried
from dashboard import i18n, words
from dashboard.i18n import N_, _, ngettext
from dashboard.present import author_view
from dashboard.words import Tone

# A move shows so many posts at first, and so many when it is opened.
FEW, MANY = 10, 300
WRONG = "wrong"
_SNIPPET = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure."""

    number: str
    word: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLine:
    """One post of a trial."""

    url: str
    text: str
    who: str
    was: str
    would: str
    why: str
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveView:
    """From what was done to what would be, and the posts. `more` is how many are not shown; `key` opens them."""

    key: str
    was: str
    would: str
    was_tone: Tone
    would_tone: Tone
    count: str
    posts: tuple[PostLine, ...]
    more: str
    anyway: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """How many posts a rule would decide."""

    name: str
    count: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTrialView:
    """What the rules would have done."""

    kind: str
    title: str
    tiles: tuple[Tile, ...]
    notes: tuple[str, ...]
    wrong: MoveView | None
    stays_wrong: str
    moves: tuple[MoveView, ...]
    stays: str
    same: tuple[PostLine, ...]
    rules: tuple[RuleCount, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordView:
    """One hashtag or keyword."""

    word: str
    kind: str
    count: str
    warning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """One watch."""

    title: str
    summary: str
    facts: tuple[str, ...]
    warning: str
    words: tuple[WordView, ...]
    posts: tuple[PostLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchesTrialView:
    """What the watches would have heard."""

    kind: str
    title: str
    notes: tuple[str, ...]
    lost: str
    lost_posts: tuple[PostLine, ...]
    watches: tuple[WatchView, ...]
    unknown: tuple[str, ...]


_DONE = {
    Action.ACKNOWLEDGE: (N_("Acknowledged at once"), N_("Acknowledged at once, and escalated"), Tone.BOT),
    Action.DRAFT: (N_("Drafted"), N_("Drafted, and escalated"), Tone.APPROVE),
    Action.SHOW: (N_("Left to a person"), N_("Left to a person, and escalated"), Tone.WAIT),
    Action.IGNORE: (N_("Ignored"), N_("Ignored, and escalated"), Tone.WAIT),
}
_WRONG = {
    Wrong.REJECTED: N_("A person dropped what the bot had drafted here, and it would be sent at once"),
    Wrong.OPTED_OUT: N_("It would be acknowledged at once, and such replies to its author were stopped later"),
    Wrong.UNTOLD: N_("Nobody would be told, and a person had to deal with it"),
    Wrong.CORRECTED: N_("People set right what was understood of it; as set right, these rules would do otherwise"),
}
_VIAS = {Via.MENTION: N_("Mention"), Via.HASHTAG: N_("Hashtag"), Via.KEYWORD: N_("Keyword")}


def rules_trial_view(trial: Trial, *, days: int, shown: str) -> RulesTrialView:
    """Return a trial of rules. `shown` is the key of the move to open in full."""
    moved = [one for one in trial.tried if one.is_moved]
    wrong = [one for one in trial.tried if one.is_newly_wrong]
    still = sum(one.wrong is not None and one.was_wrong for one in trial.tried)
    groups: dict[str, list[Tried]] = {}
    for one in reversed(moved):
        move = move_of(one)
        groups.setdefault(f"{move.was}>{move.would}", []).append(one)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    same = [one for one in trial.tried if not one.is_moved]
    return RulesTrialView(
        kind="rules",
        title=_title(len(trial.tried), days),
        tiles=_tiles(trial.tried, len(moved), len(wrong)),
        notes=_rules_notes(trial),
        wrong=_move(WRONG, wrong[::-1], shown=shown) if wrong else None,
        stays_wrong=""
        if not still
        else ngettext(
            "{n} post was wrong already, and stays as it was.", "{n} posts were wrong already, and stay so.", still
        ),
        moves=tuple(_move(key, posts, shown=shown) for key, posts in largest),
        stays=ngettext("{n} post stays as it was.", "{n} posts stay as they were.", len(same)),
        same=tuple(_line(one) for one in same[: -FEW - 1 : -1]),
        rules=tuple(
            RuleCount(name=name, count=i18n.number(count)) for name, count in by_rule(trial.tried).most_common()
        ),
        unknown=(
            _("Who was looking or typing then. An answer of a person that came first counts as it was written down."),
            _("What the author or a colleague would have done after another answer."),
            _("Limits, templates, business hours and quiet hours are those of today's configuration, not of then."),
            _(
                "Budgets and “already acknowledged” are counted anew, as these rules would have spoken; what waited at "
                "the platform, and left later or never, counts as said at once."
            ),
        ),
    )


def watches_trial_view(trial: WatchTrial, *, days: int) -> WatchesTrialView:
    """Return a trial of watches."""
    notes = [_cut(trial.posts, trial.all_posts)] if trial.is_cut else []
    lost = ""
    if trial.lost:
        lost = ngettext(
            "{n} post that is heard now would not be heard any more: look.",
            "{n} posts that are heard now would not be heard any more: look.",
            trial.lost,
        )
    return WatchesTrialView(
        kind="watches",
        title=_title(trial.posts, days),
        notes=tuple(notes),
        lost=lost,
        lost_posts=tuple(_heard_line(one) for one in trial.lost_examples),
        watches=tuple(_watch(one) for one in trial.watches),
        unknown=(
            _(
                "Stored posts are only those that some watch heard. A new hashtag finds here what came with something "
                "else, and nothing that went by unheard: “0 posts” tells little."
            ),
            _("Once live, X is asked from where its source stands now; Reddit's search reaches back an hour at first."),
            _("Hashtags are read from the text again; a quoted or reposted post may have had more."),
        ),
    )


def _title(posts: int, days: int) -> str:
    if days == 1:
        return ngettext("Tried on {n} post of the last 24 hours", "Tried on {n} posts of the last 24 hours", posts)
    return ngettext(
        "Tried on {n} post of the last {days} days", "Tried on {n} posts of the last {days} days", posts, days=days
    )


def _cut(tried: int, there_are: int) -> str:
    return _(
        "There are {all} posts in that time; these are the newest {tried}.",
        all=i18n.number(there_are),
        tried=i18n.number(tried),
    )


def _tiles(tried: Sequence[Tried], moved: int, wrong: int) -> tuple[Tile, ...]:
    def figure(count: int, word: str, tone: Tone) -> Tile:
        return Tile(number=i18n.number(count), word=word, tone=tone)

    def how_many(action: Action) -> int:
        return sum(one.would.action is action for one in tried)

    return (
        figure(how_many(Action.ACKNOWLEDGE), _("acknowledged at once"), Tone.BOT),
        figure(how_many(Action.DRAFT), _("drafted"), Tone.APPROVE),
        figure(how_many(Action.SHOW) + how_many(Action.IGNORE), _("left to a person, or ignored"), Tone.WAIT),
        figure(sum(one.would.escalate for one in tried), _("escalated"), Tone.SOON),
        figure(moved, _("otherwise than it was"), Tone.WAIT),
        figure(wrong, _("would now be wrong"), Tone.ACT if wrong else Tone.DONE),
    )


def _rules_notes(trial: Trial) -> tuple[str, ...]:
    notes: list[str] = []
    if trial.is_cut:
        notes.append(_cut(len(trial.tried), trial.all_posts - trial.forgotten))
    if trial.forgotten:
        notes.append(
            ngettext(
                "{n} post was deleted or forgotten since, and cannot be tried.",
                "{n} posts were deleted or forgotten since, and cannot be tried.",
                trial.forgotten,
            )
        )
    if trial.unknown_then:
        notes.append(
            ngettext(
                "{n} post was decided before Genlyd wrote down what held then: a pause, a takeover or a person's "
                "answer of that moment is not known of it.",
                "{n} posts were decided before Genlyd wrote down what held then: a pause, a takeover or a person's "
                "answer of that moment is not known of them.",
                trial.unknown_then,
            )
        )
    return tuple(notes)


def _move(key: str, posts: Sequence[Tried], *, shown: str) -> MoveView:
    first, is_open = posts[0], key == shown
    most = MANY if is_open else FEW
    more = len(posts) - most
    anyway = sum(one.differs_anyway for one in posts)
    return MoveView(
        key=key,
        was=_done(first.past.was),
        would=_done(first.would),
        was_tone=_tone(first.past.was),
        would_tone=_tone(first.would),
        count=words.posts(len(posts)),
        posts=tuple(_line(one) for one in posts[:most]),
        more=ngettext("{n} more", "{n} more", more) if more > 0 else "",
        anyway=_anyway(anyway),
        is_open=is_open,
    )


def _anyway(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "{n} of them would differ under the rules in force too: rules, limits or the moment were others then.",
        "{n} of them would differ under the rules in force too: rules, limits or the moment were others then.",
        count,
    )


def _line(tried: Tried) -> PostLine:
    past, would = tried.past, tried.would
    return PostLine(
        url=_url(past.heard),
        text=words.snippet(past.heard.mention.post.text, _SNIPPET),
        who=_handle(past.heard),
        was=_("{done}, by “{rule}”", done=_done(past.was), rule=past.was.rule),
        would=_("{done}, by “{rule}”", done=_done(would), rule=would.rule),
        why=would.because,
        wrong=_(_WRONG[tried.wrong]) if tried.wrong is not None else "",
    )


def _handle(heard: Heard) -> str:
    post = heard.mention.post
    return author_view(post.platform, post.author).handle


def _watch(tried: WatchTried) -> WatchView:
    watch, name = tried.watch, words.PLATFORMS[tried.platform].word
    summary = _(
        "would have heard {heard} of {of} stored posts", heard=i18n.number(tried.heard), of=i18n.number(tried.of)
    )
    facts = [ngettext("{n} of them by no other watch", "{n} of them by no other watch", tried.only_here)]
    if watch.mentions:
        facts.append(ngettext("{n} addressed us", "{n} addressed us", tried.summoned))
    if watch.exclude:
        facts.append(ngettext("{n} kept out by its exclusions", "{n} kept out by its exclusions", tried.excluded))
    if watch.languages:
        facts.append(_("hashtags and keywords only in: {languages}", languages=", ".join(watch.languages)))
    return WatchView(
        title=_("{account}, on {platform}", account=watch.account, platform=name),
        summary=summary,
        facts=tuple(facts),
        warning=_("It would have heard nothing of what is stored.") if tried.of and not tried.heard else "",
        words=tuple(_word(one) for one in tried.words),
        posts=tuple(_heard_line(one) for one in tried.examples),
    )


def _word(tried: WordTried) -> WordView:
    warning = ""
    if tried.is_nearly_all:
        warning = _("matches nearly everything")
    elif tried.of and not tried.heard:
        warning = _("matches nothing that is stored")
    return WordView(word=tried.word, kind=_(_VIAS[tried.via]), count=i18n.number(tried.heard), warning=warning)


def _heard_line(heard: Heard) -> PostLine:
    mention = heard.mention
    return PostLine(
        url=_url(heard),
        text=words.snippet(mention.post.text, _SNIPPET),
        who=_handle(heard),
        was=_("{via}: {matched}", via=_(_VIAS[mention.via]), matched=mention.matched),
        would="",
        why="",
    )


def _done(outcome: Outcome) -> str:
    plain, escalated, _tone_of = _DONE[outcome.action]
    return _(escalated) if outcome.escalate else _(plain)


def _tone(outcome: Outcome) -> Tone:
    return Tone.SOON if outcome.escalate else _DONE[outcome.action][2]


def _url(heard: Heard) -> str:
    return f"/conversations/{heard.conversation_id}#post-{heard.id}"
