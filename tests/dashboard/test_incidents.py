"""The incidents page and the banner: everybody sees the storm, somebody takes it, a supervisor resets it."""

from datetime import timedelta

import pytest

from core.assessment import Language
from core.clock import ManualClock
from core.decision import Notice
from core.incident import Incident, Measure, Trip
from store.incidents import Incidents
from tests.dashboard.conftest import Browser, House
from tests.dashboard.seed import Said

REASON = "46 negative posts in 5 minutes, from 41 authors; usual at this hour: 1.2"


@pytest.fixture
async def storm(house: House, clock: ManualClock) -> Incident:
    """An open incident with one post."""
    conversation = await house.seed.say(Said(text="@hav <b>alt</b> er nede", age=timedelta(0)))
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    trip = Trip(
        reasons=(REASON,),
        measures=(Measure(name="Share negative", number="88%", usual="25%"),),
        post_ids=(thread.entries[0].heard.id,),
    )
    statements = {Language.DA: "Vi ser på det.", Language.EN: "We are looking."}
    notice = Notice(kind="incident", title="Storm", body="")
    opened = await Incidents(house.database).trip(
        "hav-dk", trip, statements=statements, notice=notice, at=clock.now() - timedelta(minutes=4)
    )
    assert opened is not None
    return opened


async def _now(house: House, storm: Incident) -> Incident:
    found = await Incidents(house.database).get(storm.id)
    assert found is not None
    return found


async def test_every_page_says_that_there_is_a_storm_and_in_quiet_times_none_does(lars: Browser, house: House) -> None:
    for path in ("/inbox", "/sources", "/corrections"):
        await lars.get(path)
        assert "Storm on" not in lars.page
    await lars.get("/incidents")
    assert "All quiet" in lars.page


@pytest.mark.usefixtures("storm")
async def test_the_banner_is_on_every_page_and_leads_to_the_incident(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    for path in ("/inbox", "/sources", "/corrections", f"/conversations/{conversation}", "/incidents"):
        await lars.get(path)
        assert "Storm on hav-dk: drafts only." in lars.page, path
        assert "Nobody has it yet" in lars.page, path
    await lars.get("/inbox")
    assert '<a class="button" href="/incidents">' in lars.page


@pytest.mark.usefixtures("storm")
async def test_the_page_shows_figures_reasons_statements_and_posts(lars: Browser) -> None:
    await lars.get("/incidents")
    for said in (REASON, "Share negative", "88%", "Usual: 25%", "Posts listed here", "Vi ser på det.",
                 "We are looking.", "@hav &lt;b&gt;alt&lt;/b&gt; er nede", "Tripped 4 min ago"):  # fmt: skip
        assert said in lars.page, said
    assert "<b>alt" not in lars.page


async def test_who_is_on_it_is_named_and_nobody_takes_it_twice(lars: Browser, house: House, storm: Incident) -> None:
    await lars.get("/incidents")
    await lars.post(f"/incidents/{storm.id}/take", version=storm.version)
    assert "You are on it." in lars.page
    assert "Lars is on it" in lars.page
    assert "I am on it" not in lars.page
    assert (await lars.post(f"/incidents/{storm.id}/take", version=storm.version)).status == 409
    assert (await _now(house, storm)).taken_by == "Lars"


async def test_an_edited_statement_is_approved_and_who_did_it_is_shown(
    lars: Browser, house: House, storm: Incident
) -> None:
    await lars.get("/incidents")
    path, words = (
        f"/incidents/{storm.id}/statement",
        {"statement_da": "Mere klokken 12.", "statement_en": "More at 12."},
    )
    assert (await lars.post(path, version=1, **{**words, "statement_en": " "})).status == 400
    await lars.get("/incidents")
    await lars.post(path, version=1, **words)
    assert "Approved by Lars just now. New drafts carry it." in lars.page
    found = await _now(house, storm)
    assert found.statements == {Language.DA: "Mere klokken 12.", Language.EN: "More at 12."}
    assert (found.approved_by, found.taken_by) == ("Lars", "Lars")


async def test_a_supervisor_resets_it_with_one_click_and_an_agent_cannot(
    mette: Browser, lars: Browser, house: House, storm: Incident
) -> None:
    await lars.get("/incidents")
    assert "Reset the breaker" not in lars.page
    assert (await lars.post(f"/incidents/{storm.id}/reset", version=1)).status == 403
    await mette.get("/incidents")
    await mette.post(f"/incidents/{storm.id}/reset", version=1)
    assert "Reset. Automatic replies go on." in mette.page
    assert "Storm on" not in mette.page
    assert "Reset by Mette just now, after 4 min." in mette.page
    found = await _now(house, storm)
    assert (found.is_open, found.heard_per_minute, found.negative_per_minute) == (False, 0.2, 0.2)


async def test_an_incident_that_is_not_there_is_a_calm_page(mette: Browser, storm: Incident) -> None:
    await mette.get("/incidents")
    assert (await mette.post("/incidents/999/take", version=1)).status == 404
    assert (await mette.post(f"/incidents/{storm.id}/reset", version="x")).status == 400
