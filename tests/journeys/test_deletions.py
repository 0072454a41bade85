"""An author deletes or edits what we hold: followed through real listeners, proven by the leak scanner (I7)."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from tests.conftest import Emulated
from tests.house import House
from tests.journeys.conftest import ENGINES, Eventually, Webhook

MARKER = "Sølvfiskekvarteret 4711"
AUTHOR = "kvittering_kim"
ANGRY = f"tredje gang jeg ringer fra {MARKER}, ingen hjælper!!! Jeg er rasende"


async def _house(house: House, *options: str) -> None:
    house.recheck = 2
    house.write_config()
    await house.start(*options)


async def _decided(house: House, count: int) -> bool:
    rows = await house.export("decisions")
    return len(rows) == count


async def _gone(house: House) -> bool:
    return all(post["deleted_at"] for post in await house.export("posts"))


async def _posts(house: House) -> dict[str, Any]:
    return {post["native_id"]: post for post in await house.export("posts")}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_deleted_post_leaves_no_byte_anywhere_and_its_fact_stays(
    house: House, emulated_x: Emulated, emulated_reddit: Emulated, webhook: Webhook, eventually: Eventually
) -> None:
    await _house(house)
    post = await emulated_x.post(AUTHOR, f"@brand {ANGRY}", followers=1200)
    comment = await emulated_reddit.post(AUTHOR, f"u/brand {ANGRY}")
    await eventually(lambda: _decided(house, 2))
    await eventually(lambda: emulated_x.replies_to(post))
    await eventually(lambda: len(webhook.told) == 2)
    for text in (MARKER, AUTHOR):
        status, said = await house.run("leaks", "--text", text)
        assert (status, "FOUND database: posts" in said) == (1, True), "the negative control: it is found before"

    await emulated_x.delete(post)
    await emulated_reddit.delete(comment)
    await eventually(lambda: _gone(house), seconds=60)
    await eventually(lambda: _purged(house), seconds=60)

    for text in (MARKER, AUTHOR, ANGRY):
        status, said = await house.run("leaks", "--also", str(house.folder / "log.txt"), given=f"{text}\n")
        assert (status, said.startswith("nothing found; looked through ")) == (0, True), said
    rows = await _posts(house)
    assert {name: row["note"] for name, row in rows.items()} == dict.fromkeys((post, comment), "deleted by its author")
    assert len(await house.export("decisions")) == 2
    # Stopped, with what it writes at its end, it holds none either.
    assert await house.stop() == 0
    status, said = await house.run("leaks", "--also", str(house.folder / "log.txt"), given=f"{MARKER}\n")
    assert status == 0, said


async def _purged(house: House) -> bool:
    status, _ = await house.run("purge")
    return status == 0


async def test_the_scanner_finds_remains_that_no_row_shows(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    """A control of the scanner itself: what is forgotten in the rows stands in the journal until the purge."""
    await _house(house)
    post = await emulated_x.post(AUTHOR, f"@brand {ANGRY}")
    await eventually(lambda: emulated_x.replies_to(post))
    await emulated_x.delete(post)
    await eventually(lambda: _gone(house), seconds=60)
    status, said = await house.run("leaks", given=f"{MARKER}\n")
    assert status == 1
    assert "FOUND database" not in said
    assert "genlyd.db-wal" in said
    await eventually(lambda: _purged(house), seconds=60)
    assert (await house.run("leaks", given=f"{MARKER}\n"))[0] == 0


async def test_an_edited_post_is_read_anew_and_not_acknowledged_twice(
    house: House, emulated_x: Emulated, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    await _house(house)
    post = await emulated_x.post("anna", f"@brand {ANGRY}")
    comment = await emulated_reddit.post("erik_s", f"u/brand {ANGRY}")
    await eventually(lambda: emulated_x.replies_to(post))
    await eventually(lambda: emulated_reddit.replies_to(comment))
    await emulated_x.edit(post, "@brand tusind tak for hjælpen, alt virker nu!")
    await emulated_reddit.edit(comment, "u/brand tusind tak for hjælpen, alt virker nu!")

    async def read_anew() -> bool:
        rows = await house.export("posts")
        return [(row["sentiment"], row["stage"], row["note"]) for row in rows] == [
            ("positive", "decided", "edited by its author")
        ] * 2

    await eventually(read_anew, seconds=60)
    assert set(await _posts(house)) == {post, comment}, "no second post"
    decisions = await house.export("decisions")
    assert [row["action"] for row in decisions] == ["show", "show"]
    assert {row["because"] for row in decisions} == {"this post already has a reply"}
    ours = [one for one in await emulated_x.posts() + await emulated_reddit.posts() if one["ours"]]
    assert len(ours) == 2, "one acknowledgement each"
    _, said = await house.run("leaks", given=f"{MARKER}\n")
    assert "FOUND database" not in said, "the old text is in no row"


async def test_pages_say_deleted_by_its_author_and_a_draft_is_void(
    house: House, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    house.recheck = 2
    house.write_config('[[rules]]\nname = "all"\nreply = "draft"\n')
    await house.start()
    comment = await emulated_reddit.post(AUTHOR, f"u/brand {ANGRY}")

    async def drafted() -> bool:
        return [row["state"] for row in await house.export("replies")] == ["draft"]

    await eventually(drafted)
    await emulated_reddit.delete(comment)
    await eventually(lambda: _gone(house), seconds=60)
    [reply] = await house.export("replies")
    assert (reply["state"], reply["text"], reply["problem"]) == ("dropped", "", "the post was deleted by its author")
    page = await _page(house, "/conversations/1")
    assert "Deleted by its author" in page
    assert MARKER not in page
    assert AUTHOR not in page
    assert "Being read" not in page


async def _page(house: House, path: str) -> str:
    status, _ = await house.run("user", "add", "kari", "--password-stdin", given="a long enough password\n")
    assert status == 0
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(house.url, cookie_jar=jar) as session:
        async with session.get("/sign-in") as response:
            found = re.search(r'name="csrf" value="([^"]+)"', await response.text())
        assert found is not None
        form = {"csrf": found[1], "name": "kari", "password": "a long enough password"}
        async with session.post("/sign-in", data=form) as response:
            assert response.status == 200
        async with session.get(path) as response:
            assert response.status == 200
            return await response.text()


async def test_a_search_that_cannot_mean_anything_is_refused(house: House) -> None:
    status, said = await house.run("leaks", given="ab\n")
    assert (status, "at least 4 characters" in said) == (2, True)
    status, said = await house.run("leaks", "--text", MARKER, "--also", "/nowhere")
    assert (status, "no such file or folder" in said) == (2, True)
