"""What a newcomer sees: a post becomes an acknowledgement, a card and, if it is angry, an alert."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.sandbox import open_sandbox
from core.config import Config, StoreConfig
from core.post import Platform
from tests.conftest import Emulated
from tests.house import House
from tests.journeys.conftest import ENGINES, Eventually, Webhook


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_angry_danish_post_is_acknowledged_in_danish_and_people_are_told(
    house: House, emulated_x: Emulated, webhook: Webhook, eventually: Eventually
) -> None:
    await house.start()
    post = await emulated_x.post("anna", "@brand tredje gang jeg ringer, ingen hjælper!!!", followers=1200)

    [reply] = await eventually(lambda: emulated_x.replies_to(post))
    [told] = await eventually(lambda: webhook.told)

    [row] = await house.export("posts")
    assert row["language"] == "da"
    assert row["sentiment"] == "negative"
    assert row["urgency"] >= 60
    shown = " ".join(reason["words"] for reason in row["reasons"])
    assert "tredje gang" in shown
    assert "ingen hjælper" in shown
    [sent] = await house.export("replies")
    assert sent["state"] == "sent"
    assert sent["remote_id"] == reply["id"]
    assert sent["template"].startswith("da/")
    assert "tredje gang" in told["message"]
    [conversation] = await house.export("conversations")
    assert conversation["due_at"] is not None


async def test_praise_is_acknowledged_as_the_rules_say_and_alerts_nobody(
    house: House, emulated_x: Emulated, webhook: Webhook, eventually: Eventually
) -> None:
    await house.start()
    post = await emulated_x.post("bo_larsen", "@brand Tusind tak for den hurtige levering, I er de bedste!")
    await eventually(lambda: emulated_x.replies_to(post))
    [decision] = await house.export("decisions")
    assert decision["rule"] == "praise"
    assert not decision["escalate"]
    assert webhook.told == []
    # Whoever started it read that it is up, where, and that nobody can sign in yet.
    assert f"  Dashboard               {house.url}/" in house.log()
    assert "nobody can sign in yet" in house.log()


async def test_a_hashtag_alone_on_x_is_shown_with_a_link_and_never_queued(
    house: House, emulated_x: Emulated, webhook: Webhook, eventually: Eventually
) -> None:
    await house.start()
    await eventually(lambda: house.hears("stream"))
    await emulated_x.post("kari", "Tredje gang appen ligger nede, jeg er rasende! #brandfail")
    [decision] = await eventually(lambda: house.export("decisions"))
    assert decision["action"] == "show"
    assert decision["escalate"]
    await eventually(lambda: webhook.told)
    assert await house.export("replies") == []
    [post] = await house.export("posts")
    assert post["url"].startswith("https://x.com/kari/status/")
    assert [p for p in await emulated_x.posts() if p["ours"]] == []


async def test_a_reddit_mention_is_acknowledged_where_it_was_written(
    house: House, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    await house.start()
    post = await emulated_reddit.post("erik_s", "Hej u/brand, mitt paket är försenat igen, riktigt dåligt. Var är det?")
    [reply] = await eventually(lambda: emulated_reddit.replies_to(post))
    [row] = await house.export("posts")
    assert row["language"] == "sv"
    assert reply["parent"] == post


async def test_our_own_posts_and_reposts_of_us_are_not_heard(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    ours = await emulated_x.post("brand", "Vi har åbent igen @brand #brandfail")
    await emulated_x.post("fan_page", "RT @brand: Vi har åbent igen", retweets=ours)
    heard = await emulated_x.post("mette", "@brand hvornår åbner I i morgen?")
    await eventually(lambda: emulated_x.replies_to(heard))
    assert [post["native_id"] for post in await house.export("posts")] == [heard]


async def test_a_follow_up_in_the_same_conversation_is_not_acknowledged_again(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    first = await emulated_x.post("jens", "@brand jeg har ventet tre uger på min pakke, det er for dårligt")
    await eventually(lambda: emulated_x.replies_to(first))
    second = await emulated_x.post("jens", "@brand hallo? er der nogen?", in_reply_to=first)
    await eventually(lambda: _decided(house, 2))
    assert await emulated_x.replies_to(second) == []


async def test_stop_is_obeyed_at_once_and_for_good(house: House, emulated_x: Emulated, eventually: Eventually) -> None:
    await house.start()
    await emulated_x.post("trine", "@brand stop med at skrive til mig")
    await eventually(lambda: _decided(house, 1))
    later = await emulated_x.post("trine", "@brand min pakke er ikke kommet og ingen svarer, det er for dårligt")
    await eventually(lambda: _decided(house, 2))
    assert await emulated_x.replies_to(later) == []
    assert "asked for no automatic replies" in (await house.export("decisions"))[1]["because"]


async def _decided(house: House, count: int) -> bool:
    return len(await house.export("decisions")) == count


async def test_the_sandbox_leaves_the_operators_own_database_alone(tmp_path: Path) -> None:
    config = Config(store=StoreConfig(data=str(tmp_path), database=f"sqlite:///{tmp_path}/mine.db"))
    async with open_sandbox(config) as sandbox:
        assert sandbox.config.store.database == f"sqlite:///{tmp_path}/sandbox/genlyd.db"
        assert {account.platform for account in sandbox.config.accounts} == set(Platform)
        assert all(process.returncode is None for process in sandbox.processes)
    assert all(process.returncode is not None for process in sandbox.processes)
    assert not (tmp_path / "mine.db").exists()


async def test_a_platform_that_hangs_holds_up_no_other(
    house: House, emulated_x: Emulated, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    await house.start()
    await emulated_x.faults({"on": "create", "do": "hang", "seconds": 60})
    stuck = await emulated_x.post("anna", "@brand tak for hurtig hjælp i går!")
    await eventually(lambda: _fired(emulated_x))
    post = await emulated_reddit.post("erik_s", "Hej u/brand, mitt paket är försenat igen, riktigt dåligt. Var är det?")
    await eventually(lambda: emulated_reddit.replies_to(post))
    [waiting] = [reply for reply in await house.export("replies") if reply["target_id"] == stuck]
    assert waiting["state"] == "sending", "X still hangs while Reddit was answered"


async def _fired(emulated: Emulated) -> bool:
    return all(fault["fired"] == fault["times"] for fault in await emulated.fired())
