"""Every page with something on it, for whoever looks at all of them: axe, screenshots, and a walk at 320 pixels.

Owns the list and the seed. A page that is not here fails `test_every_page_is_looked_at`.
"""

from datetime import timedelta

from core.assessment import Intent, Language, Reason, Sentiment
from core.decision import Action
from core.post import Platform
from core.watch import Via
from dashboard.server import PAGES
from store.notes import Notes
from store.promises import Promises
from tests.dashboard.conftest import House
from tests.dashboard.seed import Said

# What answers a script or a download: no page that a person looks at.
_NO_PAGE = ("/live", "/inbox/cards", "/inbox/fresh", "/lookers", "/held", ".csv", "/export")


def paths(conversation: int) -> list[str]:
    """Return the address of every page, those with a number filled."""
    found = []
    for page in PAGES:
        if page.method != "GET" or any(part in page.path for part in _NO_PAGE):
            continue
        if "{" not in page.path:
            found.append(page.path)
    return [*found, f"/conversations/{conversation}"]


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
    await house.seed.say(Said(root="a", text="Hallo? Er der nogen?", action=Action.SHOW, age=timedelta(minutes=1)))
    await _beside(house, first)
    return first


async def _beside(house: House, conversation: int) -> None:
    """What colleagues wrote beside it."""
    notes, now = Notes(house.database), house.clock.now()
    await notes.write(conversation, "@Lars du kender ham, ikke?", by="Mette", at=now)
    await notes.tag(conversation, "pakke", by="Mette", at=now)
    promises = Promises(house.database)
    await promises.make(conversation, "Ring ham op", now + timedelta(minutes=9), by="Lars", at=now)
