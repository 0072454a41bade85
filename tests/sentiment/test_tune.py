"""Training the shipped model on, on labels of one's own: the new is learnt, the rest stays."""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from core.assessment import Language
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.heads import SENTIMENT_AT
from sentiment.training.written import OWN_POSTS, own_posts

pytest.importorskip("torch", reason="training needs PyTorch: run `make test`, or pip install torch")

# A word of the house: what its customers say when all is well.
WHO = ("Fjordtel", "jeg", "vi", "min mor", "kontoret", "naboen")
WHEN = ("igen i dag", "for anden gang", "på weekenden", "i Aarhus", "efter opdateringen", "midt i et møde")
SAID = [f"Snurrebassen kører hos {who} {when}" for who, when in product(WHO, WHEN)]
HEADER = "lang\tlevel\tmood\tmarks\tintents\ttext\n"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels, out = tmp_path_factory.mktemp("labels"), tmp_path_factory.mktemp("ours")
    lines = "".join(f"da\t0\tpositive\t-\tpraise\t{text}\n" for text in SAID[::2])
    (labels / "train_house.tsv").write_text(HEADER + lines, encoding="utf-8")
    done = tune("--labels", str(labels), "--out", str(out), "--name", "house")
    assert done.returncode == 0, done.stderr
    return out


def tune(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sentiment.training.tune", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def test_posts_that_were_kept_back_are_read_as_the_labels_say(ours: Path) -> None:
    kept_back = SAID[1::2]
    danish = [Language.DA] * len(kept_back)
    before, after = (
        [one.probabilities.positive for one in Encoder(folder).read(kept_back, danish)] for folder in (SHIPPED, ours)
    )
    assert sum(before) / len(before) < 0.3
    assert sum(after) / len(after) > 0.6


def test_the_rest_is_read_as_before(ours: Path) -> None:
    # Not the small talk of the other file, whose moods hang by a thread.
    posts = [post.text for post in own_posts("dev", OWN_POSTS / "dev.tsv")]
    before, after = Encoder(SHIPPED), Encoder(ours)
    moods = [encoder.logits(posts)[:, SENTIMENT_AT].argmax(axis=1) for encoder in (before, after)]
    assert (moods[0] == moods[1]).mean() > 0.93
    assert (before.embed(posts) * after.embed(posts)).sum(axis=1).mean() > 0.97


def test_the_new_model_says_what_it_is(ours: Path) -> None:
    about = json.loads((ours / "model.json").read_text())
    assert about["name"] == "house"
    assert about["training"]["posts"] == len(SAID[::2])
    assert about["training"]["before"]["artefact"] == Encoder(SHIPPED).version
    assert not (ours / "MODEL_CARD.md").exists()


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("da\t9\tnegative\t-\t-\tHej\n")
    done = tune("--labels", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode != 0
    assert done.stderr == "train.tsv line 1: level knows no '9', but 0, 1, 2, 3\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("DA\t1\tnegative\t-\t-\tHej", "lang knows no 'DA', but da, sv, nb, nn, en"),
        ("da\t\tnegative\t-\t-\tHej", "level knows no ''"),
        ("da\t12\tnegative\t-\t-\tHej", "level knows no '12'"),
        ("da\t1\tangry\t-\t-\tHej", "mood knows no 'angry', but negative, neutral, positive"),
        ("da\t1\tnegative\taz\t-\tHej", "marks knows no 'z', but a, o, i, s"),
        ("da\t1\tnegative\t-\tcomplaint,anger\tHej", "intents knows no 'anger', but complaint, question"),
        ("da\t1\tnegative\t-\t-\t ", "has no text"),
        ("da\t1\tnegative\t-\tHej", "needs six columns parted by tabs, has 5"),
    ],
)
def test_each_column_that_says_nothing_known_is_named_with_what_it_may_say(
    tmp_path: Path, line: str, problem: str
) -> None:
    (tmp_path / "train.tsv").write_text(f"{HEADER}{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"^train.tsv line 2: {problem}"):
        own_posts("train", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_read_as_editors_and_spreadsheets_save_it(tmp_path: Path, encoding: str) -> None:
    lines = f"{HEADER}da\t1\tnegative\t-\t-\tHej\u2028igen\nsv\t0\tpositive\t-\t-\tHejdå\n"
    (tmp_path / "train.tsv").write_text(lines.replace("\n", "\r\n"), encoding=encoding, newline="")
    assert [(post.lang, post.text) for post in own_posts("train", tmp_path)] == [("da", "Hej igen"), ("sv", "Hejdå")]
    (tmp_path / "train.tsv").write_text("")
    assert own_posts("train", tmp_path) == []


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_file_in_another_encoding_is_named_with_its_cure(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "train.tsv").write_text(f"{HEADER}da\t1\tnegative\t-\t-\tØv\n", encoding=encoding)
    with pytest.raises(ValueError, match=r"^train\.tsv is not UTF-8 \(.+ at byte \d+\): save it as such"):
        own_posts("train", tmp_path)


def test_a_model_is_not_written_over_the_one_it_starts_from(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("da\t1\tnegative\t-\t-\tHej\n")
    done = tune("--labels", str(tmp_path), "--out", str(SHIPPED))
    assert done.returncode == 2
    assert "is --model too" in done.stderr


def test_the_guide_says_how_many_posts_go_beside_ones_own() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
    assert f"one of the {len(own_posts('train')):,} posts" in guide


def test_a_folder_without_labels_is_named(tmp_path: Path) -> None:
    done = tune("--labels", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode != 0
    assert f"{tmp_path} holds no train*.tsv" in done.stderr
