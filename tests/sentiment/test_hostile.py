"""Texts that mean harm: each gets an answer, in time, in little memory, and none speaks the tokenizer's own words."""

import re
import signal
import sys
import tracemalloc
from types import ModuleType

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from core.assessment import Assessment, Language, Probabilities
from core.config import SentimentConfig
from sentiment import cues, language, text, urgency
from sentiment.base import SHIPPED, open_model
from sentiment.encoder import Encoder
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.text import normalise
from sentiment.urgency import UrgencyReader
from tests.hostile import BOMBS, MEGABYTE, NAMED, SPECIALS, faults, texts, within

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm clock, which Windows has not")

# Wide enough for a busy machine; what is quadratic in ten megabytes, or worse, needs minutes.
_SECONDS = 10.0
_MIXED = 200
_EVEN = Probabilities(negative=0.3, neutral=0.4, positive=0.3)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(SHIPPED)


@pytest.fixture(scope="module")
def languages() -> LanguageReader:
    return LanguageReader()


@pytest.fixture(scope="module")
def reader(languages: LanguageReader) -> Reader:
    return Reader(open_model(SentimentConfig()), languages, UrgencyReader(), unsure_below=0.5)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(SHIPPED)
    return tokenizer


def read(reader: Reader, hostile: str) -> Assessment:
    with within(_SECONDS):
        [said] = reader.read([hostile], [None], [None])
    return said


@pytest.mark.parametrize("name", NAMED)
def test_every_hostile_text_is_answered_in_time(reader: Reader, name: str) -> None:
    hostile = NAMED[name]()
    assert not faults(hostile, read(reader, hostile))


@pytest.mark.parametrize("name", NAMED)
def test_the_model_and_the_language_each_answer_alone(encoder: Encoder, languages: LanguageReader, name: str) -> None:
    hostile = NAMED[name]()
    with within(_SECONDS):
        [reading] = encoder.read([hostile], [Language.UNSURE])
        assert languages.read(hostile) in Language
    assert reading.heads is not None
    assert reading.heads.levels[0] >= reading.heads.levels[1] >= reading.heads.levels[2] >= 0


def test_hostile_texts_in_one_batch_spoil_nobody(reader: Reader) -> None:
    hostile = [*texts(24, seed=5), "Tusind tak for hjælpen"]
    with within(_SECONDS):
        said = reader.read(hostile, ["xx", "da-DK", "", None, "\ud800"] * 5, [None, 0, -1, 10**12, 1] * 5)
    assert [faults(one, answer) for one, answer in zip(hostile, said, strict=True)] == [[]] * len(hostile)


def test_hundreds_of_mixed_hostile_texts_are_answered(reader: Reader) -> None:
    for hostile in texts(_MIXED, seed=20261122):
        assert not faults(hostile, read(reader, hostile)), ascii(hostile[:500])


def test_mixed_texts_are_the_same_for_the_same_seed() -> None:
    assert list(texts(50, seed=3)) == list(texts(50, seed=3)) != list(texts(50, seed=4))


@pytest.mark.parametrize("around", ["{}", "hej {} verden", "{}{}", "x{}y", "@brand{}", "https://x.com/{}", "{}\n{}"])
def test_no_spelling_becomes_a_special_token(tokenizer: PreTrainedTokenizerBase, around: str) -> None:
    # <unk> is what any unknown character becomes; it steers nothing.
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    for spelling in SPECIALS:
        ids = tokenizer(normalise(around.replace("{}", spelling)))["input_ids"]
        assert not special & set(ids[1:-1]), ascii(spelling)


def test_no_mixed_text_becomes_a_special_token(tokenizer: PreTrainedTokenizerBase) -> None:
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    for hostile in texts(2_000, seed=11):
        ids = tokenizer(normalise(hostile), truncation=True, max_length=512)["input_ids"]
        assert not special & set(ids[1:-1]), ascii(hostile[:500])


@pytest.mark.parametrize("innocent", ["<3 jer", "a < b > c", "<html>", "x<y", "<ss>", "pris <100 kr>", "<3<3<3>"])
def test_ordinary_brackets_stay_as_they_are(innocent: str) -> None:
    assert normalise(innocent) == innocent


@pytest.mark.parametrize("half", ["\ud83d", "a\udfffb", "\ude00\ud83d"])
def test_half_an_emoji_is_replaced(half: str) -> None:
    normalise(half).encode()
    assert "\ufffd" in normalise(half)


@pytest.mark.parametrize("module", [text, language, cues, urgency], ids=lambda module: module.__name__)
def test_no_pattern_goes_over_a_text_again_and_again(module: ModuleType) -> None:
    patterns = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
    assert patterns
    for name, pattern in patterns.items():
        for bomb in BOMBS:
            for head, tail in (("", ""), ("a@", " x")):
                with within(_SECONDS, what=f"{name} on {bomb!a}"):
                    pattern.sub("", head + bomb * (MEGABYTE // 5 // len(bomb)) + tail)


@pytest.mark.parametrize("before", ["", "stop ", "data ", "took "])
def test_no_cue_goes_over_a_post_again_and_again(before: str) -> None:
    reader = UrgencyReader()
    for bomb in BOMBS:
        with within(_SECONDS, what=ascii(before + bomb)):
            reader.judge(before + bomb * (4_000 // len(bomb)) + " x", language=Language.UNSURE, probabilities=_EVEN)


def test_ten_megabytes_are_not_copied_about(reader: Reader) -> None:
    hostile = "svindel 😀 " * MEGABYTE
    read(reader, "warm up")
    tracemalloc.start()
    try:
        read(reader, hostile)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * sys.getsizeof(hostile)
