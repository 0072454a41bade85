"""An acknowledgement's text: their language, their matter, never the same twice running, and it fits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent, Language, Sentiment
from core.decision import Facts
from core.errors import ConfigError
from core.post import Platform
from platforms.policy import MAX_LENGTH, length_of
from responder.draft import Templates, load
from tests.builders import a_heard, a_mention, a_post, an_assessment, an_author, some_facts

SIGNATURE = "^Kundeservice Fjordnet"


def templates(house: Language = Language.SV, brand: str = "Fjordnet", signature: str = SIGNATURE) -> Templates:
    return load(brand=brand, house_language=house, signatures={"x-main": signature})


def facts_about(
    *, post_id: int = 1, platform: Platform = Platform.X, handle: str = "kari", last: str | None = None, **judged: Any
) -> Facts:
    post = a_post(platform=platform, author=an_author(handle=handle))
    heard = a_heard(id=post_id, mention=a_mention(post=post))
    return some_facts(heard=heard, assessment=an_assessment(**judged), last_text=last)


LOADED = templates()


@given(
    first=st.integers(1, 10_000),
    second=st.integers(1, 10_000),
    language=st.sampled_from(Language),
    sentiment=st.sampled_from(Sentiment),
    intents=st.sets(st.sampled_from(Intent)),
    platform=st.sampled_from(Platform),
)
def test_one_author_never_gets_the_same_text_twice_running(
    first: int, second: int, language: Language, sentiment: Sentiment, intents: set[Intent], platform: Platform
) -> None:
    about: dict[str, Any] = {"language": language, "sentiment": sentiment, "intents": tuple(intents)}
    one = LOADED.fill(facts_about(post_id=first, platform=platform, **about))
    two = LOADED.fill(facts_about(post_id=second, platform=platform, last=one.text, **about))
    assert one.text != two.text
    assert one.template != two.template


@given(
    handle=st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=15),
    brand=st.text(min_size=1, max_size=120),
    signature=st.text(max_size=60),
    post_id=st.integers(1, 1000),
    language=st.sampled_from(Language),
)
def test_a_text_fits_its_platform_with_any_handle_brand_and_signature(
    handle: str, brand: str, signature: str, post_id: int, language: Language
) -> None:
    filled = replace(LOADED, brand=brand, signatures={"x-main": signature})
    text = filled.fill(facts_about(post_id=post_id, handle=handle, language=language)).text
    assert length_of(Platform.X, text) <= MAX_LENGTH[Platform.X]
    assert text.startswith(f"@{handle} ")
    assert text.endswith(signature)


def test_what_is_cut_says_so_and_keeps_its_name_and_signature() -> None:
    filled = replace(LOADED, signatures={"x-main": "^" + "K" * 180})
    text = filled.fill(facts_about(handle="a" * 15)).text
    assert text.startswith("@" + "a" * 15)
    assert text.endswith("… ^" + "K" * 180)
    assert length_of(Platform.X, text) <= 280


def test_names_lead_on_x_and_not_on_reddit() -> None:
    assert LOADED.fill(facts_about()).text.startswith("@kari ")
    assert "kari" not in LOADED.fill(facts_about(platform=Platform.REDDIT)).text


def test_an_account_without_a_signature_signs_nothing() -> None:
    facts = facts_about()
    other = replace(facts.heard, mention=replace(facts.heard.mention, account="x-other"))
    assert SIGNATURE not in LOADED.fill(replace(facts, heard=other)).text
    assert LOADED.fill(facts).text.endswith(f" {SIGNATURE}")


@pytest.mark.parametrize(
    ("house", "language", "answered_in"),
    [
        (Language.SV, Language.DA, "da"),
        (Language.SV, Language.NN, "nb"),
        (Language.SV, Language.UNSURE, "sv"),
        (Language.DA, Language.UNSURE, "da"),
        (Language.NN, Language.UNSURE, "nb"),
    ],
)
def test_nynorsk_is_answered_in_bokmal_and_the_unsure_in_the_houses_language(
    house: Language, language: Language, answered_in: str
) -> None:
    draft = templates(house).fill(facts_about(language=language))
    assert draft.template.startswith(f"{answered_in}/")


@pytest.mark.parametrize(
    ("sentiment", "intents", "matter"),
    [
        (Sentiment.NEGATIVE, (), "complaint"),
        (Sentiment.POSITIVE, (), "praise"),
        (Sentiment.NEUTRAL, (), "general"),
        (Sentiment.UNSURE, (), "general"),
        (Sentiment.NEUTRAL, (Intent.QUESTION,), "question"),
        (Sentiment.NEGATIVE, (Intent.QUESTION, Intent.BILLING, Intent.SAFETY), "safety"),
        (Sentiment.NEGATIVE, (Intent.PRAISE,), "complaint"),
        (Sentiment.POSITIVE, (Intent.PRAISE,), "praise"),
        (Sentiment.NEUTRAL, (Intent.LEGAL, Intent.SCAM), "general"),
    ],
)
def test_the_gravest_matter_names_the_template_and_nobody_angry_is_thanked_for_praise(
    sentiment: Sentiment, intents: tuple[Intent, ...], matter: str
) -> None:
    draft = LOADED.fill(facts_about(sentiment=sentiment, intents=intents))
    assert draft.template.split("/")[:2] == ["da", matter]


def test_a_template_never_reads_a_handle_as_anything_but_a_name() -> None:
    assert LOADED.fill(facts_about(handle="{brand}")).text.startswith("@{brand} ")


def test_every_faulty_template_is_named_at_once(tmp_path: Path) -> None:
    for language in ("da", "sv", "en"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "general.txt").write_text("one\n---\ntwo\n", encoding="utf-8")
    (tmp_path / "da" / "praise.txt").write_text("only one\n---\n\n", encoding="utf-8")
    (tmp_path / "sv" / "general.txt").unlink()
    with pytest.raises(ConfigError) as caught:
        load(brand="b", house_language=Language.EN, signatures={}, folder=tmp_path)
    assert [(Path(problem.where).name, problem.what) for problem in caught.value.problems] == [
        ("praise.txt", "needs at least two variants, parted by ---"),
        ("sv", "has no general.txt"),
        ("nb", "has no general.txt"),
    ]
