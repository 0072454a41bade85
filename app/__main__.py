"""The console command `genlyd`.

Owns the arguments and exit statuses: 0 well, 1 something failed, 2 the config or the call is wrong.
Each command imports what it needs, so that `genlyd check` does not wait for a model.
"""

# ruff: noqa: PLC0415

import asyncio
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import logs
from app.config import load
from core.clock import SystemClock
from core.config import Config, Secret
from core.errors import ConfigError, Conflict, GenlydError
from core.needle import Needle
from core.rights import Role
from responder.rules import DEFAULT_RULES

if TYPE_CHECKING:
    from app.sandbox import Sandbox
    from store.database import Database

ROOMS = ("listeners", "sentiment", "responder", "dashboard")
DEFAULT_FILE = Path("genlyd.toml")
_REPLAY_AFTER_SECONDS = 20.0

cli = typer.Typer(
    name="genlyd",
    help="Hears what people say about a brand, answers at once where it may, and tells people what matters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="The people who sign in.", no_args_is_help=True)
cli.add_typer(user, name="user")

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]


class Exportable(StrEnum):
    """What can be exported."""

    POSTS = "posts"
    CONVERSATIONS = "conversations"
    REPLIES = "replies"
    DECISIONS = "decisions"
    NOTES = "notes"
    TAGS = "tags"
    PROMISES = "promises"
    GAPS = "gaps"
    SPENDING = "spending"
    UNREADABLE = "unreadable"
    CORRECTIONS = "corrections"
    TAUGHT = "taught"
    RULEBOOKS = "rulebooks"
    AUDIT = "audit"


class Platform(StrEnum):
    """What can be emulated."""

    X = "x"
    REDDIT = "reddit"


class Format(StrEnum):
    """How rows are written."""

    JSONL = "jsonl"


def main() -> None:
    """Run the command; turn our own errors into a sentence and a status."""
    try:
        cli()
    except (GenlydError, BaseExceptionGroup) as err:
        ours = _first_of_ours(err)
        if ours is None:
            raise
        sys.exit(_tell(ours))


def _first_of_ours(err: BaseException) -> GenlydError | None:
    """Return our own error, which tasks that ran side by side may have wrapped."""
    if isinstance(err, GenlydError):
        return err
    inner = err.exceptions if isinstance(err, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _first_of_ours(one)) is not None), None)


def _tell(err: GenlydError) -> int:
    if not isinstance(err, ConfigError):
        typer.echo(f"genlyd: {err}", err=True)
        return 1
    for problem in err.problems:
        place = f"{err.file}: " if err.file else ""
        typer.echo(f"{place}{problem}", err=True)
    return 2


@cli.command("run")
def run_command(
    *,
    config: ConfigFile = DEFAULT_FILE,
    only: Annotated[str, typer.Option(help=f"Rooms to run, by comma: {','.join(ROOMS)}.")] = ",".join(ROOMS),
    alert: Annotated[list[str] | None, typer.Option(help="An Apprise URL to tell, beside the config's.")] = None,
    replay: Annotated[float, typer.Option(help="Sandbox: posts a minute written by the public; 0 for silence.")] = 6.0,
    port: Annotated[
        int | None, typer.Option(help="The dashboard's port; without that room: that of /healthz, /readyz, /metrics.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "",
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines.")] = False,
) -> None:
    """Run the house. With no account configured, run the sandbox."""
    from app.run import run

    settings = _settings(config)
    if alert:
        settings = replace(settings, alerts=settings.alerts.with_urls(tuple(Secret(url) for url in alert)))
    rooms = _rooms(only)
    if port is not None and "dashboard" in rooms:
        settings = replace(settings, dashboard=replace(settings.dashboard, port=port))
    is_sandbox = not settings.accounts
    logs.set_up(level=log_level or ("warning" if is_sandbox else "info"), as_json=log_json)
    if is_sandbox:
        asyncio.run(_run_sandbox(settings, rooms, replay))
    else:
        health_port = None if "dashboard" in rooms else port
        up = partial(_greet, settings, None, "")
        asyncio.run(run(settings, rooms=rooms, said=_say, up=up, health_port=health_port))


@cli.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The configuration file.", show_default="genlyd.toml")] = None,
    *,
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Validate a configuration file: list every problem with its line, and say where it is not what is in force."""
    from app.in_force import notes
    from responder.alerts import nobody_told, targets

    logs.set_up(level="error")
    config = file or config
    found = load(config)
    targets(found.alerts)
    for what, cure in nobody_told(found):
        typer.echo(f"{config}: note: {what}; {cure}")
    for note in asyncio.run(notes(found)):
        typer.echo(f"{config}: note: {note}")
    typer.echo(
        f"{config}: {len(found.accounts)} accounts, {len(found.watches)} watches, {len(found.rules)} rules: well"
    )


@cli.command()
def doctor(*, config: ConfigFile = DEFAULT_FILE) -> None:
    """Say what is wrong and what mends it."""
    logs.set_up(level="error")
    if not asyncio.run(_doctor(_settings(config))):
        raise typer.Exit(1)


@cli.command()
def retry(*, config: ConfigFile = DEFAULT_FILE) -> None:
    """Read and decide posts anew that our own code failed on five times."""
    logs.set_up(level="error")
    number = asyncio.run(_retry(_settings(config)))
    typer.echo(f"{number} posts are tried again" if number else "no post is stuck")


@user.command("add")
def add_user(
    name: str,
    *,
    role: Role = Role.AGENT,
    config: ConfigFile = DEFAULT_FILE,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
) -> None:
    """Let somebody sign in. Asks for the password."""
    asyncio.run(_add_user(_settings(config), name, role, _password(from_stdin=password_stdin)))
    typer.echo(f"{name} can sign in as {role}")


@user.command("password")
def set_password(
    name: str,
    *,
    config: ConfigFile = DEFAULT_FILE,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
) -> None:
    """Give somebody a new password, and end their sessions."""
    asyncio.run(_set_password(_settings(config), name, _password(from_stdin=password_stdin)))
    typer.echo(f"{name} has a new password")


@user.command("list")
def list_users(*, config: ConfigFile = DEFAULT_FILE) -> None:
    """Show who is here: role, state, second factor, when they were last seen."""
    from app import staff

    for line in asyncio.run(staff.listed(_settings(config))):
        typer.echo(line)


@user.command("invite")
def invite_user(name: str, *, role: Role = Role.AGENT, config: ConfigFile = DEFAULT_FILE) -> None:
    """Print a one-time link, for somebody new or for a new password. It works for three days."""
    from app import staff

    settings = _settings(config)
    typer.echo(asyncio.run(staff.link_for(settings, name, role)))
    if settings.dashboard.is_only_here:
        typer.echo("note: it opens on this machine only; [dashboard] public_url is the address others reach", err=True)


@user.command("role")
def set_user_role(name: str, role: Role, *, config: ConfigFile = DEFAULT_FILE) -> None:
    """Give somebody another role, and end their sessions."""
    from app import staff

    typer.echo(asyncio.run(staff.set_role(_settings(config), name, role)))


@user.command("deactivate")
def deactivate_user(name: str, *, config: ConfigFile = DEFAULT_FILE) -> None:
    """Let somebody sign in no more, and end their sessions."""
    from app import staff

    typer.echo(asyncio.run(staff.set_active(_settings(config), name, False)))


@user.command("reactivate")
def reactivate_user(name: str, *, config: ConfigFile = DEFAULT_FILE) -> None:
    """Let somebody sign in again."""
    from app import staff

    typer.echo(asyncio.run(staff.set_active(_settings(config), name, True)))


@user.command("factor")
def remove_user_factor(name: str, *, config: ConfigFile = DEFAULT_FILE) -> None:
    """Remove somebody's second factor, for a lost telephone, and end their sessions."""
    from app import staff

    typer.echo(asyncio.run(staff.remove_factor(_settings(config), name)))


@user.command("sign-out")
def sign_user_out(name: str, *, config: ConfigFile = DEFAULT_FILE) -> None:
    """End every session of somebody."""
    from app import staff

    typer.echo(asyncio.run(staff.end_sessions(_settings(config), name)))


@cli.command()
def score(*, config: ConfigFile = DEFAULT_FILE) -> None:
    """Read JSON lines {"text": ...} and write an assessment for each, in order."""
    from app.score import score_lines
    from app.wiring import build_reader

    logs.set_up(level="error")
    reader = build_reader(_settings(config))
    has_error = False
    lines = (line.decode("utf-8", errors="replace") for line in sys.stdin.buffer)
    for row in score_lines(lines, reader):
        has_error = has_error or "error" in row
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    if has_error:
        raise typer.Exit(1)


@cli.command("evaluate")
def evaluate_command(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The labelled posts: bench/, train/, lexicons/.", show_default="../shared/data if it is there"
        ),
    ] = None,
    sets: Annotated[list[str] | None, typer.Option(help="Only these sets, by comma.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="At most 200 rows of a set, the same ones each time.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="A folder that `make model` or `make tune` wrote.", show_default="the shipped")
    ] = None,
) -> None:
    """Print how good the shipped model is: public benchmark, word lists beside it, our own posts."""
    from app.evaluate import evaluate
    from sentiment.base import SHIPPED

    logs.set_up(level="error")
    names = [name.strip() for given in sets or () for name in given.split(",") if name.strip()]
    evaluate(
        data,
        names=names,
        is_quick=quick,
        file=json_file,
        show=typer.echo,
        said=_say_aside,
        model_folder=model or SHIPPED,
    )


@cli.command("export")
def export_command(
    what: Exportable,
    *,
    format: Annotated[Format, typer.Option(help="How rows are written.")] = Format.JSONL,  # noqa: A002, ARG001
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Write every row of one kind with its ids, states, times and reasons."""
    logs.set_up(level="error")
    asyncio.run(_export(_settings(config), what.value))


@cli.command()
def purge(*, config: ConfigFile = DEFAULT_FILE) -> None:
    """Forget what is old or deleted for good: write the database anew, and leave no remains of it in its files."""
    logs.set_up(level="error")
    if not asyncio.run(_purge(_settings(config))):
        typer.echo("genlyd: somebody was reading, so the journal still holds old pages; run it again", err=True)
        raise typer.Exit(1)


@cli.command()
def leaks(
    *,
    text: Annotated[str, typer.Option(help="What to look for. Without it, one line is read from input.")] = "",
    also: Annotated[
        list[Path] | None, typer.Option(help="A file or folder beside the data folder: logs, exports, backups.")
    ] = None,
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Say where a text stands in anything we keep: database and journal, Redis, and every file in the data folder."""
    logs.set_up(level="error")
    missing = [str(path) for path in also or () if not path.exists()]
    if missing:
        raise typer.BadParameter(f"{', '.join(missing)}: there is no such file or folder", param_hint="--also")
    wanted = text or _asked_text()
    try:
        needle = Needle.of(wanted)
    except ValueError as err:
        raise typer.BadParameter(str(err), param_hint="--text") from err
    if not asyncio.run(_leaks(_settings(config), needle, also or [])):
        raise typer.Exit(1)


@cli.command()
def emulate(
    platform: Platform,
    *,
    port: Annotated[int, typer.Option(help="Where to listen; 0 picks a free port.")],
    seed: Annotated[int | None, typer.Option(help="Same seed, same ids.")] = None,
    handle: Annotated[str, typer.Option(help="Our own account there.")] = "brand",
    limits: Annotated[str, typer.Option(help="real or off: the platform's rate windows.")] = "real",
) -> None:
    """Run one emulated platform alone, on loopback."""
    arguments = [platform.value, "--port", str(port), "--handle", handle, "--limits", limits]
    if seed is not None:
        arguments += ["--seed", str(seed)]
    # A separate program, as the real platform is: it replaces this one and keeps its process id.
    os.execv(sys.executable, [sys.executable, "-m", "emulators", *arguments])  # noqa: S606


def _settings(file: Path) -> Config:
    """Return the config; the default file may be absent, one that was named may not."""
    if file == DEFAULT_FILE and not file.exists():
        return Config(rules=DEFAULT_RULES)
    return load(file)


def _rooms(only: str) -> tuple[str, ...]:
    rooms = tuple(room.strip() for room in only.split(",") if room.strip())
    unknown = [room for room in rooms if room not in ROOMS]
    if unknown or not rooms:
        raise typer.BadParameter(f"unknown room {', '.join(unknown) or only!r}; known: {', '.join(ROOMS)}")
    return rooms


def _say(step: str) -> None:
    typer.echo(f"  {step} ...")


def _say_aside(step: str) -> None:
    """Tell of a step where standard output is somebody's table."""
    typer.echo(f"  {step} ...", err=True)


async def _run_sandbox(config: Config, rooms: tuple[str, ...], per_minute: float) -> None:
    from app import sandbox
    from app.run import run

    typer.echo("No account is configured: this is the sandbox. Nothing leaves this machine, and each start is empty.")
    _say("starting the emulated platforms")
    async with sandbox.open_sandbox(config, per_minute=per_minute) as opened:
        password = sandbox.first_password()
        await _add_user(opened.config, sandbox.FIRST_STAFF, Role.ADMIN, password)
        async with asyncio.TaskGroup() as group:
            public = group.create_task(_public(opened, per_minute))
            await run(opened.config, rooms=rooms, said=_say, up=partial(_greet, opened.config, opened, password))
            public.cancel()


async def _public(opened: "Sandbox", per_minute: float) -> None:
    """The public writes from a moment after the start, so that a person's own first post stands out."""
    from app import sandbox

    if per_minute <= 0:
        return
    await asyncio.sleep(_REPLAY_AFTER_SECONDS)
    process = await sandbox.replay(opened, per_minute=per_minute)
    try:
        await process.wait()
    finally:
        await sandbox.end(process)


def _greet(config: Config, opened: "Sandbox | None", password: str, _listening: str) -> None:
    """Say that the house is up, and where."""
    typer.echo(f"\nGenlyd is running. Stop it with Ctrl-C.\n\n  Dashboard               {config.dashboard.url}/")
    if opened is not None:
        from app.sandbox import FIRST_STAFF

        typer.echo(f"  Sign in as              {FIRST_STAFF}\n  Password                {password}")
        for name, url in opened.urls.items():
            typer.echo(f"  Write a post on {name.upper():7} {url}/sandbox")
    typer.echo("")


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator["Database"]:
    """The database of a command that does one thing and ends."""
    from store.database import open_database

    database = await open_database(config.store.database)
    try:
        yield database
    finally:
        await database.close()


async def _purge(config: Config) -> bool:
    from store.purge import purge as purge_for_good

    now = SystemClock().now()
    async with _opened(config) as database:
        done = await purge_for_good(database, before=now - timedelta(days=config.store.retention_days), at=now)
    typer.echo(f"{done.forgotten} old posts were forgotten; the database was written anew")
    return done.is_clean


async def _leaks(config: Config, needle: Needle, also: list[Path]) -> bool:
    """Print each place; return whether there is none, and everything could be looked through."""
    from app.leaks import Search
    from app.leaks import leaks as find_leaks

    search, found = Search(), 0
    async for place in find_leaks(config, needle, also, search):
        found += 1
        typer.echo(f"FOUND {place.where} ({place.spelled})")
    for problem in search.problems:
        typer.echo(f"genlyd: {problem}", err=True)
    typer.echo(f"{found or 'nothing'} found; {search.summary()}")
    return not found and not search.problems


def _asked_text() -> str:
    """Read what to look for from a person or a pipe: on the command line it would stay in the shell's history."""
    return input("Look for: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


async def _doctor(config: Config) -> bool:
    from app.doctor import examine

    is_well = True
    async for finding in examine(config):
        mark = "ok  " if finding.is_well else "BAD "
        typer.echo(f"{mark}{finding.what}: {finding.detail}")
        if not finding.is_well:
            typer.echo(f"      cure: {finding.cure}")
            is_well = False
    return is_well


async def _retry(config: Config) -> int:
    from store.posts import Posts

    async with _opened(config) as database:
        return await Posts(database).retry_stuck(at=SystemClock().now())


async def _add_user(config: Config, name: str, role: Role, password: str) -> None:
    from dashboard.passwords import hash_password
    from store.people import People

    try:
        async with _opened(config) as database:
            hashed = await asyncio.to_thread(hash_password, password)
            await People(database).add_staff(name, hashed, role, at=SystemClock().now(), by="console")
    except Conflict:
        raise Conflict(f"there is already someone named {name!r}; choose another name") from None


async def _set_password(config: Config, name: str, password: str) -> None:
    from dashboard.passwords import hash_password
    from store.people import People

    async with _opened(config) as database:
        hashed = await asyncio.to_thread(hash_password, password)
        if not await People(database).set_password(name, hashed, at=SystemClock().now(), by="console"):
            raise GenlydError(f"there is nobody named {name!r}; see `genlyd user add`")


def _password(*, from_stdin: bool) -> str:
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise typer.BadParameter("the two passwords differ")
    return first


async def _export(config: Config, what: str) -> None:
    from store.exports import export

    async with _opened(config) as database:
        async for row in export(database, what):
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
