"""A name that says of itself that a machine writes is believed; a name that only sounds so is not."""

import pytest

from core.bots import names_a_machine


@pytest.mark.parametrize(
    "handle",
    ["AutoModerator", "weather_bot", "news-bot", "RemindMeBot", "SPAMBOT", "Bot_news", "bot-2", "alert_bot_7", "Bot7",
     "no-reply", "noreply", "acme_noreply", "no_reply_acme"],
)  # fmt: skip
def test_a_machine_names_itself(handle: str) -> None:
    assert names_a_machine(handle)


@pytest.mark.parametrize(
    "handle", ["Talbot", "LarsAbbot", "MrRobot", "bottega", "botanik_lars", "noreplyneeded", "kari", ""]
)
def test_a_person_does_not(handle: str) -> None:
    assert not names_a_machine(handle)
