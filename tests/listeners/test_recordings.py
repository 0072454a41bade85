"""Every recorded post, comment and stream line goes through our parsers. Nobody here wrote the recordings.

They lie beside the checkout, in ../shared/recordings; its README says where each comes from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import Unreadable
from core.post import Post
from listeners.reddit import parse_thing
from listeners.x import parse_page, parse_post, parse_stream_line

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recordings at {RECORDINGS}: they are not in the checkout"),
]


def cassette_answers(folder: str) -> Iterator[Any]:
    """The JSON bodies of a folder of vcrpy cassettes, YAML or JSON."""
    for path in sorted((RECORDINGS / folder).iterdir()):
        loaded = (
            yaml.load(path.read_text(), yaml.CSafeLoader) if path.suffix == ".yaml" else json.loads(path.read_text())
        )
        for interaction in loaded["interactions"]:
            try:
                yield json.loads(interaction["response"]["body"].get("string") or "")
            except ValueError:
                continue  # uploads, pages of HTML, empty answers


def json_lines(name: str) -> list[str]:
    return (RECORDINGS / "x" / "twarc_csv" / name).read_text().splitlines()


def is_post(item: Any) -> bool:
    """Users, lists, spaces and messages have no text, or no edit history."""
    return isinstance(item, dict) and "text" in item and "edit_history_tweet_ids" in item


def posts_in(answer: Any) -> list[dict[str, Any]]:
    data = answer.get("data") if isinstance(answer, dict) else None
    items = data if isinstance(data, list) else [data]
    included = (answer.get("includes") or {}).get("tweets") or [] if isinstance(answer, dict) else []
    return [item for item in [*items, *included] if is_post(item)]


def check(post: Post) -> None:
    """What every post has, whoever recorded it."""
    assert post.native_id.isdigit()
    assert post.posted_at.year in range(2006, 2027)
    assert post.url.endswith(f"/status/{post.native_id}")
    assert "&amp;" not in post.text
    assert all(mention == mention.lower() for mention in post.mentions)


def test_every_post_in_tweepys_cassettes_is_read() -> None:
    # Recorded without the author, which we always ask for and X then always sends: it is added here.
    raw = [post for answer in cassette_answers("x/tweepy_cassettes") for post in posts_in(answer)]
    for item in raw:
        check(parse_post({"author_id": "783214", **item}, {}))
    assert len(raw) >= 30


def test_a_recorded_post_without_an_author_is_refused() -> None:
    raw = [post for answer in cassette_answers("x/tweepy_cassettes") for post in posts_in(answer)]
    nameless = [item for item in raw if "author_id" not in item]
    assert nameless
    for item in nameless:
        with pytest.raises(Unreadable):
            parse_post(item, {})


PAGES = (
    "2sets", "brexit", "cashtags", "cotweet", "edited", "edited_after", "edited_before", "entities_test", "geo_tweets",
    "kpop", "many_urls", "media_policy_violation_off", "media_policy_violation_on", "media_tweet", "mentions_tweet",
    "noflat", "quoted_edit", "two_tweets", "verified_type", "withheld",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_recorded_page_is_read(name: str) -> None:
    for line in json_lines(f"{name}.jsonl"):
        page = json.loads(line)
        parsed = parse_page(page)
        assert parsed.unreadable == ()
        assert len(parsed.posts) == (len(page["data"]) if isinstance(page["data"], list) else 1)
        for post in parsed.posts:
            check(post)


def test_recorded_pages_hold_many_posts_and_every_kind() -> None:
    pages = [json.loads(line) for name in PAGES for line in json_lines(f"{name}.jsonl")]
    posts = [post for page in pages for post in parse_page(page).posts]
    assert len(posts) >= 600
    assert sum(post.is_repost for post in posts) >= 50
    assert sum(post.parent_author_id is not None for post in posts) >= 50
    assert sum(post.quoted_author_id is not None for post in posts) >= 50
    assert sum(post.author.handle == "" for post in posts) <= 6  # X left out withheld authors
    assert any(post.place for post in posts)


def test_every_flat_post_is_read() -> None:
    flat = [json.loads(line) for line in json_lines("flat.jsonl")]
    for raw in flat:
        post = parse_post(raw, {"users": [raw["author"]]})
        check(post)
        assert post.author.handle == raw["author"]["username"]
    assert len(flat) == 100


def test_a_recorded_stream_is_read_up_to_its_truncated_last_line() -> None:
    posts: list[Post] = []
    unreadable: list[str] = []
    for line in json_lines("streaming_output_with_error.jsonl"):
        try:
            post = parse_stream_line(line)
        except Unreadable as err:
            unreadable.append(err.raw)
        else:
            assert post is not None
            check(post)
            posts.append(post)
    assert (len(posts), len(unreadable)) == (7, 1)
    assert unreadable[0].endswith('"1021159080151404544"')


def things_in(content: Any) -> Iterator[dict[str, Any]]:
    """Every comment and submission, however deep in listings, replies and crossposts."""
    if isinstance(content, list):
        for item in content:
            yield from things_in(item)
    elif isinstance(content, dict):
        if content.get("kind") in ("t1", "t3") and isinstance(content.get("data"), dict):
            yield content
        for value in content.values():
            yield from things_in(value)


def test_every_recorded_comment_and_submission_is_read() -> None:
    things = [thing for answer in cassette_answers("reddit/asyncpraw_cassettes") for thing in things_in(answer)]
    posts = [post for post in map(parse_thing, things) if post is not None]
    gone = [thing for thing in things if parse_thing(thing) is None]
    for post in posts:
        assert post.native_id[:3] in ("t1_", "t3_")
        assert post.root_id.startswith("t3_")
        assert post.url.startswith("https://www.reddit.com/r/") or post.url.startswith("https://www.reddit.com/user/")
        assert post.author.handle
        assert post.posted_at.year in range(2005, 2027)
    assert sum(post.native_id.startswith("t1_") for post in posts) >= 2000
    assert sum(post.native_id.startswith("t3_") for post in posts) >= 300
    assert 0 < len(gone) <= 150
    assert sum(post.author.native_id.startswith("t2_") for post in posts) >= 0.9 * len(posts)
