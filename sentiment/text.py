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
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Return `text` as the model reads it: NFC, one line, people and links masked.

    A post may spell a special token ("<s>", "<mask>"); tokenizers turn that into the real one,
    which would let an author steer the score, so the brackets are parted first.
    """
    text = unicodedata.normalize("NFC", text)
    text = _EMAIL.sub("[email]", text)
    text = _URL.sub("http", text)
    text = _HANDLE.sub("@user", text)
    text = _SPECIAL.sub(r"< \1\2 >", text)
    return _SPACE.sub(" ", text).strip()
