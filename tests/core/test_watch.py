"""What concerns us and what does not: whole words in Nordic letters, and never our own posts."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.watch import Mention, Via, Watch, hashtags_in, is_only_quoted, is_summons, match
from tests.builders import US, a_mention, a_post, an_author

WATCH = Watch(account="x-main", hashtags=("#Fjordnet", "fjordhjælp"), keywords=("fjordnet", "blå kærlighed"))
WORDS = Watch(account="x-main", mentions=False, keywords=("ål", "Ørsted", "C++", "fjord net"))

texts = st.text(max_size=60) | st.lists(
    st.sampled_from(["fjordnet", "@Fjordnet", "#fjordhjælp", "blå kærlighed", "RT @fjordnet:", "ÆØÅ", "\n"])
).map(" ".join)
handles = st.sampled_from(["Fjordnet", "fjordnet", "FJORDNET"])


def matched(text: str, *watches: Watch, **changes: Any) -> Mention | None:
    post = a_post(text=text, **{"mentions": frozenset(), **changes})
    return match(post, watches or (WORDS,), US)


@given(text=texts, handle=handles, hashtags=st.frozensets(st.sampled_from(["fjordnet", "fjordhjælp", "andet"])))
def test_our_own_posts_never_match(text: str, handle: str, hashtags: frozenset[str]) -> None:
    ours = a_post(text=text, author=an_author("1"), hashtags=hashtags)
    same_handle = replace(ours, author=an_author("2", handle=handle))
    assert match(ours, (WATCH, WORDS), US) is None
    assert match(same_handle, (WATCH, WORDS), US) is None


@given(text=texts)
def test_authors_who_asked_not_to_be_followed_never_match(text: str) -> None:
    assert match(a_post(text=text), (WATCH, WORDS), US, not_followed=frozenset({"77"})) is None


@given(text=texts, rest=texts)
def test_reposts_of_ourselves_never_match(text: str, rest: str) -> None:
    by_quote = a_post(text=text, is_repost=True, quoted_author_id="1")
    by_text = a_post(text=f"RT @FjordNet: {rest}", is_repost=True)
    assert match(by_quote, (WATCH,), US) is None
    assert match(by_text, (WATCH,), US) is None


@given(before=texts, after=texts)
def test_an_excluded_word_silences_its_watch_whatever_else_matches(before: str, after: str) -> None:
    watch = replace(WATCH, exclude=("konkurrence",))
    assert match(a_post(text=f"{before} Konkurrence {after}"), (watch,), US) is None


def test_an_exclusion_silences_only_its_own_watch() -> None:
    watch = replace(WATCH, exclude=("konkurrence",))
    found = matched("konkurrence om ål", watch, WORDS)
    assert found is not None
    assert found.matched == "ål"


@given(letters=st.text(alphabet="abcæøåäöÆØÅÄÖéü0123456789_", min_size=1, max_size=5))
def test_a_letter_beside_a_word_makes_it_another_word(letters: str) -> None:
    assert matched(f"en {letters}ål i åen") is None
    assert matched(f"en ål{letters} i åen") is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("en ÅL!", "ål"),
        ("(ål)", "ål"),
        ("ørsted.", "Ørsted"),
        ("#ØRSTED", "Ørsted"),
        ("C++ er svært", "C++"),
        ("fjord\n  net", "fjord net"),
        (unicodedata.normalize("NFD", "en ål"), "ål"),
    ],
)
def test_words_match_in_any_case_spacing_and_spelling_of_their_letters(text: str, word: str) -> None:
    found = matched(text)
    assert found is not None
    assert (found.via, found.matched) == (Via.KEYWORD, word)


@pytest.mark.parametrize("text", ["ålen", "kål", "Ørsteds", "Oersted", "fjordnet", "C+", ""])
def test_other_words_do_not_match(text: str) -> None:
    assert matched(text) is None


def test_a_keyword_without_marks_is_not_found_in_a_decomposed_word() -> None:
    watch = Watch(account="x-main", mentions=False, keywords=("al",))
    assert matched(unicodedata.normalize("NFD", "ål al" + "å"), watch) is None


def test_hashtags_match_whole_and_in_any_case() -> None:
    found = matched("hjælp", WATCH, hashtags=frozenset({"fjordhjælp", "andet"}))
    assert found is not None
    assert (found.via, found.matched) == (Via.HASHTAG, "#fjordhjælp")
    assert matched("hjælp", WATCH, hashtags=frozenset({"fjordhjælpen"})) is None


def test_the_strongest_way_wins_whatever_the_order_of_the_watches() -> None:
    post = a_post(text="fjordnet", hashtags=frozenset({"fjordnet"}))
    keyword = Watch(account="x-main", mentions=False, keywords=("fjordnet",))
    hashtag = Watch(account="x-main", mentions=False, hashtags=("fjordnet",))
    mention = Watch(account="x-main")
    for watches in ((keyword, hashtag, mention), (mention, hashtag, keyword)):
        found = match(post, watches, US)
        assert found is not None
        assert found.via is Via.MENTION
    found = match(replace(post, mentions=frozenset()), (keyword, hashtag, mention), US)
    assert found is not None
    assert found.via is Via.HASHTAG


@pytest.mark.parametrize(
    ("changes", "summons"),
    [
        ({"mentions": frozenset({"fjordnet"})}, True),
        ({"mentions": frozenset(), "parent_author_id": "1"}, True),
        ({"mentions": frozenset(), "quoted_author_id": "1"}, True),
        ({"mentions": frozenset({"other"}), "parent_author_id": "2", "quoted_author_id": "3"}, False),
        ({"mentions": frozenset()}, False),
    ],
)
def test_naming_answering_and_quoting_us_summon_us(changes: dict[str, Any], summons: bool) -> None:
    assert is_summons(a_post(**changes), US) is summons


def test_who_reposts_another_persons_complaint_has_not_summoned_us() -> None:
    post = a_post(text="RT @other: @fjordnet fjordnet er nede", is_repost=True)
    assert not is_summons(post, US)
    found = match(post, (WATCH,), US)
    assert found is not None
    assert (found.via, found.is_summons) == (Via.KEYWORD, False)


def test_a_watch_without_mentions_still_says_that_we_were_summoned() -> None:
    watch = Watch(account="x-main", mentions=False, keywords=("internetforbindelse",))
    found = match(a_post(), (watch,), US)
    assert found is not None
    assert (found.via, found.is_summons) == (Via.KEYWORD, True)


@given(text=st.text(max_size=80))
def test_every_hashtag_found_stands_in_the_text_and_holds_a_letter(text: str) -> None:
    for tag in hashtags_in(text):
        assert f"#{tag}" in text.casefold()
        assert any(not character.isdigit() for character in tag)


def test_hashtags_are_found_in_nordic_letters_and_not_in_links_or_numbers() -> None:
    text = "#Blåbær og #æble, ikke #1 eller https://a.dk/#top eller a#b &#x27; men #a1"
    assert hashtags_in(text) == frozenset({"blåbær", "æble", "a1"})


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("RT @avisen: sådan behandler @fjordnet sine kunder", True),
        ("Se lige: RT @avisen: @fjordnet igen", True),
        ("@fjordnet RT @avisen: sådan behandler I jeres kunder", False),
        ("> u/fjordnet har hævet prisen\n\nDet er da utroligt", True),
        ("> u/fjordnet har hævet prisen\n\nHvorfor, u/fjordnet?", False),
        ('Han sagde "min bredbånd hos @fjordnet er væk igen" og gik', True),
        ("Hon skrev ”jag byter från @fjordnet redan i dag” igår", True),
        ("Avisen: »alle forlader @fjordnet i denne uge«", True),
        ('Hej "@fjordnet", hvor er I?', False),
        ("@fjordnet min forbindelse er væk", False),
        ("Jeg svarer jer uden at nævne jer", False),
    ],
)
def test_a_name_in_somebody_elses_words_is_only_quoted(text: str, quoted: bool) -> None:
    assert is_only_quoted(a_mention(post=a_post(text=text))) is quoted


def test_a_post_of_ours_that_is_quoted_without_a_word_to_us_is_only_quoted() -> None:
    silent = a_post(text="sikke noget vrøvl", quoted_author_id="1")
    assert is_only_quoted(a_mention(post=silent))
    assert not is_only_quoted(a_mention(post=replace(silent, text="sikke noget vrøvl, @fjordnet")))
    assert not is_only_quoted(a_mention(post=replace(silent, parent_id="9"))), "it answers somebody, perhaps us"


@given(text=texts | st.text(alphabet='">»«“” @\nRT:x', max_size=2000))
def test_no_text_makes_the_search_for_quotations_slow_or_fail(text: str) -> None:
    is_only_quoted(a_mention(post=a_post(text=text)))
