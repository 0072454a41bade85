"""What a person typed into the search field, as words to look for.

Owns the reading of it: words, "phrases", prefix*, -exclusions; and whether a text holds what is sought. Pure. Refuses
to know any database's way of searching, and to fail: whatever is typed means something, if only that nothing is found.

A word without quotes is also found as the beginning of a longer one. Nordic words carry article and plural at their
end, and are put together: who types "faktura" means "fakturaen", "fakturor" and "fakturagebyr" too.
"""

import re
import unicodedata
from dataclasses import dataclass

# Nobody types more; whoever pastes a page means its beginning.
_MOST_CHARACTERS = 300
_MOST_TERMS = 12
# A prefix of one letter is half the dictionary. Short words are whole words unless a star says otherwise: "gas" is not
# "gaster", and "der" is no "derfor".
_SHORTEST_PREFIX = 2
_SHORTEST_STEM = 4
_PIECE = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)(?:"(?P<star>\*?)|$)|(?P<word>[^\s"]+))')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Words that follow each other, lower case; the last may be the beginning of a word."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """All of `terms`, and none of `excluded`. Nothing where there are no terms."""

    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()

    def is_in(self, *texts: str) -> bool:
        """Whether texts that belong together hold what is sought, each term within one of them."""
        spoken = [words_of(text) for text in texts]
        return (
            bool(self.terms)
            and all(any(_holds(words, term) for words in spoken) for term in self.terms)
            and not any(_holds(words, term) for words in spoken for term in self.excluded)
        )


def read(typed: str) -> Sought:
    """Return what is sought."""
    terms: list[Term] = []
    excluded: list[Term] = []
    for piece in _PIECE.finditer(typed[:_MOST_CHARACTERS]):
        said = piece["word"] if piece["phrase"] is None else piece["phrase"]
        words = words_of(said)
        if not words:
            continue
        starred = bool(piece["star"]) or (piece["word"] or "").rstrip("\"'.,;:!?)").endswith("*")
        shortest = _SHORTEST_PREFIX if starred else _SHORTEST_STEM
        is_open = starred or piece["word"] is not None
        term = Term(words=words, is_prefix=is_open and len(words[-1]) >= shortest)
        kind = excluded if piece["minus"] else terms
        if term not in kind:
            kind.append(term)
    return Sought(terms=tuple(terms[:_MOST_TERMS]), excluded=tuple(excluded[:_MOST_TERMS]))


def words_of(text: str) -> tuple[str, ...]:
    """Return a text's words as both databases split them: runs of letters and figures, lower case, å as å."""
    return tuple(_WORD.findall(unicodedata.normalize("NFC", text).lower()))


def _holds(words: tuple[str, ...], term: Term) -> bool:
    count = len(term.words)
    runs = (words[at : at + count] for at in range(len(words) - count + 1))
    if not term.is_prefix:
        return term.words in runs
    return any(run[:-1] == term.words[:-1] and run[-1].startswith(term.words[-1]) for run in runs)
