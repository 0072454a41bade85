"""Texts spelt anew for training: what a hurried hand changes, and what it leaves alone."""

from __future__ import annotations

import random
from collections import Counter

from sentiment.training.spelling import respelt

POST = "Hvordan kan pakken fra @user endnu ikke være kommet til Århus? Jeg savner forklaringer 😡 http."


def drawn(text: str, times: int = 4_000) -> Counter[str]:
    hand = random.Random(7)
    return Counter(respelt(text, hand) for _ in range(times))


def test_about_half_of_the_texts_stay_as_they_are() -> None:
    assert 0.5 < drawn(POST)[POST] / 4_000 < 0.65


def test_each_way_is_taken_and_what_a_mood_may_hang_on_stays() -> None:
    made = drawn(POST)
    assert any(text == POST.lower() for text in made)
    assert POST.removesuffix(".") in made
    assert any("vaere" in text and "Aarhus" in text for text in made)
    for text in made:
        assert [text.count(kept) for kept in ("@user", "http", "😡", "?", "ikke")] == [1] * 5
        assert len(text.split()) == len(POST.split())


def test_a_slip_is_of_one_letter_inside_one_long_word() -> None:
    made = drawn("forklaringer om det")
    slips = {text.split()[0] for text in made if text.endswith(" om det")} - {"forklaringer"}
    assert {len(word) for word in slips} == {11, 12, 13}
    assert all(word[0] == "f" and word[-1] == "r" for word in slips)


def test_a_text_without_anything_to_spell_anew_is_left() -> None:
    for text in ("", "😡", "?!", "@user", "http", "[email]"):
        assert drawn(text, 500) == {text: 500}
