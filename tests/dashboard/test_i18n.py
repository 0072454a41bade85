"""The desk's languages: which is spoken, and how numbers, days and plurals read in it."""

from datetime import date

import pytest

from dashboard import i18n
from dashboard.i18n import _, choose_language, ngettext, pgettext, speaking
from tests.dashboard.conftest import Browser


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", "da"),
        ("no", "nb"),
        ("nn-NO;q=0.5, sv-SE;q=0.9", "sv"),
        ("fi, de;q=0.9", "en"),
        ("", "en"),
        ("da;q=nonsense, sv;q=0.1", "sv"),
        ("x" * 5_000, "en"),
    ],
)
def test_the_browsers_wish_is_followed_where_we_speak_it(header: str, chosen: str) -> None:
    assert choose_language(header) == chosen


@pytest.mark.parametrize(
    ("language", "thousands", "share", "day"),
    [("da", "12.345", "12 %", "5. nov."), ("sv", "12 345", "12 %", "5 nov."), ("en", "12,345", "12%", "5 Nov")],
)
def test_numbers_and_days_are_written_as_the_language_writes_them(
    language: str, thousands: str, share: str, day: str
) -> None:
    with speaking(language):
        said = (i18n.number(12_345), i18n.percent(0.12), i18n.day(date(2026, 11, 5)))
    assert tuple(one.replace("\xa0", " ") for one in said) == (thousands, share, day)


@pytest.mark.parametrize(
    ("language", "sums"),
    [
        ("en", ("$0.00", "$1,234.50", "$0.005", "+30", "−5")),
        ("da", ("0,00 $", "1.234,50 $", "0,005 $", "+30", "−5")),
        ("sv", ("0,00 $", "1 234,50 $", "0,005 $", "+30", "−5")),
    ],
)
def test_sums_keep_their_cents_and_points_their_sign(language: str, sums: tuple[str, ...]) -> None:
    with speaking(language):
        said = (i18n.dollars(0), i18n.dollars(1_234.5), i18n.dollars(0.005, digits=3), i18n.signed(30), i18n.signed(-5))
    assert tuple(one.replace("\xa0", " ") for one in said) == sums


def test_a_number_and_its_noun_agree() -> None:
    assert [ngettext("{n} post", "{n} posts", n) for n in (0, 1, 2, 1_000)] == [
        "0 posts", "1 post", "2 posts", "1,000 posts",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "promise", "due_time", "button", "heading", "alert", "conversation"),
    [
        ("en", "Kept", "Kept", "Change", "Change", "Open", "Open"),
        ("da", "Holdt", "Overholdt", "Ændr", "Ændring", "Åben", "Åben"),
        ("sv", "Hållet", "Hållen", "Ändra", "Ändring", "Öppet", "Öppen"),
        ("nb", "Holdt", "Overholdt", "Endre", "Endring", "Åpent", "Åpen"),
    ],
)
def test_an_english_word_of_two_meanings_is_two_words_elsewhere(
    language: str, promise: str, due_time: str, button: str, heading: str, alert: str, conversation: str
) -> None:
    with speaking(language):
        assert (pgettext("promise", "Kept"), _("Kept")) == (promise, due_time)
        assert (pgettext("button", "Change"), _("Change")) == (button, heading)
        assert (pgettext("alert", "Open"), _("Open")) == (alert, conversation)


def test_what_is_spoken_ends_with_its_block() -> None:
    with speaking("da"), speaking("tlh"):
        assert i18n.language() == "en"
    assert i18n.language() == "en"


async def test_a_person_chooses_their_language_and_keeps_it(mette: Browser) -> None:
    await mette.get("/inbox")
    assert '<html lang="en">' in mette.page
    await mette.post("/language", language="da", back="/inbox")
    assert '<html lang="da">' in mette.page
    response = await mette.post("/language", language="klingon", back="/inbox")
    assert response.status == 400


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        ("da", ("Kilder", "Hændelser", "Alarmer", "Rettelser", "Mønstre")),
        ("sv", ("Källor", "Händelser", "Larm", "Rättelser", "Mönster")),
        ("nb", ("Kilder", "Hendelser", "Varsler", "Rettelser", "Mønstre")),
    ],
)
async def test_the_pages_speak_the_language_chosen(mette: Browser, language: str, headings: tuple[str, ...]) -> None:
    await mette.get("/inbox")
    await mette.post("/language", language=language, back="/inbox")
    for path, heading in zip(("sources", "incidents", "alerts", "corrections", "patterns"), headings, strict=True):
        response = await mette.get(f"/{path}")
        assert response.status == 200
        assert f"<h1>{heading}</h1>" in mette.page
