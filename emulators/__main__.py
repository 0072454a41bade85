"""Owns the command line: `python -m emulators x|reddit|replay`. Refuses to own what they do."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from emulators import reddit, replay, serve, x
from emulators.world import Impossible, World
from emulators.x_access import Secrets


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_replay(options) if options.command == "replay" else _emulate(options))
    except (Impossible, OSError) as err:
        print(f"emulators: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulators", description="Emulated platforms on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("x", "reddit"):
        command = commands.add_parser(name, help=f"serve an emulated {name}")
        command.add_argument("--port", type=int, required=True, help="0 picks a free one")
        command.add_argument("--host", default="127.0.0.1")
        command.add_argument("--limits", choices=("real", "off"), default="real", help="rate windows (default: real)")
        _add_shared(command)
        if name == "x":
            command.add_argument("--heartbeat", type=float, default=20.0, metavar="SECONDS", help="of the stream")
            command.add_argument("--consumer-secret", help="with --access-secret: check OAuth 1.0a signatures")
            command.add_argument("--access-secret")
    command = commands.add_parser("replay", help="feed posts to running emulators until stopped")
    command.add_argument("--x", metavar="URL")
    command.add_argument("--reddit", metavar="URL")
    command.add_argument("--per-minute", type=float, required=True)
    command.add_argument("--subreddit", default="sandbox")
    _add_shared(command)
    return parser


def _add_shared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, help="same seed, same ids; without one, ids follow the clock")
    command.add_argument("--handle", default="brand", help="our own account (default: brand)")


async def _emulate(options: argparse.Namespace) -> None:
    world = World(options.command, seed=options.seed, handle=options.handle)
    is_limited = options.limits == "real"
    if options.command == "x":
        secrets = Secrets(consumer=options.consumer_secret, access=options.access_secret)
        settings = x.XSettings(
            heartbeat_seconds=options.heartbeat, limits_are_enforced=is_limited, secrets=secrets
        )  # fmt: skip
        app = x.make_app(world, settings, seed=options.seed)
    else:
        app = reddit.make_app(world, limits_are_enforced=is_limited)
    await serve.serve_until_stopped(app, name=options.command, host=options.host, port=options.port)


async def _replay(options: argparse.Namespace) -> None:
    targets = {name: url for name in ("x", "reddit") if (url := getattr(options, name))}
    if not targets or options.per_minute <= 0:
        raise Impossible("replay needs --x or --reddit, and --per-minute above 0")
    await replay.run(
        targets, per_minute=options.per_minute, seed=options.seed, subreddit=options.subreddit, handle=options.handle
    )


if __name__ == "__main__":
    sys.exit(main())
