"""What every text goes through before a model reads it, in training and in service alike.

Owns the masking of handles, links and addresses, and the defusing of special-token spellings.
Refuses to own language or meaning.
"""

import re
import unicodedata

# Half an emoji, cut apart by some platform's counting: no tokenizer takes it.
_HALF = re.compile(r"[\ud800-\udfff]")
# The look behind keeps a long word from being tried at each of its letters.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+")
_URL = re.compile(r"(?:https?://|www\.)\S+|\bt\.co/\S+")
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z0-9_][\w.-]*(?:@[\w.-]+)?|(?<!\w)/?u/[\w-]{3,20}")
# Tokenizers read the wide and the small brackets as the plain ones, and skip over control characters.
_BRACKETED = re.compile(r"[<＜﹤]([^<>＜＞﹤﹥\s]+)[>＞﹥]")
_SPECIAL = frozenset({"s", "pad", "unk", "mask"})
_LONGEST_WORD = 100
_ENDLESS = re.compile(rf"[^\s]{{{_LONGEST_WORD + 1},}}")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\S+")


# No platform's post carries its meaning beyond this, and tokenizers slow down with the square of a word's length.
MOST_CHARACTERS = 4_000


def normalise(text: str) -> str:
    """Return `text` as the model reads it: NFC, one line, people and links masked.

    A post may spell a special token ("<s>", "<mask>"); tokenizers turn that into the real one,
    which would let an author steer the score, so the brackets are parted first.
    """
    text = unicodedata.normalize("NFC", whole(text[:MOST_CHARACTERS]))
    text = _EMAIL.sub("[email]", text)
    text = _URL.sub("http", text)
    text = _HANDLE.sub("@user", text)
    text = _BRACKETED.sub(_parted, text)
    text = _ENDLESS.sub(lambda word: word[0][:_LONGEST_WORD], text)
    return _SPACE.sub(" ", text).strip()


def whole(text: str) -> str:
    """Return `text` with every half of a surrogate pair replaced."""
    return _HALF.sub("\ufffd", text)


def _parted(found: re.Match[str]) -> str:
    """Part the brackets from the name of a special token, however it is dressed up."""
    name = "".join(char for char in unicodedata.normalize("NFKC", found[1]).casefold() if char.isalnum())
    return f"< {found[1]} >" if name in _SPECIAL else found[0]


def words_of(text: str) -> list[tuple[int, int]]:
    """Return where the words of `text` stand, as start and end: as many as `normalise` leaves of MOST_CHARACTERS.

    Where it parts or cuts words their number differs; whoever needs both must compare.
    """
    return [found.span() for found in _WORD.finditer(text)]
