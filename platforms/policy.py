"""What each platform allows and costs, as dated facts.

Owns the numbers and how a length is counted. Refuses to decide anything: `responder.guards` does.

Read 2026-11 unless a line says otherwise. A number nobody could confirm is marked so.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from core.post import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One platform's terms for an account like ours."""

    read_on: date
    max_length: int
    needs_summons: bool
    """Whether an automatic reply is allowed only to authors who addressed us."""
    refuses_unsummoned: bool
    """Whether the platform's API itself refuses any reply, a person's too, to authors who did not."""
    automatic_replies_each: int
    """How many automatic replies one interaction may get."""
    forget_deleted_within_hours: int
    reply_within_hours: int | None = None
    """How long after a post it takes a reply. None: no limit is known."""
    prices_usd: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


ALLOWANCES: Mapping[Platform, Allowance] = MappingProxyType(
    {
        Platform.X: Allowance(
            read_on=date(2026, 11, 22),
            # Source: https://docs.x.com/fundamentals/counting-characters
            max_length=280,
            # Since 2026-02-23 the API itself refuses a reply to an author who did not mention or quote us.
            # Source: https://docs.x.com/changelog and https://docs.x.com/x-api/posts/manage-tweets/integrate
            needs_summons=True,
            refuses_unsummoned=True,
            # Source: https://help.x.com/en/rules-and-policies/x-automation
            automatic_replies_each=1,
            # Source: https://developer.x.com/en/developer-terms/agreement-and-policy
            forget_deleted_within_hours=24,
            # Pay-per-use since 2026-02-06. Whether a summoned reply with a link costs the reply's or the
            # link's price is unconfirmed. Source: https://docs.x.com/x-api/getting-started/pricing
            prices_usd=MappingProxyType(
                {
                    "read post": 0.005,
                    "read user": 0.010,
                    "read owned": 0.001,
                    "create post": 0.015,
                    "create post with link": 0.200,
                    "summoned reply": 0.010,
                }
            ),
        ),
        Platform.REDDIT: Allowance(
            read_on=date(2026, 11, 22),
            # Secondary source; Reddit itself says so only in its error "this is too long (max: 10000)".
            max_length=10_000,
            # Reddit forbids unsolicited replies; we answer automatically only where addressed.
            # Source: https://support.reddithelp.com/hc/en-us/articles/42728983564564 (Responsible Builder Policy)
            needs_summons=True,
            refuses_unsummoned=False,
            automatic_replies_each=1,
            # 48 hours is quoted elsewhere and unconfirmed; the house's own rule (I7) is stricter.
            forget_deleted_within_hours=24,
        ),
    }
)

MAX_LENGTH: Mapping[Platform, int] = MappingProxyType({name: terms.max_length for name, terms in ALLOWANCES.items()})


def length_of(platform: Platform, text: str) -> int:
    """Return the length of `text` as `platform` counts it: X weighted, Reddit in code points."""
    return _weighted_length(text) if platform is Platform.X else len(text)


# X's weighted count, configuration v3: most letters weigh 1, other characters and each emoji 2, a link 23.
# A bare domain such as "example.dk" is counted at no less than a link, so we never count too little.
# Source: https://github.com/twitter/twitter-text/blob/master/config/v3.json
_LINK_WEIGHT = 23
_LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_LINK = re.compile(
    rf"(?P<scheme>https?://)?(?<![\w@.-])(?P<host>(?:{_LABEL}\.)+[^\W\d_]{{2,}})(?::\d+)?"
    r"(?:[/?#](?:[^\s\u2066-\u2069\u202a-\u202e]*[\w/=&#+-])?)?",
    re.IGNORECASE,
)
_PICTURE = (
    "[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2"
    "\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_TONE = "[\ufe0f\U0001f3fb-\U0001f3ff]"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3"
    f"|{_PICTURE}{_TONE}*(?:[\U000e0020-\U000e007f]+)?(?:\u200d{_PICTURE}{_TONE}*)*"
)


def _weighted_length(text: str) -> int:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    total, at = 0, 0
    for link in _LINK.finditer(text):
        if not _is_valid_host(link["host"]):
            continue
        total += _plain_weight(text[at : link.start()])
        total += _LINK_WEIGHT if link["scheme"] else max(_LINK_WEIGHT, _plain_weight(link[0]))
        at = link.end()
    return total + _plain_weight(text[at:])


def _plain_weight(text: str) -> int:
    without_emoji, emoji = _EMOJI.subn("", text)
    return 2 * emoji + sum(1 if _is_light(ord(character)) else 2 for character in without_emoji)


def _is_light(code: int) -> bool:
    return any(first <= code <= last for first, last in _LIGHT)


def _is_valid_host(host: str) -> bool:
    """A label longer than DNS allows (63 bytes, in Punycode) is not a link, so each character counts."""
    return all(
        len(label) <= 63 and (label.isascii() or len(label.encode("punycode")) <= 59) for label in host.split(".")
    )
