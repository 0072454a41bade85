"""What is typed into the search field is words, never syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sought import Sought, Term, read, words_of


def _term(*words: str, is_prefix: bool = False) -> Term:
    return Term(words=words, is_prefix=is_prefix)


def _stem(*words: str) -> Term:
    return _term(*words, is_prefix=True)


@pytest.mark.parametrize(
    ("typed", "terms", "excluded"),
    [
        ("faktura", [_stem("faktura")], []),
        ('"faktura"', [_term("faktura")], []),
        ("gas", [_term("gas")], []),
        ("ring", [_stem("ring")], []),
        ("Faktura ÆRØ", [_stem("faktura"), _term("ærø")], []),
        ('"tredje gang"', [_term("tredje", "gang")], []),
        ('"tredje gang', [_term("tredje", "gang")], []),
        ("faktur*", [_term("faktur", is_prefix=True)], []),
        ('"tredje ga"*', [_term("tredje", "ga", is_prefix=True)], []),
        ("f*", [_term("f")], []),
        ("faktura -betalt", [_stem("faktura")], [_stem("betalt")]),
        ('faktura -"er betalt"', [_stem("faktura")], [_term("er", "betalt")]),
        ("@jensen_kbh", [_term("jensen", "kbh")], []),
        ("@kbh_jensen", [_stem("kbh", "jensen")], []),
        ("wi-fi", [_term("wi", "fi")], []),
        ("faktura faktura", [_stem("faktura")], []),
        (
            "a AND b OR NOT c NEAR(d)",
            [*map(_term, ("a", "and", "b", "or", "not", "c")), _term("near", "d")],
            [],
        ),
        ("text:faktura", [_stem("text", "faktura")], []),
        ("e\u0301te", [_term("\u00e9te")], []),
        ("-", [], []),
        ('* " -* "" \'\'', [], []),
        ("", [], []),
        ("-betalt", [], [_stem("betalt")]),
    ],
)
def test_what_is_typed_is_read_as_words(typed: str, terms: list[Term], excluded: list[Term]) -> None:
    assert read(typed) == Sought(terms=tuple(terms), excluded=tuple(excluded))


@given(st.text(max_size=120))
def test_whatever_is_typed_means_something(typed: str) -> None:
    sought = read(typed)
    for term in sought.terms + sought.excluded:
        assert all(word and words_of(word) == (word,) for word in term.words)


@given(st.text(max_size=80))
def test_a_text_holds_itself(text: str) -> None:
    quoted = text.replace('"', " ")
    assert read(f'"{quoted}"').is_in(text) == bool(words_of(quoted))


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("regning", True),
        ('"regning"', False),
        ("regn", True),
        ("reg", False),
        ("regn*", True),
        ('"min regning"', False),
        ('"regningen er"', True),
        ("regningen -forkert", False),
        ("regningen -rigtig", True),
        ("kari regningen", True),
        ('"forkert kari"', False),
        ("-forkert", False),
        ("", False),
    ],
)
def test_a_text_and_its_author_hold_what_is_sought_together(typed: str, is_found: bool) -> None:
    assert read(typed).is_in("Regningen er forkert!", "kari_n", "Kari Nordmann") is is_found
