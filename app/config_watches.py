"""The tables [[watches]] of the operator's file and of a rulebook: what each account listens for.

Owns their format, and that no watch is taken which can hear nothing. Refuses to match posts: `core.watch` does.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.config_accounts import nearest
from app.toml_lines import Path
from core.assessment import Language
from core.config import AccountConfig
from core.post import Platform
from core.watch import Watch, problem_with_word

if TYPE_CHECKING:
    from app.config import Reader

_WATCH_KEYS = ("account", "mentions", "hashtags", "keywords", "exclude", "subreddits", "languages")


def watches_of(
    reader: "Reader", whole: Mapping[str, Any], accounts: tuple[AccountConfig, ...], names: list[str]
) -> tuple[Watch, ...]:
    """Read every [[watches]] table."""
    platforms = {account.name: account.platform for account in accounts}
    watches: list[Watch] = []
    for index, table in enumerate(reader.tables(whole, "watches")):
        path: Path = ("watches", index)
        reader.known(table, path, _WATCH_KEYS)
        watch = Watch(
            account=reader.text(table, path, "account"),
            mentions=reader.flag(table, path, "mentions", default=True),
            hashtags=_hashtags(reader, table, path),
            keywords=reader.texts(table, path, "keywords"),
            exclude=reader.texts(table, path, "exclude"),
            subreddits=tuple(sub.removeprefix("r/") for sub in reader.texts(table, path, "subreddits")),
            languages=_watched_languages(reader, table, path),
        )
        _check_watch(reader, path, watch, names, platforms)
        watches.append(watch)
    _check_reddit(reader, watches, platforms)
    return tuple(watches)


def _watched_languages(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[Language, ...]:
    known = [language.value for language in Language if language is not Language.UNSURE]
    spelled = reader.texts(table, path, "languages")
    for one in spelled:
        if one not in known:
            reader.fault((*path, "languages"), f"{one!r} is unknown; known: {', '.join(known)}")
    return tuple(Language(one) for one in spelled if one in known)


def _hashtags(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """As platforms spell them: letters in one piece, no space around."""
    return tuple(unicodedata.normalize("NFC", tag).strip() for tag in reader.texts(table, path, "hashtags"))


def _check_watch(
    reader: "Reader", path: Path, watch: Watch, names: list[str], platforms: Mapping[str, Platform]
) -> None:
    if watch.account and watch.account not in names:
        reader.fault((*path, "account"), f"there is no account {watch.account!r}; {nearest(watch.account, names)}")
    if not (_seeks(watch) or watch.subreddits):
        reader.fault(path, "listens for nothing: give it mentions, hashtags or keywords")
    if watch.subreddits and platforms.get(watch.account, Platform.REDDIT) is not Platform.REDDIT:
        reader.fault((*path, "subreddits"), "only a Reddit account can follow subreddits")
    for key, words in (("hashtags", watch.hashtags), ("keywords", watch.keywords), ("exclude", watch.exclude)):
        for word in words:
            what = problem_with_word(word) or (_problem_with_hashtag(word) if key == "hashtags" else None)
            if what is not None:
                reader.fault((*path, key), what)


def _seeks(watch: Watch) -> bool:
    """Whether anything can match it."""
    return bool(watch.mentions or watch.hashtags or watch.keywords)


def _problem_with_hashtag(tag: str) -> str | None:
    """Return why no platform makes a hashtag of it; None where they do."""
    bare = tag.lstrip("#")
    if not re.fullmatch(r"\w+", bare):
        return f"{tag!r} is not a hashtag: it has more than letters, figures and _; put it in keywords"
    if not any(character.isalpha() for character in bare):
        return f"{tag!r} is not a hashtag: it has no letter; put it in keywords"
    return None


def _check_reddit(reader: "Reader", watches: list[Watch], platforms: Mapping[str, Platform]) -> None:
    """Subreddits are those of the account, and every watch of it is matched in their comments."""
    for index, watch in enumerate(watches):
        if platforms.get(watch.account) is not Platform.REDDIT:
            continue
        path: Path = ("watches", index)
        ours = [other for other in watches if other.account == watch.account]
        if watch.subreddits and not any(map(_seeks, ours)):
            what = "their comments are read and nothing in them is sought: add mentions, hashtags or keywords"
            reader.fault((*path, "subreddits"), what)
        if watch.hashtags and not any(other.subreddits for other in ours):
            what = "Reddit is not searched for hashtags: add subreddits, or put them in keywords"
            reader.fault((*path, "hashtags"), what)
