"""The same post as a hurried hand types it: no capitals, no full stop, a slip of a finger, no æ, ø or å.

Owns the ways a training text is spelt anew. Refuses whatever a mood may hang on: emoji, question and exclamation
marks, and a whole post in capitals.
"""

import random
import re

# The share of texts that is spelt anew in each way; a text may meet several.
_LOWER, _OPEN, _SLIP, _FOLDED = 0.2, 0.15, 0.1, 0.04
_FULL_STOP = re.compile(r"\s?\.$")
# Six letters and more: a short word with a slip is another word.
_LONG = re.compile(r"(?<![\w@#\[])[^\W\d_]{6,}(?![\w\]])")
_FOLDS = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "Æ": "Ae", "Ø": "Oe", "Å": "Aa", "ä": "a", "ö": "o", "Ä": "A", "Ö": "O"}
)


def respelt(text: str, rng: random.Random) -> str:
    """Return `text` or, by chance, what a hurried hand makes of it."""
    if rng.random() < _OPEN:
        text = _FULL_STOP.sub("", text)
    if rng.random() < _SLIP:
        text = _slipped(text, rng)
    if rng.random() < _FOLDED:
        text = text.translate(_FOLDS)
    return text.lower() if rng.random() < _LOWER else text


def _slipped(text: str, rng: random.Random) -> str:
    """Return `text` with one letter inside a long word left out, doubled, or before its time."""
    words = list(_LONG.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    left_out, doubled = text[at + 1 :], text[at] + text[at:]
    return text[:at] + rng.choice([left_out, doubled, text[at + 1] + text[at] + text[at + 2 :]])
