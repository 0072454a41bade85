"""The acknowledgements: there in every language, brief, varied, and promising nothing."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "responder" / "templates"
LANGUAGES = ("da", "sv", "nb", "en")
INTENTS = (
    "general",
    "complaint",
    "question",
    "praise",
    "outage",
    "billing",
    "delivery",
    "cancellation",
    "safety",
)
CASES = [pytest.param(language, intent, id=f"{language}-{intent}") for language in LANGUAGES for intent in INTENTS]

# What nobody can know when an acknowledgement leaves: when, how much, and that all will be well.
PROMISES = re.compile(
    r"""\b(?:
      \d+\s*(?:min|time|dag|hour|day|tim)\w* | snart | soon | straks | omgående | genast | umiddelbart | immediately
    | i\s?dag | i\s?morgen | i\s?morgon | today | tomorrow | inden\sfor | innenfor | inom | within | shortly
    | hurtigst | snarast
    | altid | alltid | always | garanter\w* | garanti\w* | guarantee\w* | lover | lovar | promise\w*
    | sørger\sfor | ser\still\satt
    | vi\sløser | vi\slöser | vi\sfikser | vi\sfixar | vi\sordner | vi\sordnar | we\swill | we'll | vi\sskal | vi\sska
    | refun\w* | återbetal\w* | kompens\w* | compens\w* | erstat\w* | ersätt\w* | gratis | free | rabat\w* | discount
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
PERSONAL = re.compile(
    r"\b(?:cpr\w*|personnummer|telefonnummer|phone\snumber|adresse|adress|address|e-?mail\w*|e-?post\w*|mejl\w*|kundenummer"
    r"|kundnummer|customer\snumber|ordrenummer|ordernummer|order\snumber|passwor\w*|send\sos|skicka\still\soss|send\sus)\b",
    re.IGNORECASE,
)
QUEUE_WORDS = re.compile(r"\b(?:ticket|sagsnummer|ärendenummer|saksnummer|case\snumber|kø|kö|queue)\b", re.IGNORECASE)
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")


def variants(language: str, intent: str) -> list[str]:
    return (FOLDER / language / f"{intent}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n---\n")


def test_every_language_answers_every_intent_and_no_other() -> None:
    there = {(path.parent.name, path.stem) for path in FOLDER.rglob("*.txt")}
    assert there == {(language, intent) for language in LANGUAGES for intent in INTENTS}


@pytest.mark.parametrize(("language", "intent"), CASES)
def test_there_are_four_variants_or_more_and_none_begins_like_another(language: str, intent: str) -> None:
    texts = variants(language, intent)
    assert len(texts) >= 4
    assert len({text.casefold() for text in texts}) == len(texts)
    assert len({tuple(text.casefold().split()[:3]) for text in texts}) == len(texts)


@pytest.mark.parametrize(("language", "intent"), CASES)
def test_a_variant_is_one_brief_clean_line(language: str, intent: str) -> None:
    for text in variants(language, intent):
        assert 20 <= len(text) <= 200
        assert text == text.strip()
        assert "\n" not in text
        assert "  " not in text
        assert text[-1] in ".!?"


@pytest.mark.parametrize(("language", "intent"), CASES)
def test_nothing_is_promised_asked_for_or_numbered(language: str, intent: str) -> None:
    for text in variants(language, intent):
        assert not PROMISES.search(text), text
        assert not PERSONAL.search(text), text
        assert not QUEUE_WORDS.search(text), text
        assert set(re.findall(r"\{\w*\}", text)) <= {"{brand}"}
        assert "@" not in text
        assert "http" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("intent", ["complaint", "safety", "cancellation", "billing"])
def test_the_upset_are_met_without_emoji_or_exclamation(language: str, intent: str) -> None:
    for text in variants(language, intent):
        assert "!" not in text
        assert not EMOJI.search(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_danger_is_met_with_the_emergency_number(language: str) -> None:
    assert all("112" in text for text in variants(language, "safety"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_matter_is_named(language: str) -> None:
    names = {
        "billing": r"betal|regning|faktur|opkræv|debiter|trekk|payment|bill|charge",
        "delivery": r"lever|pakk|paket|deliver|parcel",
        "question": r"spørg|spørs|spør|fråg|fråga|question|ask",
        "cancellation": r"ops|stoppe|slut|säga upp|ppsäg|si opp|ppsig|forla[dt]e os|lämna oss|cancel|leav|a customer",
    }
    for intent, pattern in names.items():
        assert all(re.search(pattern, text, re.IGNORECASE) for text in variants(language, intent)), intent


def test_all_languages_have_as_many_variants() -> None:
    for intent in INTENTS:
        assert len({len(variants(language, intent)) for language in LANGUAGES}) == 1
