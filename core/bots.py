"""Names that say of themselves that a machine writes under them.

Owns that custom. Refuses to judge anybody by more than the name: `responder.safety` looks at the rest.
"""

import re

_MACHINE = re.compile(
    r"^AutoModerator$|[-_]bot(?:[-_]?\d+)?$|(?:Bot|BOT)\d*$|^(?:bot|Bot|BOT)[-_]|(?:^|[-_])no[-_]?reply(?:[-_]|$)"
)


def names_a_machine(handle: str) -> bool:
    """Whether a handle says that a machine writes: weather_bot, RemindMeBot, no-reply; not Talbot, not MrRobot."""
    return _MACHINE.search(handle) is not None
