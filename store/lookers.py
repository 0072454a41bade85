"""Who is looking at a conversation right now, and who is typing there.

Owns one hash in Redis that forgets by itself, and the word to live pages that it changed. Nothing of it is ever a row
or a line in a log. Without Redis nobody is seen, and nothing else happens. Not `presence`: that is about senders.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from store.bell import Bell

_KEY = "genlyd:lookers"
_CHANNEL = "genlyd:looking"
# A tab says every ten seconds that it is there, and every two while somebody types.
LOOKS_FOR = timedelta(seconds=25)
TYPES_FOR = timedelta(seconds=6)


class Does(StrEnum):
    """What somebody does at a conversation."""

    LOOKING = "looking"
    TYPING = "typing"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Somebody at a conversation."""

    name: str
    is_typing: bool


class Lookers:
    """Who is where, as far as Redis knows."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    async def note(self, conversation_id: int, name: str, does: Does, *, at: datetime) -> None:
        """Note what somebody does, and tell live pages where that is news."""
        field = f"{conversation_id}:{name}"
        before = await self.at(conversation_id, at=at)
        if does is Does.GONE:
            await self._bell.forget(_KEY, field)
        else:
            typing = at + TYPES_FOR if does is Does.TYPING else at
            until = {"looks": (at + LOOKS_FOR).timestamp(), "types": typing.timestamp()}
            await self._bell.remember(_KEY, field, json.dumps(until), seconds=60)
        after = await self.at(conversation_id, at=at)
        if after != before or does is Does.TYPING:
            await self._bell.publish(_CHANNEL, json.dumps({"id": conversation_id, "who": plain(after)}))

    async def at(self, conversation_id: int, *, at: datetime) -> tuple[Looker, ...]:
        """Return who is at a conversation, by name."""
        return (await self.everywhere(at=at)).get(conversation_id, ())

    async def everywhere(self, *, at: datetime) -> dict[int, tuple[Looker, ...]]:
        """Return who is where. Empty without Redis."""
        found: dict[int, list[Looker]] = {}
        now = at.timestamp()
        for field, value in (await self._bell.remembered(_KEY)).items():
            conversation_id, _, name = field.partition(":")
            until: dict[str, Any] = json.loads(value)
            if until["looks"] > now:
                looker = Looker(name=name, is_typing=until["types"] > now)
                found.setdefault(int(conversation_id), []).append(looker)
            else:
                await self._bell.forget(_KEY, field)
        return {one: tuple(sorted(there, key=lambda looker: looker.name)) for one, there in found.items()}

    async def changes(self) -> AsyncIterator[str]:
        """Yield, as JSON, each conversation where somebody came, went, or types."""
        async for said in self._bell.hear(_CHANNEL):
            yield said


def plain(lookers: tuple[Looker, ...]) -> list[list[object]]:
    """Return lookers as live pages are told: names, and whether each types."""
    return [[looker.name, looker.is_typing] for looker in lookers]
