"""Watches tried on posts that were heard: what each would hear, which of its words does it, and what nobody would.

Owns the trial, pure. Refuses to read rows. It can only tell of posts that some watch heard: a new hashtag finds here
what came with something else, and never what went by unheard.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.decision import Heard
from core.post import Platform
from core.watch import Via, Watch, hashtags_in, match_one

# A watch of many words over many posts takes a while, and a person waits for it.
MOST_SECONDS = 20.0
MOST_EXAMPLES = 10
# A word that is in so many of the posts is hardly about us, where there are enough to tell.
_NEARLY_ALL, _ENOUGH = 0.9, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One account of ours, as watches need to know it."""

    name: str
    platform: Platform
    handle: str


@dataclass(slots=True, kw_only=True)
class WordTried:
    """One hashtag or keyword of a watch: how many posts hold it, before exclusions. `alone` listens for just that."""

    word: str
    via: Via
    alone: Watch
    heard: int = 0
    of: int = 0

    @property
    def is_nearly_all(self) -> bool:
        """Whether it says next to nothing about a post."""
        return self.of >= _ENOUGH and self.heard >= _NEARLY_ALL * self.of


@dataclass(slots=True, kw_only=True)
class WatchTried:
    """One watch: `heard` of the `of` posts on its platform, `only_here` by no other, `excluded` but for a word."""

    watch: Watch
    platform: Platform
    of: int = 0
    heard: int = 0
    summoned: int = 0
    only_here: int = 0
    excluded: int = 0
    words: list[WordTried] = field(default_factory=list)
    examples: list[Heard] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class WatchTrial:
    """What watches would have heard of the posts that were heard. `lost` were heard, and would not be any more."""

    watches: list[WatchTried]
    posts: int = 0
    all_posts: int = 0
    lost: int = 0
    lost_examples: list[Heard] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_cut(self) -> bool:
        """Whether there were more posts than were tried."""
        return self.posts < self.all_posts


def try_watches(
    posts: Sequence[Heard],
    watches: Sequence[Watch],
    in_force: Sequence[Watch],
    accounts: Mapping[str, Ours],
    *,
    all_posts: int,
) -> WatchTrial:
    """Return what `watches` would have heard. `posts` come newest first; it stops after MOST_SECONDS."""
    began = time.monotonic()
    trial = WatchTrial(watches=[_begin(watch, accounts) for watch in watches], all_posts=all_posts)
    before = [(watch, accounts[watch.account]) for watch in in_force if watch.account in accounts]
    for heard in posts:
        if time.monotonic() - began > MOST_SECONDS:
            break
        _try(trial, _with_hashtags(heard), before, accounts)
    trial.seconds = time.monotonic() - began
    return trial


def _begin(watch: Watch, accounts: Mapping[str, Ours]) -> WatchTried:
    plain = replace(watch, mentions=False, hashtags=(), keywords=(), exclude=())
    words = [
        WordTried(word=f"#{tag.lstrip('#')}", via=Via.HASHTAG, alone=replace(plain, hashtags=(tag,)))
        for tag in watch.hashtags
    ]
    words += [WordTried(word=word, via=Via.KEYWORD, alone=replace(plain, keywords=(word,))) for word in watch.keywords]
    return WatchTried(watch=watch, platform=accounts[watch.account].platform, words=words)


def _try(trial: WatchTrial, heard: Heard, before: Sequence[tuple[Watch, Ours]], accounts: Mapping[str, Ours]) -> None:
    trial.posts += 1
    hears = [one for one in trial.watches if _is_near(one.platform, heard) and _count(one, heard, accounts)]
    for one in hears:
        one.only_here += len(hears) == 1
    if not hears and any(_is_near(ours.platform, heard) and _hears(watch, heard, ours) for watch, ours in before):
        trial.lost += 1
        _keep(trial.lost_examples, heard)


def _count(one: WatchTried, heard: Heard, accounts: Mapping[str, Ours]) -> bool:
    """Count one post for one watch; return whether it hears it."""
    ours = accounts[one.watch.account]
    one.of += 1
    for word in one.words:
        word.of += 1
        word.heard += _hears(word.alone, heard, ours)
    if not _hears(one.watch, heard, ours):
        one.excluded += bool(one.watch.exclude) and _hears(replace(one.watch, exclude=()), heard, ours)
        return False
    one.heard += 1
    one.summoned += _is_summons(heard, ours)
    _keep(one.examples, heard)
    return True


def _hears(watch: Watch, heard: Heard, ours: Ours) -> bool:
    return match_one(heard.mention.post, watch, summons=_is_summons(heard, ours), handle=ours.handle) is not None


def _with_hashtags(heard: Heard) -> Heard:
    """Rows keep the text alone: its hashtags are read from it again."""
    mention = heard.mention
    tags = mention.post.hashtags or hashtags_in(mention.post.text)
    return replace(heard, mention=replace(mention, post=replace(mention.post, hashtags=tags)))


def _is_near(platform: Platform, heard: Heard) -> bool:
    return heard.mention.post.platform is platform


def _is_summons(heard: Heard, ours: Ours) -> bool:
    """It is on record whether the author addressed the account that heard the post."""
    return heard.mention.is_summons and heard.mention.account == ours.name


def _keep(examples: list[Heard], heard: Heard) -> None:
    if len(examples) < MOST_EXAMPLES:
        examples.append(heard)
