"""Machines that talk to each other fall silent, whether they stay in one thread or open a new one each time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conftest import Emulated
from tests.house import House
from tests.journeys.conftest import Eventually

# Whatever is said is answered: nothing but the safety engine can end it.
EAGER = '\n[[rules]]\nname = "everything"\nreply = "automatic"\nonce_per_hours = {hours}\n'
BRAND = """
brand = "{handle}"
language = "da"

[[accounts]]
name = "reddit-main"
platform = "reddit"
handle = "{handle}"
base_url = "{reddit}"
poll_seconds = 0.5
client_id = "client"
client_secret = "secret"
username = "{handle}"
password = "password"
user_agent = "test:genlyd:0.1 (by /u/{handle})"

[[watches]]
account = "reddit-main"

[store]
data = "{folder}"

[dashboard]
port = {port}
"""


@asynccontextmanager
async def _brand(folder: Path, handle: str, reddit: str) -> AsyncIterator[House]:
    """A Genlyd of another brand, with an account of its own on the same platform."""
    house = House(folder=folder, x="", reddit=reddit)
    _write_config(house, handle)
    await house.start()
    try:
        yield house
    finally:
        assert await house.stop() == 0


def _write_config(house: House, handle: str) -> None:
    house.folder.mkdir()
    text = BRAND.format(handle=handle, reddit=house.reddit, folder=house.folder / "data", port=house.port)
    house.config.write_text(text + EAGER.format(hours=1))


async def test_two_brands_whose_bots_answer_each_other_fall_silent_within_two_turns(
    tmp_path: Path, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    async with (
        _brand(tmp_path / "fjord", "fjordnet", emulated_reddit.url) as fjord,
        _brand(tmp_path / "fjell", "fjellpost", emulated_reddit.url) as fjell,
    ):
        first = await emulated_reddit.post(
            "fjellpost", "Hej u/fjordnet, pakken med jeres nye routere er ikke kommet endnu, hvornår sender I den?"
        )
        await eventually(lambda: emulated_reddit.replies_to(first), seconds=60)
        spoken = await _at_rest(emulated_reddit, fjord, fjell)
        said = Counter(post["author"] for post in spoken if post["id"] != first)
        assert said["fjordnet"] == 1
        assert said["fjellpost"] <= 1
        # The one who answered last was heard, and met with silence.
        assert len(await fjord.export("posts")) + len(await fjell.export("posts")) == 1 + said.total()


async def _at_rest(reddit: Emulated, *houses: House) -> list[dict[str, Any]]:
    """Wait until nobody has said anything for long enough to be heard and answered; return what stands there."""
    for _ in range(12):
        before = [post for post in await reddit.posts() if post["author"] in ("fjordnet", "fjellpost")]
        await asyncio.sleep(5)
        after = [post for post in await reddit.posts() if post["author"] in ("fjordnet", "fjellpost")]
        heard = [row for house in houses for row in await house.export("posts")]
        if len(before) == len(after) and len(heard) == len(after) and all(row["stage"] == "decided" for row in heard):
            return after
    raise AssertionError(f"they still talk after a minute: {[post['text'] for post in after]}")


async def test_a_machine_that_opens_a_new_thread_each_time_is_answered_as_often_as_one_author_may_be(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    house.write_config(EAGER.format(hours=1))
    await house.start()
    for number in range(1, 5):
        await emulated_x.post("ticketdesk", f"@brand Tak for din besked, din pakke er ikke kommet. Sag nr. {number}")
        await eventually(lambda count=number: _decided(house, count), seconds=60)
    actions = [decision["action"] for decision in await house.export("decisions")]
    assert actions == ["acknowledge", "acknowledge", "draft", "draft"]
    await eventually(lambda: _sent(house, 2))
    assert sum(post["ours"] for post in await emulated_x.posts()) == 2


async def _decided(house: House, count: int) -> bool:
    return len(await house.export("decisions")) == count


async def _sent(house: House, count: int) -> bool:
    return [reply["state"] for reply in await house.export("replies")].count("sent") == count
