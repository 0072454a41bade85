"""Texts whose mood alone is known, and second readers: how they are read and what they change."""

import json
from collections import Counter
from pathlib import Path

import pytest

from sentiment.text import normalise
from sentiment.training.data import load, public_sample
from sentiment.training.written import OPINIONS, mark, opinions, own_moods
from tests.sentiment.test_encoder import SHARED


def test_the_texts_are_many_are_of_four_languages_and_stand_once() -> None:
    texts = own_moods()
    languages = Counter(text.lang for text in texts)
    assert set(languages) == {"da", "sv", "nb", "en"}
    assert min(languages.values()) >= 500
    assert max(Counter(mark(text.text) for text in texts).values()) == 1
    assert all(sum(text.labels[f"sentiment {mood}"] for mood in ("negative", "neutral", "positive")) for text in texts)


def test_a_text_is_read_with_its_language_and_what_a_hundred_readers_say(tmp_path: Path) -> None:
    (tmp_path / "nb_films.tsv").write_text("70\t20\t10\tDet blir fort langt.\n", encoding="utf-8")
    [text] = own_moods(tmp_path)
    assert text.text == "Det blir fort langt."
    assert text.labels["sentiment negative"] == 0.7
    assert text.labels["sentiment positive"] == 0.1
    assert text.labels["language nb"] == 1.0


@pytest.mark.parametrize("line", ["70\t20\t11\tFor meget", "70\t30\tFor lidt", "x\t20\t80\tBogstav", "70\t20\t10\t"])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "da_set.tsv").write_text(f"0\t100\t0\tGodt\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"da_set.tsv line 2: needs three counts that make 100"):
        own_moods(tmp_path)


def test_a_file_that_is_called_after_no_language_is_named(tmp_path: Path) -> None:
    (tmp_path / "fi_films.tsv").write_text("70\t20\t10\tPitkä.\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"fi_films\.tsv: its name begins with no language, but da, sv"):
        own_moods(tmp_path)


def test_without_the_benchmark_nothing_is_trained_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no bench"):
        load(tmp_path, seed=1)


def test_a_set_that_nobody_read_again_has_no_opinions() -> None:
    assert opinions("en_sanders_brands") == {}


@pytest.mark.shared
def test_every_opinion_is_of_a_training_row_and_none_of_a_benchmark_row() -> None:
    if not SHARED.exists():
        pytest.skip("the labelled posts lie beside the checkout, in ../shared/data, and are not here")
    for file in sorted(OPINIONS.glob("*.tsv")):
        rows = {mark(normalise(row["text"])) for row in _rows(SHARED / "train" / f"{file.stem}.jsonl")}
        assert opinions(file.stem).keys() <= rows
    held_out = {mark(normalise(row["text"])) for bench in (SHARED / "bench").glob("*.jsonl") for row in _rows(bench)}
    assert not held_out & {at for file in OPINIONS.glob("*.tsv") for at in opinions(file.stem)}


@pytest.mark.shared
def test_a_second_reader_moves_a_training_row_half_way_and_no_development_row() -> None:
    if not SHARED.exists():
        pytest.skip("the labelled posts lie beside the checkout, in ../shared/data, and are not here")
    train, dev = load(SHARED, seed=1)
    second = opinions("da_angrytweets")
    moved = [row for row in train if row.source == "da_angrytweets" and mark(row.text) in second]
    assert len(moved) > 4_000
    for row in moved[:200]:
        theirs = second[mark(row.text)]["sentiment negative"]
        label = 2 * row.labels["sentiment negative"] - theirs
        assert label == pytest.approx(round(label))
    silent = [row for row in train if row.source == "da_dkhate" and "sentiment negative" in row.labels]
    alone = opinions("da_dkhate")
    assert silent
    assert all(row.labels["sentiment negative"] == alone[mark(row.text)]["sentiment negative"] for row in silent)
    own = {value for row in dev if row.source == "da_angrytweets" for value in row.labels.values()}
    assert own <= {0.0, 1.0}


@pytest.mark.shared
def test_who_is_calm_is_asked_of_the_sets_own_label() -> None:
    """A second reader is never quite sure, so nobody would be."""
    if not SHARED.exists():
        pytest.skip("the labelled posts lie beside the checkout, in ../shared/data, and are not here")
    sample = [row for row in public_sample(SHARED, 60, seed=1) if row.source == "da_angrytweets"]
    calm = [row for row in sample if row.labels == {"level 2": 0.0, "level 3": 0.0}]
    assert len(sample) == 60
    assert 30 <= len(calm) < 60


def _rows(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
