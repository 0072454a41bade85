"""What changed between a draft and what was sent, word by word.

Owns that comparison. Pure: refuses to know replies.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

# Words with the space behind them, so that the parts joined are the texts again.
_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of text: "same", "gone" (only in the draft) or "new" (only in what was sent)."""

    kind: str
    text: str


def word_diff(before: str, after: str) -> tuple[Part, ...]:
    """Return both texts as one: all but what is new is the draft, all but what is gone is what was sent."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(a=[word.strip() for word in old], b=[word.strip() for word in new], autojunk=False)
    made: list[Part] = []
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        gone, fresh = "".join(old[old_from:old_to]), "".join(new[new_from:new_to])
        if tag == "equal":
            made.append(Part(kind="same", text=fresh))
            continue
        if gone:
            made.append(Part(kind="gone", text=gone))
        if fresh:
            made.append(Part(kind="new", text=fresh))
    return tuple(made)
