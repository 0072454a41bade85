"""Sentences that other rooms wrote down in English, told in the reader's language.

Owns the list of what they may say: reasons, causes, refusals and problems, as rows and errors hold them. Refuses to
guess: what stands nowhere here is shown as it was written. The tests compare the list with the code that writes it.

In a message `{n}`, `{m}` and `{usual}` are numbers; `{why}`, `{span}`, `{what}`, `{topic}` and a reply's states are
told in their turn; anything else is a name, and stays as it is.
"""

import re
from collections.abc import Iterator
from functools import cache

from core.assessment import Intent
from core.reply import ReplyState
from dashboard import words
from dashboard.i18n import N_, SOURCE, _, language, number, percent

_NUMBERS = ("n", "m", "usual")
_INNER = ("why", "span", "what")
_FIGURE = re.compile(r"(?P<whole>\d+)(?:\.(?P<part>\d+))?(?P<share>%?)")
_PLACE = re.compile(r"\{(\w+)\}")

# Why nothing was sent by itself, or a person was called: `responder.safety`, `responder.policy`, `responder.guards`.
_DECISIONS = (
    N_("the post was deleted"),
    N_("one of our own accounts wrote it"),
    N_("the author may want to harm themselves: a person now"),
    N_("somebody died: a person answers, in words of their own"),
    N_("the author asked us to stop: no automatic reply from now on"),
    N_("the author says stop"),
    N_("the author is a bot: two bots could loop"),
    N_("the author's name says that it is a bot"),
    N_("the author wrote {n} posts in a minute, as a bot does"),
    N_("the author answered us within {n} seconds, as a bot does"),
    N_("the bot has spoken {n} times in this conversation and no person has: it could be two bots talking"),
    N_("{platform} accepts a reply only where the author addressed us: answer it there"),
    N_("{platform} accepts a reply only where the author addressed us"),
    N_("the author asked for no automatic replies"),
    N_("{name} stopped automatic replies to this author"),
    # As it is told of opt-outs from before 0022, whose rows name nobody.
    N_("a member of staff stopped automatic replies to this author"),
    N_("{name} has taken this conversation, so the bot is silent"),
    N_("a person has already acted in this conversation, so the bot is silent"),
    N_("this post already has a reply"),
    N_("the author asks whether a machine answers, or for a person"),
    N_("our name stands only in what is quoted or reposted"),
    N_("it looks like spam"),
    N_("an acknowledgement was sent or drafted within {n} hours"),
    # As older rows say it.
    N_("already acknowledged within {n} hours"),
    N_("somebody may be hurt or in danger: a person now"),
    N_("it touches the law or the press, so a person looks first"),
    N_("it touches fraud, so a person looks first"),
    N_("the author did not address us, so a person looks first"),
    N_("automatic replies are paused"),
    N_("the crisis breaker has tripped, so a person looks first"),
    N_("it is within the house's quiet hours"),
    N_("it was fetched late, to cover a gap"),
    N_("it is older than {n} minutes"),
    N_("its language is unsure"),
    N_("its mood is unsure"),
    N_("it may be ironic"),
    N_("the reply would repeat a name that offends"),
    N_("this author's budget of {n} automatic replies an hour is spent"),
    N_("this author's budget of {n} automatic replies a day is spent"),
    N_("the account's budget of {n} automatic replies an hour is spent"),
    N_("the account's budget of {n} automatic replies a day is spent"),
    N_("the account said {n} things by itself within five minutes: it could be a storm, so a person looks first"),
    N_("the same words went out {n} times within an hour"),
    N_("the reply is longer than {platform} takes"),
    N_("no rule holds, so a person decides"),
    N_("rule {rule} leaves the answer to a person"),
    N_("rule {rule} asks for a draft"),
    N_("rule {rule} acknowledges at once"),
    N_("the reply is empty"),
    N_("the reply is {n} long and {platform} takes {m}"),
    N_("the post is older than the rule allows"),
    N_("this conversation was already acknowledged"),
    N_("a person has resolved this conversation"),
    N_("nobody has read the post it answers"),
)

# What became of a reply: `responder.outbox`, `store.edits`, `store.moved`, `core.reply`.
_REPLIES = (
    N_("account {account} is no longer in the config"),
    N_("this process was held up before sending"),
    N_("no answer in time"),
    N_("our own code failed while sending"),
    N_("nobody can tell whether it is published"),
    N_("it is not there after {n} tries: {why}"),
    N_("it was surely not published"),
    N_("refused when sent again: {why}"),
    N_("the process that was sending it cannot be reached, so it may be there or still come"),
    N_("the post was deleted by its author"),
    N_("a person answered in words of their own"),
    N_("the text of this post is forgotten, so nobody can answer it any more"),
    N_("the author edited the post after this was written: read it again"),
    N_("the author wrote again before it left: read it first"),
    N_("{name} took this conversation over before it left: read it first"),
)

# Why the crisis breaker tripped, and its figures: `responder.breaker`.
_STORMS = (
    N_("{n} negative posts about {topic} in {span}, from {m} authors; usual at this hour: {usual}"),
    N_("{n} negative posts in {span}, from {m} authors; usual at this hour: {usual}"),
    N_("{n} posts in {span} say the same words, from {m} authors"),
    N_("the platform refused {n} of our last {m} automatic replies"),
    N_("{n} people asked us to stop within an hour, after {m} replies"),
    N_("{n} people we answered asked within an hour whether a robot answers them, or for a person"),
    N_("we sent {n} automatic replies in an hour and heard only {m} posts"),
    N_("1 minute"),
    N_("{n} minutes"),
    N_("Topic"),
    N_("Posts in {span}"),
    N_("Negative"),
    N_("Share negative"),
    N_("Authors"),
    N_("Most of them are about"),
    N_("The same words"),
)

# Why a source was not heard: `listeners`, `core.budget`, `platforms`. What a platform said itself stays in its words.
_SOURCES = (
    N_("account {account}: {what}"),
    N_("account {account} has no {names}"),
    N_("Genlyd stood still, or its machine slept"),
    N_("away for more than 7 days; X's search goes no further back"),
    N_("more posts came while we were away than one backfill reads; the oldest of them are missing"),
    N_("more than 800 mentions came while we were away; X shows no older ones"),
    N_("a line of X's stream could not be read"),
    N_("the machine slept while X's stream was read"),
    N_("X's stream beats and leaves out what search finds ({n})"),
    N_("Reddit lists nothing in {source}, and what it listed stands"),
    N_("so that the day's calls last until midnight UTC"),
    N_("{platform} could not be reached ({error})"),
    N_("{platform} answered something that cannot be read"),
    N_("{platform} answered {status}: {detail}"),
    N_("{platform} answered {status}"),
    N_("{platform} refused the credentials ({status})"),
    N_("X takes no more rules on the stream of this app"),
    N_("X closed the stream"),
    N_("nothing on X's stream for {n} seconds"),
    N_("the stream ended"),
    N_("the stream broke off"),
    N_("X ends the stream: {detail}"),
)

# What to do about it, which follows such a sentence in the same row: `platforms`.
_CURES = (
    N_("Add {names} to the account in the config."),
    N_("Check base_url in the config."),
    N_("Top up the account's credit at {platform}."),
    N_("Check what the account may read at {platform}, and its watches in the config."),
    N_("Check {names} in the config. Then unpause the account."),
    N_("Check in X's developer console that the app is active and may read and write. Then unpause the account."),
    N_("Raise the usage cap in X's developer console."),
    N_("Shorten or simplify the account's watches."),
    N_("Change the watch it was made from (keywords, hashtags, exclude) in the config."),
    N_("Check the account's watches and its app at X."),
    N_("Set handle to {handle}, or use the access token of {account}, in the config."),
    N_("Set handle to {handle}, or use the credentials of {account}, in the config."),
    N_("Check the subreddits of the account's watches in the config."),
    N_("Sign in to Reddit as the account and see what it is not allowed to do."),
)

# Somebody was first, or asks for what cannot be: `core.conversation`, `core.correction`, `store`.
_CONFLICTS = (
    N_("{name} already has this conversation"),
    N_("nobody has taken this conversation, so it cannot be handed back"),
    N_("this conversation is already resolved"),
    N_("this conversation is not resolved"),
    N_("this conversation is resolved: reopen it first"),
    N_("{name} has this conversation: it is handed back first"),
    N_("you have taken this conversation: hand it back instead"),
    N_("this conversation is resolved, so there is nothing to snooze"),
    N_("that time is over already"),
    N_("the conversation changed since you opened it"),
    N_("the incident changed since you opened it"),
    N_("the reply changed since you opened it"),
    N_("the reply is already {state}"),
    N_("it is being looked for right now: try again in a minute"),
    N_("a reply cannot go from {state} to {next_state}"),
    N_("there is no such post"),
    N_("there is no such conversation"),
    N_("this conversation is not yours to give back"),
    N_("you have {n} conversations open, and {m} is the most"),
    N_("{name} put version {n} live since you began"),
    N_("nothing is live here since you began"),
    N_("a tag needs a word"),
    N_("a tag has {n} characters at most"),
    N_("a tag is words without commas"),
    N_("a person has {n} saved filters at most: delete one first"),
    N_("somebody has already answered this post"),
    N_("it may stand on the platform already: look there before you write another"),
    N_("this post has not been read yet, so there is nothing to set right"),
    N_("somebody set the mood of this post meanwhile"),
    N_("somebody set the urgency of this post meanwhile"),
    N_("somebody set the language of this post meanwhile"),
    N_("somebody set the intents of this post meanwhile"),
    N_("{name} has already undone it"),
    N_("there is no such correction"),
    N_("there is no such taught word"),
    N_("{name} has already taught “{phrase}” with {points}; undo that first"),
    N_("{n} words are taught, which is the most: undo one that no longer helps"),
    N_("a mood is negative, neutral or positive: a person is not unsure for the model"),
    N_("the points must be a whole number from -{n} to {m}, and not 0"),
    N_("the phrase is empty: write the words as people write them"),
    N_("the phrase is too long: {n} words and {m} characters at most"),
    N_("~ stands for words between two others, so it cannot begin or end the phrase"),
    N_("~ may stand in a phrase {n} times at most"),
    N_(
        "cannot read {word}: a word is letters, digits or an emoji; * stands for any ending or beginning, "
        "| between words for either, and ~ and # stand alone"
    ),
    N_("the phrase would be found in nearly every post: give it a word of at least two letters"),
    N_("somebody at {step}"),
)

# What the reading of a post names as its reasons: `sentiment/cues.toml`, `sentiment.urgency`, `sentiment.reasons`.
_CUES = (
    N_("self harm"),
    N_("danger"),
    N_("leak"),
    N_("legal"),
    N_("fraud"),
    N_("billing"),
    N_("refund"),
    N_("cancellation"),
    N_("outage"),
    N_("many hit"),
    N_("anger"),
    N_("no help"),
    N_("repetition"),
    N_("waiting"),
    N_("complaint"),
    N_("late delivery"),
    N_("vulnerable"),
    N_("deadline"),
    N_("delivery topic"),
    N_("billing topic"),
    N_("question"),
    N_("praise"),
    N_("spam"),
    N_("opt out"),
    N_("opt out said"),
    N_("person"),
    N_("grief"),
    N_("accident"),
    N_("urgent words"),
    N_("mood"),
    N_("reach"),
)

_ALL = (*_DECISIONS, *_REPLIES, *_STORMS, *_SOURCES, *_CURES, *_CONFLICTS, *_CUES)


def tell(text: str) -> str:
    """Return a sentence from another room in the reader's language; as it is where nobody knows it."""
    if not text or language() == SOURCE:
        return text
    for pattern in _before_cures():
        if both := pattern.fullmatch(text):
            return f"{tell(both['said'])} {tell(both['cure'])}"
    found = _find(text)
    if found is None:
        return text
    message, values = found
    return _(message, **{name: _value(name, value) for name, value in values.items()})


def tell_sentence(text: str) -> str:
    """Return the same with a capital, to begin a line with."""
    said = tell(text)
    return said[:1].upper() + said[1:]


def tell_figure(text: str) -> str:
    """Return a figure that was written down in English, 1.2 or 88%, as the language writes it; a topic in words."""
    found = _FIGURE.fullmatch(text)
    if found is None:
        return _topic(text)
    value, digits = float(f"{found['whole']}.{found['part'] or 0}"), len(found["part"] or "")
    return percent(value / 100, digits=digits) if found["share"] else number(value, digits=digits)


def knows(text: str) -> bool:
    """Whether a sentence can be told in every language of the desk."""
    return _find(text) is not None


def _value(name: str, value: str) -> str:
    if name in _NUMBERS:
        return tell_figure(value)
    if name == "topic":
        return _topic(value)
    if name in ("state", "next_state"):
        return words.REPLY_STATES[ReplyState(value)].word.lower() if value in set(ReplyState) else value
    return tell(value) if name in _INNER else value


def _topic(text: str) -> str:
    """A trouble by its name; a hashtag stays one."""
    if language() == SOURCE or text not in set(Intent):
        return text
    return words.INTENTS[Intent(text)].word.lower()


def _find(text: str) -> tuple[str, dict[str, str]] | None:
    if text in _plain():
        return text, {}
    for message, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return message, found.groupdict()
    return None


@cache
def _plain() -> frozenset[str]:
    return frozenset(message for message in _ALL if not _PLACE.search(message))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The messages with places in them; last those that begin with one and say little themselves, for they fit most."""
    found = [message for message in _ALL if _PLACE.search(message)]
    found.sort(key=lambda message: (message.startswith("{"), -len(_PLACE.sub("", message))))
    return tuple((message, re.compile("".join(_pieces(message)), re.DOTALL)) for message in found)


@cache
def _before_cures() -> tuple[re.Pattern[str], ...]:
    """A problem and its cure in one row. The cure with most words first: one ends as another does."""
    cures = sorted(_CURES, key=len, reverse=True)
    bare = (re.sub(r"\(\?P<\w+>", "(?:", "".join(_pieces(cure))) for cure in cures)
    return tuple(re.compile(rf"(?P<said>.+?) (?P<cure>{cure})", re.DOTALL) for cure in bare)


def _pieces(message: str) -> Iterator[str]:
    for position, piece in enumerate(_PLACE.split(message)):
        if position % 2 == 0:
            yield re.escape(piece)
        else:
            yield rf"(?P<{piece}>\d[\d.]*%?)" if piece in _NUMBERS else f"(?P<{piece}>.+?)"
