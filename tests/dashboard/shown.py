"""Every page with something on it, for whoever looks at all of them: axe, screenshots, and a walk at 320 pixels.

Owns the list and the seed. A page that is not here fails `test_every_page_is_looked_at`.
"""

from datetime import timedelta

from core.assessment import Intent, Language, Reason, Sentiment
from core.correction import Change, Field, TaughtCue
from core.decision import Action, Notice
from core.incident import Measure, Trip
from core.ladder import ladder_of
from core.post import Platform
from core.report import Kind
from core.rights import Role
from core.watch import Via
from dashboard.server import PAGES
from store.alerts import Alerts, queue_alert
from store.corrections import Corrections
from store.incidents import Incidents
from store.invitations import Invitations, Link
from store.notes import Notes
from store.promises import Promises
from store.sources import Sources
from store.taught import TaughtWords
from store.tellings import Tellings
from tests.dashboard.conftest import CONFIG, House
from tests.dashboard.seed import Said

# What answers a script or a download: no page that a person looks at.
_NO_PAGE = ("/live", "/lookers", "/held", "/inbox/cards", "/inbox/fresh", ".csv", "/export", "/try", "/return")


def paths(conversation: int) -> list[str]:
    """Return the address of every page, those with a number filled."""
    found = []
    for page in PAGES:
        if page.method != "GET" or any(part in page.path for part in _NO_PAGE):
            continue
        if "{" not in page.path:
            found.append(page.path)
    lists = [f"/reports/{kind}?from=2025-01-01&to=2027-12-31" for kind in Kind]
    return [*found, f"/conversations/{conversation}", *lists]


async def seed(house: House) -> int:
    """Say a day's worth in four languages and return one conversation's id."""
    said = (
        Said(handle="jensen_kbh", root="a", followers=12_400, due=timedelta(minutes=-2)),
        Said(handle="anna.lindqvist", name="Anna Lindqvist", text="@hav varför kommer inte paketet? Tredje gången nu.",
             language=Language.SV, urgency=64, due=timedelta(minutes=9), reasons=(
                 Reason(cue="repeated_contact", words="Tredje gången", points=20),)),
        Said(handle="kari_n", name="Kari Nordmann", text="@hav appen er nede igjen, får ikke logget inn",
             language=Language.NB, urgency=71, intents=(Intent.OUTAGE,), reasons=()),
        Said(handle="bosmith", name="Bo Smith", text="@hav love the new stores, thank you!", language=Language.EN,
             sentiment=Sentiment.POSITIVE, negative=0.02, positive=0.95, urgency=4, intents=(Intent.PRAISE,),
             reasons=(), action=Action.SHOW),
        Said(handle="trailfan", platform=Platform.REDDIT, account="hav-reddit", followers=None,
             text="u/hav_support is the parcel strike over? Nobody answers the phone and the page says nothing at all "
                  "about when it will be, which is three weeks now.",
             language=Language.EN, urgency=48, intents=(Intent.QUESTION, Intent.DELIVERY), reasons=()),
        Said(handle="perolsen", text="Ny telefon fra #hav, virker fint indtil videre", via=Via.HASHTAG,
             matched="#hav", is_summons=False, urgency=12, sentiment=Sentiment.NEUTRAL, negative=0.1,
             intents=(), reasons=(), action=Action.SHOW),
    )  # fmt: skip
    first = 0
    for one in said:
        conversation = await house.seed.say(one)
        first = first or conversation
    await _staff(house)
    await house.seed.say(Said(root="a", text="Hallo? Er der nogen?", action=Action.SHOW, age=timedelta(minutes=1)))
    await _beside(house, first)
    await _told(house, first)
    await _set_right(house)
    await _deaf(house)
    return first


async def storm(house: House, conversation: int) -> None:
    """Trip the breaker of one account: the banner is then on every page."""
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    trip = Trip(
        reasons=("46 negative posts in 5 minutes, from 41 authors; usual at this hour: 1.2",),
        measures=(
            Measure(name="Negative", number="46", usual="1.2"),
            Measure(name="Share negative", number="88%", usual="25%"),
        ),
        post_ids=tuple(entry.heard.id for entry in thread.entries),
    )
    statements = {
        Language.DA: "Vi ved, at appen er nede, og arbejder på det. Næste besked kl. 14.",
        Language.SV: "Vi vet att appen ligger nere och arbetar på det. Nästa besked kl. 14.",
        Language.NB: "Vi vet at appen er nede, og jobber med det. Neste beskjed kl. 14.",
        Language.EN: "We know the app is down and are on it. Next word at 14:00.",
    }
    notice = Notice(kind="incident", title="Storm on hav-dk", body="46 negative posts in 5 minutes", account="hav-dk")
    began = house.clock.now() - timedelta(minutes=4)
    await Incidents(house.database).trip("hav-dk", trip, statements=statements, notice=notice, at=began)


async def _told(house: House, conversation: int) -> None:
    """An alert nobody is on yet, and one that Lars is on."""
    now, tellings, ladder = house.clock.now(), Tellings(house.database), ladder_of(CONFIG)
    kinds = (("escalation", "Urgency 84 on hav-dk", 84), ("promise", "Promised on hav-dk, due soon", 0))
    for kind, title, urgency in kinds:
        notice = Notice(kind=kind, title=title, body="", account="hav-dk", urgency=urgency)
        async with house.database.begin() as connection:
            await queue_alert(connection, notice, conversation_id=conversation, at=now - timedelta(minutes=3))
        await tellings.gather(ladder, at=now)
    alerts = Alerts(house.database)
    taken = next(one for one in await alerts.open() if one.group.kind == "promise")
    newest = await alerts.newest(taken.group.id)
    assert await alerts.acknowledge(taken.group.id, by="Lars", through="dashboard", seen=newest, at=now)


async def _set_right(house: House) -> None:
    """A mood set right, a word taught, and one taken back."""
    now = house.clock.now()
    said = Said(handle="mia_s", name="Mia Sand", text="Tak @hav, fantastisk. Tredje dag uden net.", urgency=31,
                reasons=(), sentiment=Sentiment.POSITIVE, negative=0.2, positive=0.7)  # fmt: skip
    thread = await house.seed.conversations.thread(await house.seed.say(said))
    assert thread is not None
    change = Change(field=Field.SENTIMENT, was=Sentiment.POSITIVE, now=Sentiment.NEGATIVE)
    await Corrections(house.database).make(thread.entries[0].heard.id, [change], by="Lars", spreads=True, at=now)
    taught = TaughtWords(house.database)
    await taught.teach(TaughtCue(phrase="uden net", points=25), by="Mette", at=now)
    wrong = await taught.teach(TaughtCue(phrase="tak", points=-20), by="Lars", at=now)
    await taught.undo(wrong, by="Mette", at=now)


async def _deaf(house: House) -> None:
    """A source that has not been heard since a while."""
    began = house.clock.now() - timedelta(minutes=12)
    await Sources(house.database).stumble(
        "hav-reddit", "mentions", "503: the platform is away", at=began, opens_gap=True
    )


async def _beside(house: House, conversation: int) -> None:
    """What colleagues wrote beside it."""
    notes, now = Notes(house.database), house.clock.now()
    await notes.write(conversation, "@Lars du kender ham, ikke?", by="Mette", at=now)
    await notes.tag(conversation, "pakke", by="Mette", at=now)
    promises = Promises(house.database)
    await promises.make(conversation, "Ring ham op", now + timedelta(minutes=9), by="Lars", at=now)
    await notes.write(conversation, "@Mette kan du tage den?", by="Lars", at=now)
    await promises.make(conversation, "Skriv igen kl. 14", now + timedelta(minutes=20), by="Mette", at=now)


async def _staff(house: House) -> None:
    """Mette may look at every page; somebody is invited, somebody is gone."""
    now = house.clock.now()
    for one in await house.people.all():
        if one.name == "Mette":
            await house.people.set_role(one.id, Role.ADMIN, by="test", at=now)
        if one.name == "Nora":
            await house.people.set_active(one.id, False, by="test", at=now)
    link = Link(token_hash="x" * 64, expires_at=now + timedelta(hours=70))
    await Invitations(house.database).invite("Jonas Bergström", Role.AGENT, link, by="Mette", at=now)
