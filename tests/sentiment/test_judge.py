"""The weighing of model against words, and the reasons: monotone, bounded, and true when tried."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Assessment, Intent, Language, Probabilities
from core.correction import TaughtCue
from sentiment.base import SHIPPED, Heads, Reading
from sentiment.encoder import Encoder
from sentiment.judge import judge, weigh
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.reasons import _without
from sentiment.training.written import read_posts
from sentiment.urgency import UrgencyReader

CUES = UrgencyReader()
DATA = Path(__file__).parents[1] / "data"

p = st.floats(0, 1)
levels = st.tuples(p, p, p).map(lambda three: tuple(sorted(three, reverse=True)))
points = st.floats(-50, 300)


def a_reading(
    first: float, second: float, third: float, *, found: tuple[Intent, ...] = (), likely: float = 0.0
) -> Reading:
    return Reading(
        language=Language.DA,
        probabilities=Probabilities(negative=0.2, neutral=0.6, positive=0.2),
        heads=Heads(
            anger=0.1,
            offensive=0.0,
            irony=0.0,
            levels=(first, second, third),
            intents=dict.fromkeys(Intent, likely),
            found=found,
        ),
    )


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(Encoder(SHIPPED), LanguageReader(), CUES, unsure_below=0.5)


def read(reader: Reader, *texts: str) -> list[Assessment]:
    return reader.read(texts, [None] * len(texts), [None] * len(texts))


@given(levels, points, st.integers(0, 2), p, st.floats(0, 100))
def test_more_of_anything_never_lowers_the_urgency(
    three: tuple[float, float, float], cues: float, at: int, more: float, further: float
) -> None:
    raised = list(three)
    raised[at] = max(raised[at], more)
    now = weigh(three, cues)
    assert 0 <= now <= 100
    assert weigh((raised[0], raised[1], raised[2]), cues) >= now
    assert weigh(three, cues + further) >= now


def test_reach_is_added_and_told() -> None:
    calm = a_reading(0.9, 0.5, 0.1)
    unknown = judge(CUES, "Hej", reading=calm)
    famous = judge(CUES, "Hej", reading=calm, followers=500_000)
    assert famous.urgency - unknown.urgency == famous.told[0].points == 15
    assert famous.exact == unknown.exact


def test_a_grave_cue_stands_against_the_model_and_an_ordinary_one_does_not() -> None:
    sure_it_is_not = a_reading(0.1, 0.0, 0.0)
    lawyer = judge(CUES, "Min advokat sagsøger jer i morgen", reading=sure_it_is_not)
    parcel = judge(CUES, "Levering er nemt at sige", reading=sure_it_is_not)
    assert Intent.LEGAL in lawyer.intents
    assert Intent.DELIVERY not in parcel.intents
    assert Intent.PRAISE in judge(CUES, "Hej", reading=a_reading(0, 0, 0, found=(Intent.PRAISE,))).intents


def test_what_the_staff_taught_counts_as_it_was_set() -> None:
    words = [TaughtCue(phrase="kaput", points=30), TaughtCue(phrase="øv", points=-20)]
    taught = CUES.with_taught(words)
    calm = a_reading(0.8, 0.3, 0.05)
    for text, points in (("Den er kaput", 30), ("Den er øv", -20), ("kaput, øv", 10)):
        before, after = judge(CUES, text, reading=calm), judge(taught, text, reading=calm)
        assert after.exact - before.exact == pytest.approx(points, abs=1e-6)
    assert [reason.cue for reason in judge(taught, "Den er øv", reading=calm).told] == ["øv"]
    assert judge(taught, "Den er øv", reading=a_reading(0, 0, 0)).urgency == 0


def test_without_heads_the_words_and_the_mood_are_all_there_is() -> None:
    plain = Reading(language=Language.DA, probabilities=Probabilities(negative=0.9, neutral=0.1, positive=0.0))
    angry = judge(CUES, "Tredje gang jeg ringer, ingen hjælper!!!", reading=plain)
    assert angry.urgency > 60
    assert {reason.cue for reason in angry.cues} >= {"mood", "repetition"}
    assert angry.exact == angry.urgency


@pytest.mark.parametrize(
    "text", ["Hej", "Tredje gang jeg ringer, ingen hjælper!!!", "Det brænder, min advokat sagsøger jer"]
)
def test_without_heads_too_reach_is_added_to_what_the_words_come_to(text: str) -> None:
    plain = Reading(language=Language.DA, probabilities=Probabilities(negative=0.9, neutral=0.1, positive=0.0))
    unknown = judge(CUES, text, reading=plain)
    famous = judge(CUES, text, reading=plain, followers=500_000)
    assert (famous.exact, famous.cues) == (unknown.exact, unknown.cues)
    assert [(reason.cue, reason.points) for reason in famous.told] == [("reach", 15)]
    assert famous.urgency == min(100, unknown.urgency + 15)


def test_without_heads_too_a_word_that_was_taught_to_weigh_less_is_told() -> None:
    plain = Reading(language=Language.DA, probabilities=Probabilities(negative=0.9, neutral=0.1, positive=0.0))
    taught = CUES.with_taught([TaughtCue(phrase="øv", points=-20)])
    assert [reason.cue for reason in judge(taught, "Den er øv", reading=plain).told] == ["øv"]


def test_the_brief_of_the_house_is_met(reader: Reader) -> None:
    angry, calm = read(reader, "@brand tredje gang jeg ringer, ingen hjælper!!!", "Tusind tak for hjælpen i går ❤️")
    assert angry.language is Language.DA
    assert angry.sentiment == "negative"
    assert angry.urgency >= 60
    assert calm.sentiment == "positive"
    assert calm.urgency <= 20
    assert angry.embedding is not None
    assert len(angry.embedding) == 384


def test_every_span_of_a_reason_holds_its_words(reader: Reader) -> None:
    texts = [post.text for post in read_posts(DATA / "urgency_a.tsv")][::8]
    for text, said in zip(texts, read(reader, *texts), strict=True):
        for reason in said.reasons:
            assert reason.words == " … ".join(text[start:end] for start, end in reason.spans)
            assert reason.points >= 0


def test_taking_a_reasons_words_out_lowers_what_it_explains_and_random_words_do_less(reader: Reader) -> None:
    """The deletion test. Read again alone, for the rounding of int8 differs with what else is in the batch."""
    posts = [post.text for post in read_posts(DATA / "urgency_b.tsv")][::2]
    rng = random.Random(7)
    lowered, named, anywhere = [], [], []
    for text, said in zip(posts, read(reader, *posts), strict=True):
        for reason in said.reasons[:1]:
            if not reason.points or len(reason.spans) != 1:
                continue
            [(start, end)] = reason.spans
            cuts = [rng.randrange(max(1, len(text) - (end - start))) for _ in range(2)]
            others = [text[:at] + text[at + end - start :] for at in cuts]
            without, *rest = read(reader, text[:start] + text[end:], *others)
            lowered.append(without.urgency < said.urgency)
            named.append(said.urgency - without.urgency)
            anywhere.append(sum(said.urgency - other.urgency for other in rest) / len(rest))
    assert len(lowered) >= 100
    assert sum(lowered) / len(lowered) >= 0.9
    assert sum(named) > 1.5 * sum(anywhere)


def test_a_post_that_is_dire_twice_over_names_both(reader: Reader) -> None:
    [said] = read(reader, "Der er røg og ild i jeres bus, børnene kan ikke komme ud")
    assert {reason.words for reason in said.reasons} == {"Der er røg og ild i jeres bus", "børnene kan ikke komme ud"}


def test_who_is_widely_followed_is_told_the_same_words(reader: Reader) -> None:
    text = "Der er røg og ild i jeres bus, børnene kan ikke komme ud"
    [known] = reader.read([text], [None], [500_000])
    [unknown] = read(reader, text)
    assert [reason for reason in known.reasons if reason.cue != "reach"] == list(unknown.reasons)
    assert "reach" in {reason.cue for reason in known.reasons}


def test_a_post_without_a_word_keeps_its_lines_so_that_what_it_quotes_stays_quoted() -> None:
    quoted = "> Vi svarer altid inden en time\nDer er ild i jeres butik.  Min advokat ringer."
    start = quoted.index("ild")
    without = _without(quoted, [(start, start + 3)])
    assert without == "> Vi svarer altid inden en time\nDer er i jeres butik. Min advokat ringer."
    quiet = a_reading(0.1, 0.0, 0.0)
    assert Intent.LEGAL in judge(CUES, without, reading=quiet).intents
    answered = "Min pakke er pist væk\n> det er svindel, siger min advokat"
    start = answered.index("pist")
    assert not judge(CUES, _without(answered, [(start, len("pist væk") + start)]), reading=quiet).intents


def test_a_long_post_is_read_to_its_end(reader: Reader) -> None:
    calm = "I går var vi en tur i skoven med hunden, og vejret var godt, så vi blev der længe og drak kaffe. " * 36
    grave = "Der er røg og ild i jeres bus, børnene kan ikke komme ud. " * 3
    [without, at_the_end] = read(reader, calm, calm + grave)
    assert at_the_end.urgency >= without.urgency + 30
    assert any(reason.spans[0][0] >= len(calm) for reason in at_the_end.reasons)


def test_words_that_would_be_enough_are_enough_alone(reader: Reader) -> None:
    posts = [post.text for post in read_posts(DATA / "urgency_b.tsv")][::3]
    urgent = [said for said in read(reader, *posts) if said.urgency >= 40]
    alone = [(said, reason) for said in urgent for reason in said.reasons if not reason.points and not reason.mood]
    assert len(alone) >= 8
    for said, reason in alone:
        [again] = read(reader, reason.words)
        assert again.urgency >= 0.75 * said.urgency, reason.words
    assert sum(bool(said.reasons) for said in urgent) / len(urgent) >= 0.85


def test_under_load_what_is_worth_a_word_is_marked_and_everything_else_is_judged_the_same(reader: Reader) -> None:
    texts = ["Vi ses i biografen kl. 20", "Der lugter af gas i opgangen og ingen tager telefonen"]
    plain, urgent = reader.read(texts, [None, None], [None, None], explain=False)
    assert plain.is_explained
    assert not urgent.is_explained
    assert not urgent.reasons
    for quick, full in zip((plain, urgent), read(reader, *texts), strict=True):
        assert full.is_explained
        assert replace(quick, reasons=full.reasons, is_explained=True) == full
    assert full.reasons
