"""What each platform allows, and how it counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.post import Platform
from platforms.policy import ALLOWANCES, MAX_LENGTH, length_of

VECTORS = Path(__file__).parents[2].parent / "shared" / "recordings" / "textlen" / "validate.yml"


@pytest.mark.shared
@pytest.mark.skipif(not VECTORS.is_file(), reason=f"no {VECTORS}: recordings are not in the checkout")
@pytest.mark.parametrize(
    "suite", ["WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"]
)
def test_x_lengths_are_those_of_xs_own_conformance_vectors(suite: str) -> None:
    vectors = yaml.safe_load(VECTORS.read_text())["tests"][suite]
    assert len(vectors) >= 2
    wrong = {
        vector["description"]: (length_of(Platform.X, vector["text"]), vector["expected"]["weightedLength"])
        for vector in vectors
        if length_of(Platform.X, vector["text"]) != vector["expected"]["weightedLength"]
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Hei på deg, ærlig talt", 22),
        ("e\u0301", 1),
        ("se https://example.no/en/lang/sti?a=b", 26),
        ("se (https://example.no/sti).", 29),
        ("se example.no", 26),
        ("post@example.no", 15),
        ("3.14 og kl.10", 13),
        ("🇳🇴🇩🇰", 4),
        ("日本", 4),
    ],
)
def test_x_counts_letters_links_and_emoji_by_weight(text: str, length: int) -> None:
    assert length_of(Platform.X, text) == length


def test_reddit_counts_characters() -> None:
    assert length_of(Platform.REDDIT, "日本 🇳🇴 https://example.no") == 24


def test_every_platform_has_its_terms() -> None:
    assert set(ALLOWANCES) == set(MAX_LENGTH) == set(Platform)
    assert (MAX_LENGTH[Platform.X], MAX_LENGTH[Platform.REDDIT]) == (280, 10_000)
    assert all(terms.needs_summons for terms in ALLOWANCES.values())
