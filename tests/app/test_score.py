"""`genlyd score` with the shipped model: every line answered in order, and no line decides for another."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from app.score import score_lines
from app.wiring import build_reader
from core.config import Config
from sentiment.reader import Reader


@pytest.fixture(scope="module")
def reader() -> Reader:
    return build_reader(Config())


def score(reader: Reader, *texts: str) -> list[dict[str, Any]]:
    return list(score_lines((json.dumps({"text": text}) for text in texts), reader))


def lines(reader: Reader, given: Iterable[str]) -> list[dict[str, Any]]:
    return list(score_lines(given, reader))


ANGRY = "Det er simpelthen den dårligste kundeservice jeg nogensinde har oplevet"
GLAD = "Tusind tak for hurtig hjælp, I er fantastiske"


def test_an_answer_has_its_public_shape(reader: Reader) -> None:
    (answer,) = score(reader, ANGRY)
    assert set(answer) == {"lang", "sentiment", "confidence", "probabilities", "urgency", "intents", "reasons"}
    assert (answer["lang"], answer["sentiment"]) == ("da", "negative")
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert answer["confidence"] == max(answer["probabilities"].values())
    assert 0 <= answer["urgency"] <= 100
    assert json.loads(json.dumps(answer)) == answer


def test_answers_keep_the_order_of_many_lines(reader: Reader) -> None:
    texts = [ANGRY, GLAD] * 70
    sentiments = [answer["sentiment"] for answer in score(reader, *texts)]
    assert sentiments == ["negative", "positive"] * 70


def test_bad_lines_are_answered_in_their_place_with_their_number(reader: Reader) -> None:
    answers = lines(
        reader,
        [
            json.dumps({"text": ANGRY}),
            "not json",
            "",
            "[1]",
            json.dumps({"text": 7}),
            json.dumps({"text": "  "}),
            json.dumps({"text": GLAD, "lang": "klingon"}),
            json.dumps({"text": GLAD, "lang": ["da"]}),
            "[" * 100_000,
            json.dumps({"text": GLAD, "lang": "no"}),
        ],
    )
    said = [(answer.get("error") or answer["sentiment"])[:8] for answer in answers]
    assert said == [
        "negative",
        "line 2: ",
        "line 4: ",
        "line 5: ",
        "line 6: ",
        "line 7: ",
        "line 8: ",
        "line 9: ",
        "positive",
    ]


def test_blank_lines_are_passed_over(reader: Reader) -> None:
    assert lines(reader, ["", "  \n", "\t"]) == []
    assert len(lines(reader, ["\n", json.dumps({"text": GLAD}) + "\n", "\n"])) == 1


def test_half_a_character_is_a_bad_line_and_a_whole_one_is_not(reader: Reader) -> None:
    answers = lines(
        reader, ['{"text": "hej \\ud83d"}', '{"text": "hej \\ud83d\\ude00"}', '{"text": "hej \\udc99 hej"}']
    )
    assert "lone surrogate" in answers[0]["error"]
    assert "sentiment" in answers[1]
    assert "lone surrogate" in answers[2]["error"]


@pytest.mark.parametrize("marker", ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "<s>", "</s>", "<pad>", "<mask>", "[UNK]"])
def test_the_models_own_marks_in_a_text_do_not_steer_it(reader: Reader, marker: str) -> None:
    plain, marked, alone = score(reader, ANGRY, f"{marker} {ANGRY} {marker}", marker)
    assert marked["sentiment"] == plain["sentiment"]
    assert abs(marked["probabilities"]["negative"] - plain["probabilities"]["negative"]) < 0.1
    assert "error" not in alone


def test_a_text_is_scored_the_same_in_any_company(reader: Reader) -> None:
    alone = score(reader, ANGRY)[0]
    with_others = score(reader, "ok", GLAD * 20, ANGRY, "💙", "a" * 5000)[2]
    assert with_others["sentiment"] == alone["sentiment"]
    assert with_others["confidence"] == pytest.approx(alone["confidence"], abs=0.02)


@pytest.mark.parametrize(
    "text", ["💙", ".", "\u200b\u200b", "\x00", "ﷺ" * 400, "@a " * 300, "https://a.dk", "ÅÆØ" * 2000, "a\u0301" * 500]
)
def test_no_text_however_odd_stops_the_others(reader: Reader, text: str) -> None:
    odd, after = score(reader, text, GLAD)
    assert "sentiment" in odd
    assert after["sentiment"] == "positive"


def test_nothing_in_gives_nothing_out(reader: Reader) -> None:
    assert lines(reader, []) == []
