"""A crowd: random posts, answers, moves and deletions of some weeks, the same for the same seed.

Owns the rows, written past the doors because they are many. Refuses to know what any number of them should be: what is
tested is that a figure and its list agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import Table, insert

from core.assessment import Intent, Language, Sentiment
from core.conversation import Move, Status
from core.post import Platform
from core.reply import VOID, ReplyKind, ReplyState
from store import tables as t
from store.database import Database
from store.readings import reading

_PEOPLE = ("Lars", "Mette", "Åse", "=Nora")
_WATCHES = ("hav", "#havnede", "-40%", "hav & co")
_TEMPLATES = ("da/general/1", "sv/general/2", "en/complaint/1")
_RULES = ("angry", "complaints", "@danger")
_MOODS = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.UNSURE)
_ACCOUNTS = ((Platform.X, "hav-dk"), (Platform.X, "hav-se"), (Platform.REDDIT, "hav-reddit"))
_TEXTS = {
    Language.DA: "@hav tredje gang jeg ringer, og ingen hjælper mig med regningen",
    Language.SV: "@hav bredbandet är nere igen, när fungerar det?",
    Language.NB: "@hav pakken er ikke kommet, hvor blir den av?",
    Language.NN: "@hav takk for god hjelp i dag",
    Language.EN: "@hav is the app down, or is it just me?",
    Language.UNSURE: "@hav ???",
}
_BUSY = (1, 1, 1, 1, 1, 1, 2, 5, 9, 10, 10, 9, 8, 8, 8, 8, 7, 6, 6, 7, 7, 5, 3, 2)


@dataclass
class Crowd:
    """Rows of `days` days before `until`."""

    seed: int
    until: datetime
    days: int = 40
    # The lowest number a row may take: beside other rows, one above theirs.
    first: int = 1
    random: Random = field(init=False)
    rows: dict[Table, list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        names = (t.authors, t.conversations, t.posts, t.assessments, t.decisions, t.replies, t.audit)
        self.rows = {table: [] for table in names}
        self._ids = {table: count(self.first) for table in names}

    async def settle_in(self, database: Database, *, conversations: int) -> None:
        """Write them all."""
        for _ in range(conversations):
            self._conversation()
        async with database.begin() as connection:
            for table, rows in self.rows.items():
                for some in _chunks(rows):
                    await connection.execute(insert(table), some)

    @property
    def _conversations(self) -> list[dict[str, Any]]:
        return self.rows[t.conversations]

    def _add(self, table: Table, **values: Any) -> int:
        made = {"id": next(self._ids[table])} if "id" in table.c and table is not t.audit else {}
        self.rows[table].append(made | values)
        return int(made.get("id", 0))

    def _conversation(self) -> None:
        random = self.random
        platform, account = random.choices(_ACCOUNTS, (5, 3, 2))[0]
        at = self.until - timedelta(days=self.days * random.random())
        at = at.replace(hour=random.choices(range(24), _BUSY)[0])
        at -= timedelta(days=1) if at > self.until else timedelta(0)
        nth = len(self.rows[t.authors]) + 1
        author = self._add(
            t.authors, platform=platform, native_id=f"a{nth}", handle=f"kunde{nth}", name="", is_bot=False
        )
        status = random.choice(list(Status))
        one = self._add(
            t.conversations,
            account=account, root_id=f"r{nth}", author_id=author, status=status, version=1, urgency=20,
            opened_at=at, last_post_at=at, changed_at=at,
            first_post_id=None, began_at=None, automatic_took=None, person_took=None, answers=0,
        )  # fmt: skip
        language = random.choice(list(Language))
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            self._post(one, author, platform, account, language, at)
            at += timedelta(seconds=random.expovariate(1 / 7000))
        for move in random.sample(list(Move), random.choice((0, 0, 1, 2))):
            self._audit(at + timedelta(minutes=random.randrange(2000)), move, f"conversation {one}")

    def _audit(self, at: datetime, action: str, subject: str, **detail: Any) -> None:
        self._add(t.audit, at=at, by=self.random.choice(_PEOPLE), action=action, subject=subject, detail=detail)

    def _post(self, one: int, author: int, platform: Platform, account: str, language: Language, at: datetime) -> None:
        random = self.random
        gone = at + timedelta(hours=random.randrange(1, 50)) if random.random() < 0.04 else None
        post = self._add(
            t.posts,
            platform=platform, native_id=f"p{len(self.rows[t.posts])}", account=account, author_id=author,
            conversation_id=one, text="" if gone else _TEXTS[language], url="" if gone else "https://x.com/i/status/1",
            root_id=f"r{one}", via="mention", matched="" if gone else random.choice(_WATCHES), is_summons=True,
            is_backfill=random.random() < 0.03, posted_at=at, heard_at=at, stage="decided", stage_at=at,
            deleted_at=gone, reading=None,
        )  # fmt: skip
        if self._conversations[-1]["first_post_id"] is None:
            self._conversations[-1] |= {"first_post_id": post, "began_at": at}
        if gone is None and random.random() < 0.97:
            mood = random.choices(_MOODS, (34, 38, 20, 8))[0]
            intents = random.sample(list(Intent), random.choice((0, 1, 1, 2)))
            self.rows[t.posts][-1]["reading"] = reading(sentiment=mood, language=language, intents=intents)
            self._add(
                t.assessments,
                post_id=post, language=language, sentiment=mood, confidence=0.8, negative=0.2, neutral=0.6,
                positive=0.2, urgency=20, intents=intents,
                reasons=[], model="m", model_version="1", assessed_at=at, corrected=[],
            )  # fmt: skip
        due = at + timedelta(minutes=random.choice((15, 60, 240))) if random.random() < 0.2 else None
        self._add(
            t.decisions,
            post_id=post, action="show", rule=random.choice(_RULES), because="x", escalate=due is not None,
            due_at=due, decided_at=at,
        )  # fmt: skip
        if random.random() < 0.7:
            self._reply(post, one, platform, account, language, at)

    def _reply(self, post: int, one: int, platform: Platform, account: str, language: Language, at: datetime) -> None:
        random = self.random
        template = random.choice((*_TEMPLATES, None))
        is_automatic = template is not None and random.random() < 0.3
        states = [ReplyState.SENT] * 8 + [state for state in ReplyState if state is not ReplyState.DRAFT]
        state = random.choice(states if is_automatic or template is None else [*states, ReplyState.DRAFT])
        person = None if state is ReplyState.DRAFT else random.choice(_PEOPLE)
        slow = 6 if is_automatic else random.choice((200, 3_000, 40_000))
        settled = at + timedelta(seconds=random.expovariate(1 / slow))
        reply = self._add(
            t.replies,
            post_id=post, conversation_id=one, account=account, platform=platform, target_id=f"p{post}",
            kind=ReplyKind.ACKNOWLEDGEMENT if template else ReplyKind.ANSWER, text="Hej.", language=language,
            state=state, is_automatic=is_automatic, template=template,
            approved_by="rule angry" if is_automatic else person, version=1, created_at=at,
            fence=0, attempts=0, looks=0, settled_at=settled if state is ReplyState.SENT else None,
            problem=VOID if state is ReplyState.DROPPED and random.random() < 0.3 else None,
        )  # fmt: skip
        if state is ReplyState.SENT:
            self._answered("automatic_took" if is_automatic else "person_took", settled)
            self._conversations[-1]["answers"] += template is None
        if template is not None and person is not None and not is_automatic:
            self._audit(at, "reply approved", f"reply {reply}", edited=random.random() < 0.4)

    def _answered(self, name: str, settled: datetime) -> None:
        thread = self._conversations[-1]
        took = (settled - thread["began_at"]).total_seconds()
        thread[name] = took if thread[name] is None else min(thread[name], took)


def _chunks(rows: list[dict[str, Any]], size: int = 1_000) -> Iterable[list[dict[str, Any]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
