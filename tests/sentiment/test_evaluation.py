"""`genlyd evaluate`: the figures are what their names say, and a call that cannot be meant is told at once."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.wiring import build_reader
from core.assessment import Assessment, Intent, Language, Probabilities, Sentiment
from core.config import Config
from core.errors import ConfigError
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.evaluation import chatter, languages, lexicons, moods, public, sets, tables, urgency
from sentiment.evaluation.lexicons import WordList
from sentiment.evaluation.report import Parts, report
from sentiment.evaluation.sets import PublicSet, Task, plan
from sentiment.evaluation.urgency import Read
from sentiment.language import LanguageReader
from sentiment.training.written import read_posts

ROOT = Path(__file__).parents[2]
GOOD, BAD, PLAIN = "Tusind tak for hjælpen, I er fantastiske!", "Elendig service, jeg er rasende", "Åbent til 17"


def write_rows(file: Path, rows: Sequence[tuple[str, str]], *, lang: str = "da", split: str = "test") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text, "label": label, "lang": lang, "split": split}) for text, label in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    rows = [(GOOD, "positive"), (BAD, "negative"), (PLAIN, "neutral")]
    write_rows(folder / "bench" / "da_mine.jsonl", rows)
    write_rows(folder / "train" / "da_mine.jsonl", rows, split="train")
    write_rows(folder / "bench" / "en_rude.jsonl", [("You idiot", "offensive"), ("Hello", "not_offensive")], lang="en")
    write_rows(folder / "bench" / "en_cross.jsonl", [("I am furious", "anger"), ("Hello", "not_anger")], lang="en")
    write_rows(folder / "bench" / "en_wrong.jsonl", [("It broke", "complaint"), ("Hi", "not_complaint")], lang="en")
    write_rows(folder / "bench" / "en_felt.jsonl", [("I am furious", "anger"), ("Lovely", "joy")], lang="en")
    (folder / "lexicons").mkdir()
    (folder / "lexicons" / "da_list.tsv").write_text("elendig\t-3\ntak\t2\n", encoding="utf-8")
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    head = "lang\tlevel\tmood\tmarks\tintents\ttext\n"
    posts = (
        f"da\t0\tpositive\t-\tpraise\t{GOOD}\nda\t3\tnegative\ta\tcomplaint,safety\tDet brænder i jeres butik!\n"
        "nb\t1\tneutral\t-\tquestion\tNår åpner dere i morgen?\n"
        "nn\t2\tnegative\ti\tcomplaint\tTakk for ingenting, eg ventar\n"
        "en\t1\tnegative\t-\tcomplaint\t@brand 😡😡\n"
    )
    for name in ("urgency_a", "urgency_b", "plain_and_ironic", "chatter"):
        (folder / f"{name}.tsv").write_text(head + posts, encoding="utf-8")
    (folder / "paraphrases.tsv").write_text("da\tsv\nhej\thej\ntak\ttack\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts(
        reader=build_reader(Config()),
        encoder=Encoder(SHIPPED),
        languages=LanguageReader(),
    )


def a_read(  # the figures need little of an assessment
    line: str,
    *,
    language: Language = Language.DA,
    negative: float = 0.0,
    sentiment: Sentiment | None = None,
    urgency: int = 0,
    intents: tuple[Intent, ...] = (),
    folder: Path,
) -> Read:
    file = folder / "one.tsv"
    file.write_text(line.replace("|", "\t"), encoding="utf-8")
    [post] = read_posts(file)
    probabilities = Probabilities(negative=negative, neutral=1 - negative, positive=0.0)
    top, confidence = probabilities.top()
    said = Assessment(
        language=language,
        sentiment=sentiment or top,
        confidence=confidence,
        probabilities=probabilities,
        urgency=urgency,
        intents=intents,
        reasons=(),
        model="m",
        model_version="1",
    )
    return Read(post=post, said=said)


# --- how figures are written


@pytest.mark.parametrize(
    ("value", "text"), [(0.6624, ".662"), (-0.05, "-.050"), (1.0, "1.000"), (0.9996, "1.000"), (math.nan, "–")]
)
def test_a_share_is_written_as_statisticians_do(value: float, text: str) -> None:
    assert tables.share(value) == text


def test_a_section_becomes_a_markdown_table() -> None:
    section = tables.Section(
        name="x", title="Title", note="Note.", head=("set", "n"), rows=[("a|b", "1")], figures={}, left=1
    )
    assert tables.markdown(section) == "### Title\n\nNote.\n\n| set | n |\n| --- | --: |\n| a\\|b | 1 |\n"


def test_no_figure_becomes_null_in_json() -> None:
    assert json.dumps(tables.plain({"a": (math.nan, 1.5), "b": {"c": 1}})) == '{"a": [null, 1.5], "b": {"c": 1}}'


# --- what is read


def test_a_set_is_known_by_its_labels(data: Path, own: Path) -> None:
    tasks = {one.name: one.task for one in plan(data, own=own).public}
    assert tasks == {
        "da_mine": Task.MOOD,
        "en_cross": Task.ANGER,
        "en_felt": Task.EMOTION,
        "en_rude": Task.OFFENSIVE,
        "en_wrong": Task.COMPLAINT,
    }


def test_a_set_with_other_labels_is_left_out_and_said(data: Path, own: Path) -> None:
    write_rows(data / "bench" / "da_odd.jsonl", [("Hej", "sarcastic")])
    planned = plan(data, own=own)
    assert "da_odd" not in {one.name for one in planned.public}
    assert planned.left_out == ["da_odd.jsonl: no task has the labels sarcastic."]


def test_a_folder_without_a_benchmark_is_refused_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--data: there is no bench/\*\.jsonl in .*such as --data \.\./shared/data"):
        plan(tmp_path)


def test_a_set_that_nobody_has_is_refused_with_those_there_are(data: Path, own: Path) -> None:
    with pytest.raises(ConfigError, match="there is no set da_mien; known here: chatter, da_mine, en_cross"):
        plan(data, own=own, names=["da_mien"])


@pytest.mark.parametrize(
    ("line", "what"),
    [("nonsense", "not JSON"), ('{"text": "x", "lang": "da"}', '"label" must be'), ("[1]", 'an object with "text"')],
)
def test_a_row_that_cannot_be_read_is_named_by_file_and_line(data: Path, line: str, what: str) -> None:
    file = data / "bench" / "da_mine.jsonl"
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=what) as raised:
        plan(data)
    assert str(raised.value).startswith(f"{file}: line 4: row: ")


def test_an_own_post_that_cannot_be_read_is_named_by_file_and_line(data: Path, own: Path) -> None:
    (own / "urgency_a.tsv").write_text("da\t9\tnegative\t-\t-\thej\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"urgency_a\.tsv line 1: level knows no '9'"):
        plan(data, own=own)


def test_a_paraphrase_that_is_missing_is_named_by_file_and_line(data: Path, own: Path) -> None:
    (own / "paraphrases.tsv").write_text("da\tsv\nhej\thej\ntak\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 3: row: must have 2 texts"):
        plan(data, own=own)


def test_without_data_the_own_sets_stay_and_the_rest_is_said(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan(None, own=own)
    assert not planned.public
    assert planned.urgency.keys() == {"urgency_a", "urgency_b"}
    [sentence] = planned.left_out
    assert sentence.startswith("The public benchmark, the word lists and the unsure band: there is no ../shared/data;")


def test_own_sets_that_are_not_there_are_said(data: Path, tmp_path: Path) -> None:
    [sentence] = plan(data, own=tmp_path / "nowhere").left_out
    assert sentence.startswith("Our own sets urgency_a, urgency_b, plain_and_ironic, chatter, paraphrases:")


def test_a_sample_is_the_same_each_time_and_keeps_its_order() -> None:
    rows = list(range(1_000))
    chosen = sets.sampled(rows, 200)
    assert chosen == sorted(chosen) == sets.sampled(rows, 200)
    assert len(set(chosen)) == 200
    assert sets.sampled(rows, None) == sets.sampled(rows, 1_000) == rows


# --- the public benchmark


def test_scores_are_those_of_the_confusion() -> None:
    truth = np.array([0, 0, 1, 1], dtype=np.int64)
    guess = np.array([0, 1, 1, 1], dtype=np.int64)
    scores = public.score(truth, guess, np.full(4, 0.75), ("no", "yes", "never"))
    assert scores.n == 4
    assert scores.accuracy == scores.macro_recall + 0.25 == 0.75  # a class that no row has counts nothing in the mean
    assert scores.ece == pytest.approx(0)
    assert (scores.recalls["no"], scores.recalls["yes"]) == (0.5, 1.0)
    assert math.isnan(scores.recalls["never"])


def test_coverage_counts_the_answered_and_the_right_among_them() -> None:
    curve = public.covered(np.array([0.95, 0.85, 0.55, 0.4]), np.array([True, False, True, False]))
    by_start = {point["from"]: (point["answered"], point["precision"]) for point in curve}
    assert by_start[0.0] == (1.0, 0.5)
    assert by_start[0.5] == pytest.approx((0.75, 2 / 3))
    assert by_start[0.8] == (0.5, 0.5)
    assert by_start[0.9] == (0.25, 1.0)


def test_a_mark_is_counted_in_the_band_of_its_confidence() -> None:
    bands = public.banded(np.array([0.4, 0.5, 0.69, 0.9, 1.0]), np.array([True, True, False, True, True]))
    assert [band["n"] for band in bands] == [1, 2, 0, 2]
    assert [bands[at]["right"] for at in (0, 1, 3)] == [1, 0.5, 1]
    assert math.isnan(bands[2]["right"])


def test_a_curve_of_nothing_answered_has_no_precision() -> None:
    assert math.isnan(public.covered(np.array([0.4]), np.array([True]))[-1]["precision"])


def test_a_yes_is_said_from_the_threshold_and_is_as_sure_as_its_probability(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = PublicSet(name="x", task=Task.OFFENSIVE, texts=["You idiot", "Hello"], languages=["en", "en"], truth=[1, 0])
    readings = public._read(one.texts, parts.encoder, parts.languages)
    p = [reading.heads.offensive for reading in readings if reading.heads]
    monkeypatch.setattr(parts.encoder, "threshold", lambda *_: 0.0)
    always = public.answer(one, parts.encoder, parts.languages)
    monkeypatch.setattr(parts.encoder, "threshold", lambda *_: 1.1)
    never = public.answer(one, parts.encoder, parts.languages)
    assert (always.guess.tolist(), never.guess.tolist()) == ([1, 1], [0, 0])
    assert always.confidence == pytest.approx(p, abs=1e-5)
    assert never.confidence == pytest.approx([1 - x for x in p], abs=1e-5)


# --- word lists


def a_list(**valences: float) -> WordList:
    return WordList(name="x", valences={tuple(words.split("_")): value for words, value in valences.items()})


def test_a_word_list_adds_the_valences_it_finds() -> None:
    words = a_list(god=2, dårlig=-3)
    assert words.score("GOD mad, men dårlig, DÅRLIG service") == 2 - 3 - 3
    assert words.score("@god skrev http://god.dk") == 0, "handles and links are no words"
    assert words.score("ugodt") == words.score("") == 0


def test_a_phrase_counts_before_its_words() -> None:
    words = a_list(alt_for_dyr=-2, dyr=-1, alt=1)
    assert words.score("Alt for dyr! Dyr, alt i alt") == -2 - 1 + 1 + 1


def test_a_word_list_is_read_from_its_file(data: Path) -> None:
    [words] = lexicons.word_lists(data, "da")
    assert (words.name, words.score("elendig, men tak")) == ("list", -1)
    (data / "lexicons" / "da_list.tsv").write_text("god\t2\nskidt\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2: word: must be a word, a tab and its valence"):
        lexicons.word_lists(data, "da")


def test_zero_parts_the_moods_and_the_best_cuts_part_them_better() -> None:
    scores = np.array([-4.0, -3, 0, 1, 2, 5])
    truth = np.array([0, 0, 1, 1, 1, 2], dtype=np.int64)
    assert lexicons.moods(scores, (0.0, 0.0)).tolist() == [0, 0, 1, 2, 2, 2]
    assert lexicons.moods(scores, lexicons.best_cuts(scores, truth)).tolist() == truth.tolist()


# --- our own posts


def test_intents_are_counted_each_and_together(tmp_path: Path) -> None:
    wanted = (Intent.COMPLAINT, Intent.BILLING)
    reads = [
        a_read("da|1|negative|-|complaint,billing|x", intents=wanted, folder=tmp_path),
        a_read("da|1|negative|-|complaint|x", intents=(Intent.BILLING,), folder=tmp_path),
        a_read("da|0|neutral|-|-|x", intents=(Intent.OPT_OUT, Intent.COMPLAINT), folder=tmp_path),
    ]
    table = urgency.agreements(reads)
    complaint, billing = table["complaint"], table["billing"]
    assert (complaint.n, complaint.precision, complaint.recall, complaint.f1) == (2, 1 / 2, 1 / 2, 1 / 2)
    assert (billing.n, billing.precision, billing.recall) == (1, 1 / 2, 1)
    assert table["micro"].precision == pytest.approx(2 / 4), "opt-out is no head's, and is not judged"
    assert table["micro"].recall == pytest.approx(2 / 3)
    assert table["macro"].f1 == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert math.isnan(table["scam"].precision)


def test_urgency_is_ranked_by_level(tmp_path: Path) -> None:
    reads = [
        a_read(f"da|{level}|neutral|-|-|x", urgency=points, folder=tmp_path)
        for level, points in ((0, 10), (0, 20), (3, 15), (3, 90))
    ]
    one = urgency.ranked(reads)
    assert (one.n, one.pairwise, one.recall_at_top) == (4, 3 / 4, 1 / 2)
    assert (one.mean_by_level[0], one.mean_by_level[3]) == (15, 52.5)
    assert math.isnan(one.mean_by_level[1])
    assert math.isnan(urgency.ranked(reads[:2]).recall_at_top), "where nothing is grave, none can be missed"


def test_a_calm_post_that_calls_a_person_is_a_false_alarm_and_a_loud_one_is_heard(tmp_path: Path) -> None:
    lines = (
        ("da|0|neutral|-|-|Katten sover", 60, Sentiment.NEGATIVE),
        ("da|0|negative|-|-|Det regner", 45, Sentiment.NEGATIVE),
        ("da|0|positive|-|-|Solen skinner", 5, Sentiment.POSITIVE),
        ("da|1|neutral|-|question|Hvornår går bussen?", 90, Sentiment.NEUTRAL),
        ("da|3|negative|-|safety|Toget brænder", 95, Sentiment.NEGATIVE),
        ("da|2|negative|-|complaint|Pengene er væk", 54, Sentiment.NEGATIVE),
    )
    reads = [a_read(line, urgency=points, sentiment=mood, folder=tmp_path) for line, points, mood in lines]
    one = chatter.calm(reads)
    assert (one.n, one.mean, one.explained, one.called, one.at_once) == (4, 50, 3 / 4, 2 / 4, 1 / 4)
    assert one.read_negative == 1 / 3, "the post of a bad mood is read rightly"
    assert (one.loud, one.heard) == (2, 1 / 2)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("da|1|negative|-|complaint|Det er uge 42 nu", "bare facts"),
        ("da|1|negative|i|cancellation|Flot, jeg siger op", "irony"),
        ("da|1|negative|-|cancellation|Jeg siger op", "cancellation"),
        ("da|1|negative|a|complaint|@brand 😡 https://x.dk/a", "emoji"),
        ("da|0|neutral|-|-|😐", "controls: neutral"),
        ("da|0|positive|-|praise|Skønt", "controls: positive"),
    ],
)
def test_a_post_is_of_the_kind_that_makes_it_hard(line: str, kind: str, tmp_path: Path) -> None:
    assert moods.kind(a_read(line, folder=tmp_path)) == kind


def test_only_the_surely_negative_are_marked(tmp_path: Path) -> None:
    reads = [
        a_read("da|1|negative|-|-|x", negative=0.9, folder=tmp_path),
        a_read("da|1|positive|-|-|x", negative=0.8, folder=tmp_path),
        a_read("da|1|negative|-|-|x", negative=0.79, folder=tmp_path),
        a_read("da|1|negative|-|-|x", negative=0.95, sentiment=Sentiment.UNSURE, folder=tmp_path),
        a_read("da|1|neutral|-|-|x", negative=0.0, folder=tmp_path),
    ]
    assert moods.marked(reads) == {"n": 5, "negative": 3, "marked": 2, "precision": 1 / 2, "recall": 1 / 3}


def test_language_is_told_by_length_and_norwegian_called_danish_stands_out(tmp_path: Path) -> None:
    reads = [
        a_read("nb|0|neutral|-|-|" + "x" * 19, language=Language.DA, folder=tmp_path),
        a_read("nb|0|neutral|-|-|" + "x" * 20, language=Language.NN, folder=tmp_path),
        a_read("nb|0|neutral|-|-|" + "x" * 60, language=Language.UNSURE, folder=tmp_path),
        a_read("nb|0|neutral|-|-|" + "x" * 61, language=Language.NB, folder=tmp_path),
        a_read("da|0|neutral|-|-|" + "x" * 61, language=Language.DA, folder=tmp_path),
    ]
    figures = languages.language(reads).figures
    assert [figures["nb"][length]["n"] for length in ("any", "under 20", "20 to 60", "over 60")] == [4, 1, 2, 1]
    nb = {"n": 4, "right": 1 / 4, "unsure": 1 / 4, "wrong": 1 / 2, "norwegian_called_danish": 1 / 4}
    assert figures["nb"]["any"] == nb
    assert math.isnan(figures["da"]["any"]["norwegian_called_danish"])
    assert figures["all"]["any"]["norwegian_called_danish"] == 1 / 4, "of the Norwegian posts, not of all"


def test_a_paraphrase_is_hit_where_the_nearest_is_in_its_place() -> None:
    danish = np.eye(3)
    swedish = np.array([[1.0, 0, 0], [0, 0, 1], [0, 0.6, 0.8]])
    assert languages.hits(danish, danish) == 1
    assert languages.hits(danish, swedish) == pytest.approx(1 / 3)
    figures = languages.paraphrases({"da": danish, "sv": swedish}).figures
    assert figures["hit_at_1"]["da"] == {"sv": pytest.approx(1 / 3)}


# --- the whole


def test_a_small_folder_is_evaluated_from_end_to_end(data: Path, own: Path, parts: Parts) -> None:
    steps: list[str] = []
    sections = {section.name: section for section in report(plan(data, own=own), parts, steps.append)}
    assert list(sections) == [
        "benchmark", "baselines", "coverage", "worth", "urgency", "intents", "chatter", "plain_and_ironic", "trust",
        "language", "paraphrases",
    ]  # fmt: skip
    assert "reading da_mine, 3 posts" in steps
    for section in sections.values():
        assert all(len(row) == len(section.head) for row in section.rows), section.name
        json.dumps(tables.plain(section.figures), allow_nan=False)
        assert tables.markdown(section)
    mine = sections["benchmark"].figures["da_mine"]
    assert (mine["n"], mine["task"]) == (3, "mood")
    beside = {(line["who"], line["cuts"]): line["accuracy"] for line in sections["baselines"].figures["da_mine"]}
    assert beside["list", "at zero"] == 1
    assert beside["the model", ""] == mine["accuracy"]
    assert set(sections["urgency"].figures) == {"urgency_a", "urgency_b", "urgency_a + urgency_b"}
    assert sections["language"].figures["all"]["any"]["n"] == 10
    assert sections["coverage"].figures["da"]["curve"][0]["answered"] == 1


def genlyd(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "app", "evaluate", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


def test_the_command_prints_tables_and_writes_every_figure(data: Path, tmp_path: Path) -> None:
    done = genlyd(
        "--data", data, "--sets", "da_mine,en_rude", "--sets", "paraphrases", "--json", "x.json", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "| da_mine | mood | 3 |" in done.stdout
    assert "en_cross" not in done.stdout
    assert "reading da_mine, 3 posts ..." in done.stderr
    written: dict[str, Any] = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert written["model"]["version"] in done.stdout
    assert set(written["figures"]) == {"benchmark", "baselines", "coverage", "worth", "chatter", "paraphrases"}
    assert written["left_out"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "nowhere"), "--data: there is no bench/*.jsonl in nowhere"),
        (("--sets", "nothing"), "--sets: there is no set nothing; known here: "),
        (("--json", "nowhere/x.json"), "--json: nowhere/x.json cannot be written"),
        (("--json", "."), "--json: . cannot be written"),
    ],
)
def test_a_call_that_cannot_be_meant_is_status_2_before_the_model_is_loaded(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = genlyd(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert "loading the model" not in done.stderr


def test_evaluating_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import app.evaluate"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
