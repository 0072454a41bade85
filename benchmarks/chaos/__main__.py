"""Chaos by seeds: posts through both emulated platforms while everything breaks, and the promises checked after.

`python -m benchmarks.chaos [--seeds 20 | --seed 7] [--posts 10000] [--processes 3] [--rate 50]`. Seeds run one after
the other; each prints its plan first, so that one that fails can be run again, and a table stands at the end. Exits 1
if a promise was broken. Needs nothing but the checkout.
"""

import argparse
import asyncio
import pickle
import signal
import sys
from collections import Counter
from pathlib import Path

from benchmarks.chaos.check import broken_promises, is_beyond_reach
from benchmarks.chaos.houses import ROOMS
from benchmarks.chaos.journey import play
from benchmarks.chaos.plan import make_plan
from benchmarks.chaos.record import Record

_MOST_SHOWN = 12
_COLUMNS = ("seed", "posts", "stored", "replies", "twice", "unknown left", "faults", "kills", "blows", "gaps",
            "beyond reach", "p50 s", "p99 s", "in all, s", "broken")  # fmt: skip


def row_of(seed: int | str, record: Record, broken: list[str]) -> dict[str, object]:
    """Return the figures of one seed, by column."""
    stored = record.stored
    replies = [row for rows in record.public.values() for row in rows if row["ours"] and row["parent"]]
    missing = [said for said in record.said if said.concerns_us and (said.platform, said.id) not in stored]
    kills = record.done["kill"] + record.done["long kill"]
    return {
        "seed": seed,
        "posts": len(record.said),
        "stored": len(record.posts),
        "replies": len(replies),
        "twice": sum(count > 1 for count in Counter(row["parent"] for row in replies).values()),
        "unknown left": sum(reply["state"] == "unknown" for reply in record.replies),
        "faults": sum(fault["fired"] for faults in record.faults.values() for fault in faults),
        "kills": kills,
        "blows": record.done.total() - kills,
        "gaps": len(record.gaps),
        "beyond reach": sum(is_beyond_reach(record.gaps, said) for said in missing if said.gone_at is None),
        **record.figures,
        "broken": len(broken),
    }


def table(rows: list[dict[str, object]]) -> str:
    """Return the table for benchmarks/RESULTS.md."""
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{'--:|' * len(_COLUMNS)}"]
    return "\n".join(head + [f"| {' | '.join(str(row.get(name, '')) for name in _COLUMNS)} |" for row in rows])


def main() -> int:
    """Play the seeds asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 1 to N")
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--processes", type=int, choices=sorted(ROOMS), default=1)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--keep", type=Path, help="keep each seed's folder, with its logs and its record, in here")
    parser.add_argument("--judge", type=Path, help="play nothing: judge a kept record.pickle of ours again")
    asked = parser.parse_args()
    # Ended like Ctrl-C, so that it takes its processes with it; a shell has its background ignore that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if asked.judge is not None:
        record = pickle.loads(asked.judge.read_bytes())
        return _show([_judged(asked.judge.parent.name, record)])
    rows = []
    for seed in [asked.seed] if asked.seed is not None else range(1, asked.seeds + 1):
        plan = make_plan(seed, posts=asked.posts, processes=asked.processes)
        print(plan, flush=True)
        keep = asked.keep / f"seed-{seed}" if asked.keep else None
        record = asyncio.run(play(plan, rate=asked.rate, keep=keep))
        if keep:
            (keep / "record.pickle").write_bytes(pickle.dumps(record))
        rows.append(_judged(seed, record))
        print(table(rows[-1:]), flush=True)
    return _show(rows)


def _judged(seed: int | str, record: Record) -> dict[str, object]:
    broken = broken_promises(record)
    for promise in broken[:_MOST_SHOWN]:
        print(f"BROKEN by seed {seed}: {promise}", flush=True)
    return row_of(seed, record, broken)


def _show(rows: list[dict[str, object]]) -> int:
    print(f"\n{table(rows)}")
    return 1 if any(row["broken"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
