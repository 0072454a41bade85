"""Owns a rough guess of a post's language for X's `lang` field. Refuses to be good at it: X's own is rough too."""

import re

MARKS = {
    "da": "jeg ikke hvad hvorfor også meget igen blevet tak af efter nogen I jer jeres måske pakken hvornår mig ingen",
    "sv": "jag inte vad varför också mycket igen är och ni er mitt efter någon tack av kanske paketet när mig ingen",
    "no": "jeg ikke hva hvorfor også veldig igjen blitt takk av etter noen dere deres kanskje pakken når meg ingen",
    "en": "the and is my you not why what again still your this with for have was it to of nobody thanks",
}
LETTERS = {"da": "æø", "no": "æø", "sv": "äö", "en": ""}
TAGS = re.compile(r"[@#]\w+|https?://\S+")


def guess(text: str) -> str:
    """Returns a code as X writes it: da, sv, no, en, `und` when nothing tells, `qht` for hashtags alone."""
    words = re.findall(r"\w+", TAGS.sub(" ", text).lower())
    if not words:
        return "qht" if "#" in text else "qam" if "@" in text else "und"
    scores = {code: _score(code, words, text.lower()) for code in MARKS}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] else "und"


def _score(code: str, words: list[str], text: str) -> float:
    marks = set(MARKS[code].lower().split())
    return sum(word in marks for word in words) + 0.5 * sum(letter in text for letter in LETTERS[code])
