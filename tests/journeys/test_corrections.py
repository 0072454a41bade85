"""A person sets something right in a running house, and the next post that says the same is read so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import Emulated
from tests.dashboard.conftest import PASSWORD, Browser, browsing
from tests.house import House
from tests.journeys.conftest import ENGINES, Eventually

TEXT = "@brand så sidder vi her igen, kaput som altid"


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_person_sets_right_and_teaches_counts_for_the_next_post_without_a_restart(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    await _add_user(house, "kari")
    await emulated_x.post("anna", TEXT)
    [first] = await eventually(lambda: _decided(house, 1))
    async with browsing(house.url) as browser:
        assert (await browser.sign_in("kari")).status == 200
        await _correct(browser, first)
        assert "Set right. It counts from now on." in browser.page
        await browser.get("/corrections")
        assert (await browser.post("/taught", phrase="regnemaskine", points="60")).status == 200
    # What the readers may have kept in mind is as old as this at most.
    await asyncio.sleep(2.1)
    await emulated_x.post("bo", TEXT)
    await emulated_x.post("carl", "@brand hvor er min regnemaskine")
    rows = await eventually(lambda: _decided(house, 3))
    alike, taught = sorted(rows[1:], key=lambda row: "regnemaskine" in str(row["text"]))
    assert (alike["sentiment"], alike["urgency"]) == (_other(first), 90)
    assert sorted(alike["corrected"]) == ["sentiment", "urgency"]
    assert taught["corrected"] == []
    assert "regnemaskine" in {reason["cue"] for reason in taught["reasons"]}
    made = await house.export("corrections")
    assert [(row["field"], row["person"], row["posts"]) for row in made] == [
        ("sentiment", "kari", 2),
        ("urgency", "kari", 2),
    ]
    assert not any("kaput" in str(row) for row in made)


async def _decided(house: House, count: int) -> list[dict[str, Any]]:
    rows = await house.export("posts")
    return rows if len(rows) == count and all(row["stage"] == "decided" for row in rows) else []


def _other(row: dict[str, Any]) -> str:
    """A mood that the model did not see."""
    return "positive" if row["sentiment"] != "positive" else "negative"


async def _correct(browser: Browser, row: dict[str, Any]) -> None:
    """Send the form under a post, with another mood and the highest urgency, for all that say nearly the same."""
    path = f"/conversations/{row['conversation_id']}"
    await browser.get(path)
    fields = {name: browser.hidden(name) for name in ("saw-mood", "saw-urgency", "saw-language", "saw-intents")}
    data = [("csrf", browser.csrf), ("post", str(row["id"])), *fields.items(), ("language", row["language"])]
    data += [("intents", intent) for intent in row["intents"]]
    data += [("mood", _other(row)), ("level", "danger"), ("spreads", "yes")]
    async with browser.http.post(f"{browser.url}{path}/correct", data=data) as response:
        browser.page = await response.text()
        assert response.status == 200, browser.page


async def _add_user(house: House, name: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *house._command("user", "add", name, "--password-stdin"), stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(f"{PASSWORD}\n".encode())
    assert process.returncode == 0
