"""Search in both databases: the same words find the same conversations, and what is forgotten is not found."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from core.conversation import Move, Status
from core.post import Author
from store import tables as t
from store.conversations import Conversations
from store.database import Database
from store.deletions import forget_gone
from store.edits import rewrite
from store.inbox import InboxFilters, Page
from store.posts import Posts
from tests.builders import NOW, a_mention, a_post, an_author, saved

KARI = an_author("kari", handle="kari_nordmann", name="Kari Nordmann")
PER = an_author("per", handle="per_gynt", name="Per Åkesson")


async def _say(database: Database, native_id: str, said: str, *, author: Author = KARI, root: str | None = None) -> int:
    post = a_post(native_id, text=said, author=author, root_id=root or native_id)
    return (await saved(database, a_mention(post=post)))[0]


async def _page(database: Database, typed: str, **changes: object) -> Page:
    given = {"limit": 50, "after": None, "before": None, **changes}
    filters = InboxFilters(statuses=given.pop("statuses", tuple(Status)), text=typed)  # type: ignore[arg-type]
    return await Conversations(database).inbox(filters, **given)  # type: ignore[arg-type]


async def _find(database: Database, typed: str, **changes: object) -> list[str]:
    """The roots of what was found, in order."""
    return _roots(await _page(database, typed, **changes))


def _roots(page: Page) -> list[str]:
    return [card.heard.mention.post.root_id for card in page.cards]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("fakturaen", ["2", "1"]),
        ("FAKTURAEN", ["2", "1"]),
        ("ærø", ["3"]),
        ("ÆRØ", ["3"]),
        ("aero", []),
        ("ar", []),
        ("år", ["4"]),
        ("ÅR", ["4"]),
        ("faktura", ["4", "2", "1"]),
        ('"faktura"', []),
        ("fakt kari", ["2", "1"]),
        ("fak", []),
        ("fak*", ["4", "2", "1"]),
        ('"fakturaen er"', ["1"]),
        ('"er fakturaen"', ["2"]),
        ("fakturaen -hvor", ["1"]),
        ('fakturaen -"er forkert"', ["2"]),
        ("forkert kari", ["1"]),
        ("per_gynt", ["4", "3"]),
        ("@kari_nordmann", ["2", "1"]),
        ("åkesson faktur*", ["4"]),
        ("wi-fi", ["3"]),
        ('"wi fi"', ["3"]),
        ("4711", ["4"]),
        ("-fakturaen", []),
        ('" -* " AND OR NEAR( ^ : {x} \\ \' ;--', []),
        ("text:ærø", []),
        ("%", []),
        ("\0", []),
        ("\ud83d\ude00", []),
        ("(((", []),
    ],
)
async def test_what_is_typed_finds_the_same_on_both_engines(database: Database, typed: str, found: list[str]) -> None:
    await _say(database, "1", "Fakturaen er forkert!")
    await _say(database, "2", "Hvor er fakturaen?")
    await _say(database, "3", "Ingen Wi-Fi på Ærø \N{GRINNING FACE}", author=PER)
    await _say(database, "4", "Två A\u030ar sedan fakturan, ärende #4711", author=PER)
    assert await _find(database, typed) == found


async def test_a_conversation_is_found_once_by_its_newest_post(database: Database) -> None:
    await _say(database, "1", "pakken er væk", root="r")
    await _say(database, "2", "pakken er her")
    await _say(database, "3", "pakken er stadig væk", root="r")
    assert await _find(database, "pakken") == ["r", "2"]
    assert await _find(database, "her") == ["2"]


async def test_filters_and_search_hold_at_once(database: Database) -> None:
    first = await _say(database, "1", "pakken er væk")
    await _say(database, "2", "pakken er her")
    conversations = Conversations(database)
    thread = await conversations.thread(first)
    assert thread is not None
    await conversations.move(first, Move.RESOLVE, by="kari", version=thread.conversation.version, at=NOW)
    assert await _find(database, "pakken", statuses=(Status.RESOLVED,)) == ["1"]
    assert await _find(database, "pakken", statuses=(Status.PENDING,)) == ["2"]


async def test_pages_of_what_was_found_lead_on_and_back(database: Database) -> None:
    for number in range(7):
        await _say(database, str(number), f"pakken nummer {number}")
    # Two who said it twice: on the first page they must not come again on a later one.
    await _say(database, "8", "pakken igen", root="1")
    await _say(database, "9", "pakken igen", root="2")
    first = await _page(database, "pakken", limit=3)
    second = await _page(database, "pakken", limit=3, after=first.after)
    third = await _page(database, "pakken", limit=3, after=second.after)
    assert [_roots(page) for page in (first, second, third)] == [["2", "1", "6"], ["5", "4", "3"], ["0"]]
    assert (first.before, third.after) == (None, None)
    assert _roots(await _page(database, "pakken", limit=3, before=third.before)) == ["5", "4", "3"]
    assert await _page(database, "pakken", limit=3, before=second.before) == first


@pytest.mark.parametrize("cursor", ["", "p", "p-1", "17.4", "p99999999999999999999", "<script>", "p\u0661"])
async def test_a_cursor_that_is_nonsense_is_the_first_page(database: Database, cursor: str) -> None:
    await _say(database, "1", "pakken er væk")
    assert await _find(database, "pakken", after=cursor) == ["1"]
    assert await _find(database, "pakken", before=cursor) == ["1"]


async def test_what_an_author_deleted_edited_or_what_is_old_is_not_found(database: Database) -> None:
    deleted = await _say(database, "1", "hemmeligheden er ude", author=an_author("1", handle="doomed_dan"))
    edited = await _say(database, "2", "hemmeligheden igen", author=PER)
    await _say(database, "3", "hemmeligheden er gammel", author=an_author("3", handle="purged_pia"))
    async with database.begin() as connection:
        assert await forget_gone(connection, deleted, at=NOW)
        new = a_post("2", text="nu noget andet", author=PER)
        assert await rewrite(connection, edited, new, at=NOW)
        await connection.execute(
            update(t.posts).where(t.posts.c.native_id == "3").values(posted_at=NOW - timedelta(days=90))
        )
    assert await _find(database, "doomed_dan") == []
    assert await _find(database, "hemmeligheden") == ["3"]
    assert await _find(database, "andet") == ["2"]
    await Posts(database).purge(before=NOW - timedelta(days=30), at=NOW)
    assert await _find(database, "hemmeligheden") == []
    assert await _find(database, "purged_pia") == []


async def test_an_author_is_found_by_the_name_they_have_now(database: Database) -> None:
    await _say(database, "1", "hej")
    await _say(database, "2", "hej igen", author=an_author("kari", handle="kari_hansen", name="Kari Hansen"))
    assert await _find(database, "nordmann") == []
    assert await _find(database, "kari_hansen") == ["2", "1"]


async def test_a_long_text_with_anything_in_it_is_stored_and_found(database: Database) -> None:
    await _say(database, "1", "x" * 5_000 + " " + "ord " * 60_000 + "\0\ud800 slut")
    assert await _find(database, "ord") == ["1"]


async def test_a_common_word_behind_a_filter_ends_after_a_while_and_says_where_to_go_on(database: Database) -> None:
    posts = [a_post(str(n), text="pakken", author=an_author(str(n))) for n in range(6_000)]
    for at in range(0, len(posts), 1_000):
        await saved(database, *(a_mention(post=post) for post in posts[at : at + 1_000]))
    conversations = Conversations(database)
    filters = InboxFilters(statuses=(Status.RESOLVED,), text="pakken")
    oldest = await conversations.thread(1)
    assert oldest is not None
    await conversations.move(1, Move.RESOLVE, by="kari", version=oldest.conversation.version, at=NOW)
    pages = [await conversations.inbox(filters)]
    while pages[-1].after is not None:
        pages.append(await conversations.inbox(filters, after=pages[-1].after))
    assert len(pages) in (1, 2)
    assert [card.conversation.id for page in pages for card in page.cards] == [1]
