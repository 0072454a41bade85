"""The reading of language: five languages, honest doubt, and never Danish for Norwegian."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.assessment import Language
from sentiment.language import LanguageReader

STATM = Path("/proc/self/statm")
TEXTS = {
    Language.DA: (
        "Jeg har ventet i tre uger, og der er stadig ingen, der svarer mig",
        "@brand tredje gang jeg ringer, ingen hjælper!!!",
        "Hvad sker der for jer? I har trukket penge to gange",
        "Tusind tak for hjælpen, det var virkelig god service",
        "Hvornår får jeg min pakke? Den skulle være kommet for længe siden",
    ),
    Language.SV: (
        "Jag har väntat i tre veckor och ingen svarar mig",
        "Var är mitt paket? Det skulle ha kommit i måndags",
        "Tack för hjälpen, riktigt bra jobbat",
        "Varför funkar inget idag, ligger ni nere?",
        "Ni har dragit pengar två gånger",
    ),
    Language.NB: (
        "Jeg har ventet i tre uker, og ingen svarer meg",
        "Dere har trukket penger to ganger, hva skjer?",
        "Takk for hjelpen, det var veldig hyggelig",
        "Pakken skulle komme mandag, ikke hørt noe",
        "Hvorfor er nettet nede igjen?",
    ),
    Language.NN: (
        "Eg har venta i tre veker, og eg får ikkje svar",
        "Kvifor er nettet nede igjen? Kva skjer?",
        "De har trekt pengar to gonger frå meg",
        "Eg veit ikkje korleis eg skal nå dykk",
        "Kvar er pakken min? Dette er heilt håplaust",
    ),
    Language.EN: (
        "I have been waiting three weeks and nobody answers",
        "Where is my parcel?",
        "Thanks for the help, great service",
        "Why is the app down again?",
        "third time calling, nobody helps!!!",
    ),
}
CASES = [(language, text) for language, texts in TEXTS.items() for text in texts]
# What Norwegians write that a careless reader calls Danish.
NEARLY_DANISH = (
    "Hvor er pakken min?",
    "Det er bra",
    "Kan ikke logge inn",
    "Ingen svarer",
    "Jeg er skuffet over servicen",
    "Det virker ikke",
    "Regningen er feil",
    "God morgen, er det noen problemer i dag?",
    "Jeg skal aldri handle her mer",
    "Var vi ikke etterlyst, hadde vi stukket av.",
    "Skal vi drikke et glass for gammelt vennskaps skyld?",
    "Det er dårlige tider for oss.",
)
FOREIGN = (
    "Ich warte seit drei Wochen auf mein Paket",
    "Waarom krijg ik geen antwoord op mijn vraag?",
    "Llevo tres semanas esperando mi paquete",
    "J'attends mon colis depuis trois semaines",
    "Olen odottanut pakettia kolme viikkoa",
    "Gdzie jest moja paczka? Czekam trzy tygodnie",
    "Где моя посылка?",
    "أين طردي",
    "荷物はどこですか",
)


@pytest.fixture(scope="module")
def reader() -> LanguageReader:
    return LanguageReader()


@pytest.mark.parametrize(("language", "text"), CASES)
def test_each_of_the_five_is_read(reader: LanguageReader, language: Language, text: str) -> None:
    assert reader.read(text) is language


@pytest.mark.parametrize("text", [*TEXTS[Language.NB], *TEXTS[Language.NN], *NEARLY_DANISH])
@pytest.mark.parametrize("hint", [None, "no", "nb", "en", "sv"])
def test_norwegian_is_never_called_danish(reader: LanguageReader, text: str, hint: str | None) -> None:
    assert reader.read(text, hint) is not Language.DA


@pytest.mark.parametrize("text", [*TEXTS[Language.NB], *TEXTS[Language.NN]])
def test_a_wrong_hint_makes_no_danish_of_clear_norwegian(reader: LanguageReader, text: str) -> None:
    assert reader.read(text, "da") is not Language.DA


@pytest.mark.parametrize("text", FOREIGN)
def test_other_languages_are_unsure(reader: LanguageReader, text: str) -> None:
    assert reader.read(text) is Language.UNSURE


@pytest.mark.parametrize("text", ["", "   ", "ok", ":)", "!!!", "😡😡", "1234", "@brand", "https://x.com/a", "u/anna"])
@pytest.mark.parametrize("hint", [None, "da", "sv"])
def test_wordless_posts_are_unsure_whatever_the_hint(reader: LanguageReader, text: str, hint: str | None) -> None:
    assert reader.read(text, hint) is Language.UNSURE


@pytest.mark.parametrize(
    ("text", "language"),
    [("Tak", Language.DA), ("tack!", Language.SV), ("Takk :)", Language.NB), ("thanks", Language.EN)],
)
def test_a_thank_you_is_enough(reader: LanguageReader, text: str, language: Language) -> None:
    assert reader.read(text) is language


def test_handles_links_and_stretched_letters_say_nothing(reader: LanguageReader) -> None:
    text = "Hvornår kommer min pakke? Jeg har ventet længe"
    dressed = "@thenewyorktimes Hvornåååår kommer min pakke? Jeg har ventet længe https://www.thetimes.com/the-and-you"
    assert reader.read(text) is reader.read(dressed) is Language.DA


def test_a_hint_tips_the_scale_and_does_not_rule(reader: LanguageReader) -> None:
    assert reader.read("God service", "da-DK") is Language.DA
    assert reader.read("Jag har väntat i tre veckor", "da") is Language.SV
    assert reader.read("Jag har väntat i tre veckor", "xx") is Language.SV


@given(text=st.text(max_size=200), hint=st.none() | st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_without_fault(reader: LanguageReader, text: str, hint: str | None) -> None:
    assert reader.read(text, hint) in Language


def test_capitals_change_nothing(reader: LanguageReader) -> None:
    assert [reader.read(text.upper()) for _, text in CASES] == [language for language, _ in CASES]


@pytest.mark.skipif(not STATM.exists(), reason="reads Linux's own figures")
def test_nothing_is_loaded_at_import() -> None:
    code = (
        "from pathlib import Path; import sentiment.language as language;"
        f"pages = lambda: int(Path('{STATM}').read_text().split()[1]);"
        "before = pages(); reader = language.LanguageReader(); print(before, pages())"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    at_import, when_made = (int(pages) for pages in said.split())
    assert at_import * 3 < when_made
