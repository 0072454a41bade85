"""Rules and watches put live on a page reach processes that were running all along, and are taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import Emulated
from tests.dashboard.conftest import Browser, browsing
from tests.house import House
from tests.journeys.conftest import Eventually

PASSWORD = "en god lang sætning"
QUIET = '[[rules]]\nname = "quiet"\nreply = "draft"\n'
WATCHES = """[[watches]]
account = "x-main"
hashtags = ["brandfail", "sejlerferie"]

[[watches]]
account = "reddit-main"
subreddits = ["sandbox"]
"""


def another_process(house: House, folder: Path) -> House:
    """One more process on the same rows and bells, with a port of its own."""
    other = House(folder=folder, x=house.x, reddit=house.reddit, alerts=house.alerts, store=house.store)
    other.write_config()
    text = other.config.read_text().replace(str(folder / "data"), str(house.folder / "data"))
    other.config.write_text(text)
    return other


async def put_live(supervisor: Browser, kind: str, text: str) -> None:
    """Try a text on the page, and put it live."""
    await supervisor.get(f"/{kind}")
    tried = await supervisor.post(f"/{kind}/try", text=text, days="1")
    assert tried.status == 200, supervisor.page
    fields = {"follows": supervisor.hidden("follows"), "tried": supervisor.hidden("tried")}
    live = await supervisor.post(f"/{kind}/live", text=text, note="a test", **fields)
    assert live.status == 200, supervisor.page


async def decision_of(house: House, native_id: str) -> dict[str, Any] | None:
    return next((row for row in await house.export("decisions") if row["native_id"] == native_id), None)


async def test_rules_and_watches_put_live_are_followed_by_other_processes_and_taken_back(
    house: House, emulated_x: Emulated, eventually: Eventually, tmp_path: Path
) -> None:
    await house.start("--only", "listeners,sentiment,dashboard")
    other = another_process(house, tmp_path / "another")
    await other.start("--only", "responder", "--port", str(other.port))
    try:
        await house.run("user", "add", "Mette", "--role", "supervisor", "--password-stdin", given=f"{PASSWORD}\n")
        await eventually(lambda: house.hears("stream"))
        first = await emulated_x.post("anna", "@brand tredje gang jeg ringer, ingen hjælper!!!")
        before = await eventually(lambda: decision_of(house, first))
        assert (before["rule"], before["rulebook"]) == ("angry", 0)

        async with browsing(house.url) as mette:
            await mette.sign_in("Mette", PASSWORD)
            await put_live(mette, "rules", QUIET)
            second = await emulated_x.post("bo", "@brand tredje gang jeg ringer, ingen hjælper!!!")
            now = await eventually(lambda: decision_of(house, second))
            assert (now["rule"], now["action"], now["rulebook"]) == ("quiet", "draft", 1)
            assert isinstance(now["held"], list)

            await mette.get("/rules")
            await mette.post("/rules/return", to=0, follows=1)
            third = await emulated_x.post("carl", "@brand tredje gang jeg ringer, ingen hjælper!!!")
            again = await eventually(lambda: decision_of(house, third))
            assert (again["rule"], again["rulebook"]) == ("angry", 2)

            await put_live(mette, "watches", WATCHES)
        await eventually(lambda: "an account is heard by new watches" in house.log())
        await eventually(lambda: house.hears("stream"))
        wanted = await emulated_x.post("dora", "en uge på havet #sejlerferie")
        heard = await eventually(lambda: decision_of(house, wanted))
        assert heard["via"] == "hashtag"
        assert [gap for gap in await house.export("gaps") if gap["account"] == "x-main"] == []
        status, said = await house.run("doctor")
        assert "watches in force: version 3 is, put live by Mette" in said, (status, said)
    finally:
        assert await other.stop() == 0
    assert "Traceback" not in other.log()
