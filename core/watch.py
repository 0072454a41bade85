"""What we listen for, and whether a post is it.

Owns Watch, Identity and match(). Our own posts, reposts of ourselves and authors who asked not to be
followed fall here and go no further. Refuses any I/O.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from core.assessment import Language
from core.post import Platform, Post

# So long may one keyword, hashtag or excluded word be: it fits every platform's rules and searches, of which the
# shortest have 512 characters, beside the exclusions that go with it.
MOST_WORD = 200


class Via(StrEnum):
    """How a post came to concern us, strongest first."""

    MENTION = "mention"
    HASHTAG = "hashtag"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are on one platform: the account's name in the config, its handle and its native id."""

    account: str
    platform: Platform
    handle: str
    native_id: str


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What one account listens for. Words match whole words, whatever their case.

    `languages` narrows hashtags and keywords, where the platform says a post's language; who addresses us is heard in
    any.
    """

    account: str
    mentions: bool = True
    hashtags: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    subreddits: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()

    @cached_property
    def wanted_hints(self) -> frozenset[str]:
        """The platforms' words for `languages`; those that platforms take for one another count together."""
        hints = {_HINTS.get(language, frozenset({language.value})) for language in self.languages}
        return frozenset().union(*hints)

    @cached_property
    def wanted_hashtags(self) -> frozenset[str]:
        """The hashtags, lower case, without #."""
        return frozenset(tag.lstrip("#").casefold() for tag in self.hashtags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A post that concerns us, how, and whether its author summoned us (addressed us directly)."""

    post: Post
    account: str
    via: Via
    matched: str
    is_summons: bool


def match(
    post: Post, watches: tuple[Watch, ...], us: Identity, *, not_followed: frozenset[str] = frozenset()
) -> Mention | None:
    """Return how `post` concerns `us`, or None.

    `not_followed` holds native ids of authors who asked not to be followed.
    """
    if is_ours(post, us) or post.author.native_id in not_followed or _is_repost_of_us(post, us):
        return None
    summons = is_summons(post, us)
    best: Mention | None = None
    for watch in watches:
        found = match_one(post, watch, summons=summons, handle=us.handle)
        if found is None:
            continue
        via, matched = found
        candidate = Mention(post=post, account=us.account, via=via, matched=matched, is_summons=summons)
        if best is None or _RANK[via] < _RANK[best.via]:
            best = candidate
    return best


def match_one(post: Post, watch: Watch, *, summons: bool, handle: str) -> tuple[Via, str] | None:
    """Return how one watch hears a post, and what matched; None where it does not.

    `summons` is whether its author addressed us, `handle` is ours.
    """
    if any(_contains(post.text, word) for word in watch.exclude):
        return None
    if watch.mentions and summons:
        return Via.MENTION, handle
    if not _is_spoken(post, watch):
        return None
    for tag in sorted(watch.wanted_hashtags & post.hashtags):
        return Via.HASHTAG, f"#{tag}"
    for word in watch.keywords:
        if _contains(post.text, word):
            return Via.KEYWORD, word
    return None


def problem_with_word(word: str) -> str | None:
    """Return why nothing can be sought by a keyword, hashtag or excluded word; None where it can be."""
    if len(word) > MOST_WORD:
        return f"{word[:20] + '…'!r} has {len(word)} characters; {MOST_WORD} are the most"
    # Emoji are sought and found; punctuation alone makes an empty rule, which a platform refuses.
    if not any(one.isalnum() or unicodedata.category(one) == "So" for one in word):
        return f"{word!r} has no letter, no figure and no emoji, so nothing can be sought by it"
    return None


def is_ours(post: Post, us: Identity) -> bool:
    """Whether we wrote it ourselves."""
    return post.author.native_id == us.native_id or post.author.handle.casefold() == us.handle.casefold()


def is_summons(post: Post, us: Identity) -> bool:
    """Whether the author addressed us: named our handle, answered us, or quoted us.

    Who reposts addresses nobody: the names in it are the first author's.
    """
    return not post.is_repost and (
        us.handle.casefold() in post.mentions
        or (post.parent_author_id is not None and post.parent_author_id == us.native_id)
        or (post.quoted_author_id is not None and post.quoted_author_id == us.native_id)
    )


def is_only_quoted(mention: Mention) -> bool:
    """Whether what matched stands only in a repost, a citation, or a post quoted without a word to us.

    In a storm most posts are such: they talk about us, not to us.
    """
    text = unicodedata.normalize("NFC", mention.post.text)
    if _contains(text, mention.matched):
        return not _contains(_CITED.sub(" ", text), mention.matched)
    return mention.post.quoted_author_id is not None and mention.post.parent_id is None


# A repost by hand, a line of Reddit's ">", and what stands between quotation marks if it is more than a name.
_CITED = re.compile(
    r"(?s:\bRT @\w+:.*)|^[ \t]*>[^\n]*$"
    r"|\"[^\"\n]{20,400}\"|[\u201c\u201d\u201e][^\u201c\u201d\n]{20,400}[\u201c\u201d]"
    r"|\u00bb[^\u00ab\u00bb\n]{20,400}\u00ab|\u00ab[^\u00ab\u00bb\n]{20,400}\u00bb",
    re.MULTILINE,
)
# Danish and Norwegian are often taken for one another, and a wrong hint must lose no post.
_DANO_NORWEGIAN = frozenset({"da", "no", "nb", "nn"})
_HINTS = {Language.DA: _DANO_NORWEGIAN, Language.NB: _DANO_NORWEGIAN, Language.NN: _DANO_NORWEGIAN}
# What a platform says that cannot tell.
_NO_HINTS = frozenset({"", "und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"})
_RANK = {via: rank for rank, via in enumerate(Via)}


def _is_repost_of_us(post: Post, us: Identity) -> bool:
    return post.is_repost and (
        post.quoted_author_id == us.native_id or post.text.casefold().startswith(f"rt @{us.handle.casefold()}:")
    )


def _is_spoken(post: Post, watch: Watch) -> bool:
    """Whether a post is in a language of the watch, as far as the platform says: what it cannot tell is heard."""
    hint = (post.language_hint or "").partition("-")[0].casefold()
    return not watch.languages or hint in _NO_HINTS or hint in watch.wanted_hints


def _contains(text: str, word: str) -> bool:
    return _whole_word(word).search(unicodedata.normalize("NFC", text)) is not None


@lru_cache(maxsize=4096)
def _whole_word(word: str) -> re.Pattern[str]:
    """A phrase matches across any white space; a letter or digit beside it makes it another word."""
    body = r"\s+".join(re.escape(part) for part in unicodedata.normalize("NFC", word).split())
    return re.compile(rf"(?<!\w){body}(?!\w)", re.IGNORECASE)


def hashtags_in(text: str) -> frozenset[str]:
    """Return the hashtags of a text, lower case, without #, where the platform does not list them."""
    found = re.findall(r"(?<![\w&/])#(\w+)", text)
    # Numbers alone are no hashtag, however they are written: #1, #¹.
    return frozenset(tag.casefold() for tag in found if any(character.isalpha() for character in tag))
