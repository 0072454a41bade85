"""One reply: what it says, who stands behind it, and which forms it gets.

Owns that view. Pure: refuses to ask anything.
"""

from dataclasses import dataclass
from datetime import datetime

from core.assessment import Assessment, Intent, Language, Sentiment
from core.budget import DOLLAR
from core.post import Platform
from core.reply import RejectReason, Reply, ReplyKind, ReplyState, may_stand
from core.watch import Mention
from dashboard import i18n, words
from dashboard.i18n import _, ngettext
from dashboard.marks import safe_link
from dashboard.present import reply_chip, why_no_reply
from dashboard.present_diff import Part, word_diff
from dashboard.present_spending import dollars
from dashboard.told import tell
from dashboard.words import Chip, Moment, Tone
from platforms.policy import ALLOWANCES, MAX_LENGTH, length_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingView:
    """A text to be edited: how long it is and may be, as the platform counts, and what else is good to know first."""

    text: str
    length: int
    limit: int
    limit_words: str
    platform: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectChoice:
    """One way to say what was wrong. `value` is the form's; `digit` is its key, "" where it has none."""

    value: str
    label: str
    digit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectGroup:
    """What was wrong with one field, and what it should have been."""

    label: str
    choices: tuple[RejectChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """One reply; the flags say which forms it gets."""

    id: int
    version: int
    kind: str
    by: str
    is_bots: bool
    state: Chip
    at: Moment
    text: str
    problem: str
    why_no_text: str
    link: str | None
    writing: WritingView | None
    diff: tuple[Part, ...]
    diff_words: str
    rejected: str
    reject: tuple[RejectGroup, ...]
    can_drop: bool
    can_redraft: bool
    may_stand: bool
    can_settle: bool
    is_held: bool


def reply_view(
    reply: Reply,
    mention: Mention,
    *,
    taken_by: str,
    now: datetime,
    is_gone: bool = False,
    is_answered: bool = False,
    assessment: Assessment | None = None,
) -> ReplyView:
    """Return one reply. Nobody writes where a colleague has it, the platform forbids it, or the post is gone.

    Nobody acknowledges what has its answer: `is_answered` says that one left, or is about to.
    """
    is_moot = is_answered and reply.kind is ReplyKind.ACKNOWLEDGEMENT
    may_write = not taken_by and not is_gone and not is_moot and why_no_reply(mention) is None
    edits = reply.state is ReplyState.DRAFT and may_write
    back = (ReplyState.APPROVED, ReplyState.FAILED, ReplyState.REFUSED, ReplyState.DROPPED)
    diff = _diff(reply)
    is_held = held_seconds(reply, now) > 0
    can_drop = reply.state in (ReplyState.DRAFT, ReplyState.FAILED, ReplyState.REFUSED) and not taken_by
    return ReplyView(
        id=reply.id,
        version=reply.version,
        kind=_("Acknowledgement") if reply.kind is ReplyKind.ACKNOWLEDGEMENT else _("Answer"),
        by=reply_by(reply),
        is_bots=reply.is_automatic or (reply.state is ReplyState.DRAFT and reply.drafted_by is None),
        state=_held_chip() if is_held else reply_chip(reply),
        at=words.moment(reply.settled_at or reply.created_at, now),
        text=reply.text,
        problem=tell(reply.problem) if reply.problem else "",
        why_no_text=_("Deleted with the post.") if is_gone else _("Forgotten: the time we keep texts is over."),
        link=safe_link(reply.remote_url),
        writing=writing(reply.platform, reply.text) if edits else None,
        diff=diff,
        diff_words=_diff_words(reply) if diff else "",
        rejected=words.REJECT_REASONS[reply.rejected_because] if reply.rejected_because else "",
        reject=reject_groups(assessment) if edits else (),
        can_drop=can_drop,
        can_redraft=reply.state in back and may_write,
        may_stand=may_stand(reply),
        can_settle=reply.state is ReplyState.UNKNOWN,
        is_held=is_held,
    )


def reply_by(reply: Reply) -> str:
    """Return who stands behind a reply: who wrote it, and who approved it."""
    if reply.is_automatic:
        return _("Genlyd, by itself")
    writer, approver = reply.drafted_by, reply.approved_by
    if approver is None:
        if writer is not None:
            return _("Written by {name}, awaits approval", name=writer)
        return _("Suggested by Genlyd") if reply.template else _("Draft")
    if writer is not None and writer != approver:
        return _("Written by {writer}, approved by {approver}", writer=writer, approver=approver)
    if writer is not None or not reply.template:
        return _("Written by {name}", name=approver)
    return _("Approved by {name}", name=approver)


def held_seconds(reply: Reply, now: datetime) -> int:
    """Return for how many seconds more a reply can be taken back, 0 where it cannot."""
    if reply.state is not ReplyState.APPROVED or reply.approved_at is None or reply.not_before is None:
        return 0
    # What was tried before waits for another reason.
    left = (reply.not_before - now).total_seconds()
    return 0 if reply.attempts or left <= 0 else int(-(-left // 1))


def writing(platform: Platform, text: str) -> WritingView:
    """Return a text to be edited."""
    limit, word = MAX_LENGTH[platform], words.PLATFORMS[platform].word
    return WritingView(
        text=text,
        length=length_of(platform, text),
        limit=limit,
        limit_words=_("of {limit} as {platform} counts", limit=i18n.number(limit), platform=word),
        platform=word,
        facts=platform_facts(platform),
    )


def platform_facts(platform: Platform) -> tuple[str, ...]:
    """Return what a platform asks of whoever writes: who may be answered, by when, and what it costs."""
    terms, word = ALLOWANCES[platform], words.PLATFORMS[platform].word
    said = []
    if terms.refuses_unsummoned:
        rule = _("{platform} takes replies only to authors who addressed us, as this one did.", platform=word)
        said.append(rule)
    hours = terms.reply_within_hours
    said.append(
        _("No time limit known.")
        if hours is None
        else ngettext("It takes a reply within {n} hour.", "It takes a reply within {n} hours.", hours)
    )
    plain, linked = terms.prices_usd.get("summoned reply"), terms.prices_usd.get("create post with link")
    if plain is not None and linked is not None:
        said.append(
            _(
                "A reply costs about {price}; one with a link may cost {more}.",
                price=dollars(round(plain * DOLLAR)),
                more=dollars(round(linked * DOLLAR)),
            )
        )
    else:
        said.append(_("A reply costs nothing."))
    said.append(_("By the terms of {platform}, as of {day}.", platform=word, day=i18n.full_day(terms.read_on)))
    return tuple(said)


def reject_groups(assessment: Assessment | None) -> tuple[RejectGroup, ...]:
    """Return what may have been wrong, each with what it should be. What holds already is not offered."""
    if assessment is None:
        return ()
    level = words.level_of(assessment.urgency).key
    moods = [mood for mood in Sentiment if mood not in (assessment.sentiment, Sentiment.UNSURE)]
    levels = [one for one in words.LEVELS if one.key != level]
    languages = [one for one in Language if one not in (assessment.language, Language.UNSURE)]
    digits = iter("123456789")
    return (
        RejectGroup(
            label=words.REJECT_REASONS[RejectReason.MOOD],
            choices=tuple(
                RejectChoice(value=f"mood:{mood}", label=words.MOODS[mood].word, digit=next(digits)) for mood in moods
            ),
        ),
        RejectGroup(
            label=words.REJECT_REASONS[RejectReason.URGENCY],
            choices=tuple(
                RejectChoice(value=f"urgency:{one.key}", label=_(one.word), digit=next(digits)) for one in levels
            ),
        ),
        RejectGroup(
            label=words.REJECT_REASONS[RejectReason.LANGUAGE],
            choices=tuple(
                RejectChoice(value=f"language:{one}", label=words.LANGUAGES[one], digit=next(digits, ""))
                for one in languages
            ),
        ),
        RejectGroup(
            label=words.REJECT_REASONS[RejectReason.INTENT],
            choices=tuple(_intent_choice(one, assessment) for one in Intent),
        ),
    )


def _intent_choice(intent: Intent, assessment: Assessment) -> RejectChoice:
    word = words.INTENTS[intent].word
    if intent in assessment.intents:
        return RejectChoice(value=f"intent:-{intent}", label=_("not {intent}", intent=word))
    return RejectChoice(value=f"intent:{intent}", label=word)


def _diff(reply: Reply) -> tuple[Part, ...]:
    if reply.drafted_text is None or not reply.text or reply.drafted_text == reply.text:
        return ()
    return word_diff(reply.drafted_text, reply.text)


def _diff_words(reply: Reply) -> str:
    if reply.drafted_by is not None and not reply.template:
        return _("What changed in the draft by {name}", name=reply.drafted_by)
    return _("What changed in Genlyd's draft")


def _held_chip() -> Chip:
    return Chip(icon="clock", word=_("About to leave: can be taken back"), tone=Tone.APPROVE)
