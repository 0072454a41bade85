"""The tables [hours] and [alerts]: what they mean, and every problem with its line."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.config import parse
from core.config import Config, Secret
from core.errors import ConfigError
from core.sla import ALL_DAY, ALWAYS, Span
from responder.alerts import nobody_told


def _read(text: str) -> Config:
    return parse(text, file="genlyd.toml", environment={"TEAM": "json://team"})


def _problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _read(text)
    return [str(problem) for problem in caught.value.problems]


def test_without_a_word_people_are_always_there_and_plain_urls_are_one_step() -> None:
    config = _read('[alerts]\nurls = ["json://a", "json://b"]\n')
    assert (config.hours, config.alerts.awake) == (ALWAYS, ALWAYS)
    (step,) = config.alerts.steps
    assert (step.name, step.urls, step.after_minutes) == ("people", (Secret("json://a"), Secret("json://b")), 0)


def test_hours_are_read_and_a_weekday_left_out_is_closed() -> None:
    hours = _read(
        '[hours]\ntimezone = "Europe/Copenhagen"\nmonday = "08:00-12:00, 13:00-24:00"\ntuesday = "00:00-24:00"\n'
        'holidays = ["dk", "SE"]\n[hours.days]\n2026-12-24 = ""\n12-31 = "08:00-12:00"\n'
    ).hours
    assert hours.zone == ZoneInfo("Europe/Copenhagen")
    assert hours.week == ((Span(start=480, end=720), Span(start=780)), ALL_DAY, (), (), (), (), ())
    assert (hours.days["2026-12-24"], hours.days["12-31"]) == ((), (Span(start=480, end=720),))
    assert date(2026, 6, 6) in hours.holidays
    assert date(2026, 6, 19) not in hours.holidays


def test_customary_days_off_are_asked_for() -> None:
    assert date(2026, 6, 19) in _read('[hours]\nholidays = ["SE"]\ncustomary_too = true\n').hours.holidays


def test_quiet_hours_run_past_midnight_by_the_clock_of_the_house() -> None:
    awake = _read('[hours]\ntimezone = "Europe/Oslo"\n[alerts]\nquiet_hours = "22:00-07:30"\n').alerts.awake
    night = datetime(2026, 11, 20, 23, 0, tzinfo=ZoneInfo("Europe/Oslo"))
    assert awake.next_open(night) == night + timedelta(hours=8.5)
    midday = _read('[alerts]\nquiet_hours = "12:00-13:00"\n').alerts.awake
    assert midday.next_open(datetime(2026, 1, 1, 12, 30, tzinfo=UTC)) == datetime(2026, 1, 1, 13, 0, tzinfo=UTC)
    assert midday.is_open(datetime(2026, 1, 1, 11, 59, tzinfo=UTC))


LADDER = """
[alerts]
urls = ["json://agent"]
[[alerts.ladder]]
name = "team"
urls = ["env:TEAM"]
after_minutes = 10
hours = "open"
[[alerts.ladder]]
name = "on-call"
urls = ["json://on-call"]
after_minutes = 30
"""


def test_a_ladder_comes_after_the_plain_urls() -> None:
    steps = _read(LADDER).alerts.steps
    assert [(step.name, step.after_minutes, step.only_open) for step in steps] == [
        ("people", 0, False),
        ("team", 10, True),
        ("on-call", 30, False),
    ]
    assert steps[1].urls == (Secret("json://team"),)


def test_what_the_command_line_adds_is_told_at_once() -> None:
    more = (Secret("json://more"),)
    alone = _read('[[alerts.ladder]]\nname = "team"\nurls = ["json://team"]\n').alerts.with_urls(more)
    assert [len(step.urls) for step in alone.steps] == [2]
    assert [len(step.urls) for step in _read(LADDER).alerts.with_urls(more).steps] == [2, 1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[hours]\nmonday = "8-16"\n', "line 2: hours.monday: must be times that rise within a day"),
        ('[hours]\nmonday = "16:00-08:00"\ntuesday = "08:00-16:00"\n', "line 2: hours.monday: must be times that rise"),
        ('[hours]\nmonday = "08:00-12:00, 11:00-16:00"\ntuesday = "08:00-16:00"\n', "line 2: hours.monday: must be"),
        ('[hours]\nmonday = ""\n', "line 1: hours: is never open"),
        ('[hours]\nmonnday = "08:00-16:00"\n', "line 2: hours.monnday: unknown key; did you mean 'monday'?"),
        ('[hours]\ntimezone = "Kobenhavn"\n', "line 2: hours.timezone: 'Kobenhavn' is no time zone"),
        ('[hours]\nholidays = ["DK", "DE"]\n', "line 2: hours.holidays: DE is no country we have holidays for"),
        ('[hours.days]\n2026-02-30 = ""\n', "line 2: hours.days.2026-02-30: is no day"),
        ('[hours.days]\n12-24 = "until noon"\n', "line 2: hours.days.12-24: must be times that rise"),
        ('[hours]\ndays = ["12-24"]\n', "line 2: hours.days: must be a table: write it as [hours.days]"),
        ('[alerts]\nquiet_hours = "22-7"\n', "line 2: alerts.quiet_hours: must be two different times"),
        ("[alerts]\ngather_seconds = 4000\n", "line 2: alerts.gather_seconds: must be from 0 to 3600"),
        ("[alerts]\nladder = 3\n", "line 2: alerts.ladder: must be a list of tables: write each as [[alerts.ladder]]"),
        ('[[alerts.ladder]]\nname = "team"\n', "line 1: alerts.ladder[1].urls: tells nobody"),
        ('[[alerts.ladder]]\nurls = ["json://a"]\n', "line 1: alerts.ladder[1].name: is missing"),
        (
            '[[alerts.ladder]]\nname = "a"\nurls = ["json://a"]\nafter_minutes = 5\n',
            "line 4: alerts.ladder[1].after_minutes: the first step is told at once",
        ),
        (
            LADDER.replace("= 30", "= 10"),
            "line 12: alerts.ladder[2].after_minutes: must be more than that of 'team' before it, 10",
        ),
        (LADDER.replace("on-call", "team"), "line 10: alerts.ladder[2].name: there are two steps named 'team'"),
        (LADDER.replace('"open"', '"day"'), 'line 8: alerts.ladder[1].hours: must be "always", or "open"'),
        (LADDER.replace("env:TEAM", "env:NOBODY"), "line 6: alerts.ladder[1].urls[1]: the environment variable"),
        (
            '[[rules]]\nname = "a"\ncalls_a_person = true\n',
            "line 1: rules[1].escalate: must be true where calls_a_person",
        ),
    ],
)
def test_each_problem_names_its_line_and_its_cure(text: str, said: str) -> None:
    (problem,) = _problems(text)
    assert problem.startswith(said), problem


def test_a_ladder_that_ends_with_nobody_is_said() -> None:
    assert [what for what, _ in nobody_told(_read(""))] == ["nobody is told of escalations"]
    assert nobody_told(_read(LADDER)) == []
    office = '[hours]\nmonday = "08:00-16:00"\n' + LADDER + 'hours = "open"\n'
    ((what, cure),) = nobody_told(_read(office))
    assert what == "the ladder ends with 'on-call', who are reached in business hours only"
    assert 'hours = "always"' in cure
