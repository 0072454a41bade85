"""Whom a note calls, what it quotes, and tags."""

import pytest

from core.errors import BadValue
from core.note import called, quotes, tidy_tag

NAMES = ["Kari Nordmann", "Kari Hansen", "Lars", "Åse Ø"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Lars kan du se på det?", ["Lars"]),
        ("@lars og @åse", ["Lars", "Åse Ø"]),
        ("@kari hansen ved det", ["Kari Hansen"]),
        ("@Kari ved det", []),
        ("skriv til lars@hav.dk", []),
        ("@Larsen", []),
        ("ingen", []),
    ],
)
def test_a_note_calls_whom_it_names(text: str, expected: list[str]) -> None:
    assert called(text, NAMES) == expected


@pytest.mark.parametrize(
    ("note", "said", "expected"),
    [
        ("Han skriver: tredje gang jeg ringer, tjek det", "@hav tredje gang jeg RINGER!!!", True),
        ("Vent på lageret", "@hav tredje gang jeg ringer", False),
        ("Hun sagde Farvel", "farvel", True),
        ("Ring til ham", "", False),
        ("jeg ringer", "tredje gang jeg ringer", False),
    ],
)
def test_a_note_that_repeats_a_post_quotes_it(note: str, said: str, expected: bool) -> None:
    assert quotes(note, [said]) is expected


def test_a_tag_is_tidied_or_refused_with_the_reason() -> None:
    assert tidy_tag("  #Router   Fejl ") == "router fejl"
    for bad in ("", "#", "a,b", "x" * 41):
        with pytest.raises(BadValue):
            tidy_tag(bad)
