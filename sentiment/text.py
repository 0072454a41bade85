"""What every text goes through before a model reads it, in training and in service alike.

Owns the masking of handles, links and addresses, and the defusing of special-token spellings.
Refuses to own language or meaning.
"""

import re
import unicodedata

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_URL = re.compile(r"(?:https?://|www\.)\S+|\bt\.co/\S+")
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z0-9_][\w.-]*(?:@[\w.-]+)?|(?<!\w)/?u/[\w-]{3,20}")
_SPECIAL = re.compile(r"<(/?)(s|pad|unk|mask)>", re.IGNORECASE)
_LONGEST_WORD = 100
_ENDLESS = re.compile(rf"[^\s]{{{_LONGEST_WORD + 1},}}")
_SPACE = re.compile(r"\s+")


# No platform's post carries its meaning beyond this, and tokenizers slow down with the square of a word's length.
_MOST_CHARACTERS = 4_000


def normalise(text: str) -> str:
    """Return `text` as the model reads it: NFC, one line, people and links masked.

    A post may spell a special token ("<s>", "<mask>"); tokenizers turn that into the real one,
    which would let an author steer the score, so the brackets are parted first.
    """
    text = unicodedata.normalize("NFC", text[:_MOST_CHARACTERS])
    text = _EMAIL.sub("[email]", text)
    text = _URL.sub("http", text)
    text = _HANDLE.sub("@user", text)
    text = _SPECIAL.sub(r"< \1\2 >", text)
    text = _ENDLESS.sub(lambda word: word[0][:_LONGEST_WORD], text)
    return _SPACE.sub(" ", text).strip()
