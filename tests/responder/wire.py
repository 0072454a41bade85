"""A sender whose answers a test writes down, and looks at what became of a reply."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import count

from core.clock import ManualClock
from core.post import Platform
from core.reply import Receipt, Reply, ReplyState
from responder.outbox import Outbox
from responder.senders.base import Look
from store.replies import Replies

ACCOUNT = "x-main"


@dataclass
class Wire:
    """A sender whose answers a test writes down beforehand. What is not written down goes well."""

    account: str = ACCOUNT
    platform: Platform = Platform.X
    sends: list[Exception] = field(default_factory=list)
    looks: list[Receipt | Look | Exception] = field(default_factory=list)
    published_although: bool = False
    published: list[Reply] = field(default_factory=list)
    sent_states: list[ReplyState | None] = field(default_factory=list)
    send_calls: int = 0
    find_calls: int = 0
    is_closed: bool = False
    not_these: Collection[str] = ()
    nor_saying: Collection[str] = ()
    replies: Replies | None = None
    _ids: Iterator[int] = field(default_factory=lambda: count(5001))

    async def send(self, reply: Reply) -> Receipt:
        self.send_calls += 1
        if self.replies is not None:
            there = await self.replies.get(reply.id)
            self.sent_states.append(there.state if there else None)
        if self.sends:
            fault = self.sends.pop(0)
            if self.published_although:
                self.published.append(reply)
            raise fault
        self.published.append(reply)
        return self._receipt()

    async def find(
        self,
        reply: Reply,
        *,
        not_these: Collection[str] = (),
        nor_saying: Collection[str] = (),
        has_spoken: bool = False,
    ) -> Receipt | Look:
        self.find_calls += 1
        self.not_these, self.nor_saying = not_these, nor_saying
        if self.looks:
            answer = self.looks.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._receipt() if any(one.id == reply.id for one in self.published) else Look.ABSENT

    async def close(self) -> None:
        self.is_closed = True

    def _receipt(self) -> Receipt:
        number = next(self._ids)
        return Receipt(remote_id=str(number), url=f"https://x.com/i/status/{number}")


async def state_of(outbox: Outbox, reply_id: int = 1) -> ReplyState:
    return (await reply_of(outbox, reply_id)).state


async def reply_of(outbox: Outbox, reply_id: int = 1) -> Reply:
    reply = await outbox.replies.get(reply_id)
    assert reply is not None
    return reply


async def later(outbox: Outbox, clock: ManualClock, seconds: float) -> None:
    """Let time pass, and do what is due then."""
    await clock.advance(seconds)
    await outbox.settle_unknown()
    await outbox.send_due()
