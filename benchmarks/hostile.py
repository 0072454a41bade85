"""Texts that mean harm, by the hundred thousand, through everything that turns a text into an assessment.

`python -m benchmarks.hostile [--count 100000] [--seed 1] [--minutes M]`. Prints how many were read, what failed, the
slowest and how far the peak of the memory rose; exits 1 if a text had no sound answer. tests/sentiment/test_hostile.py
does a few hundred of the same.
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections import Counter

from transformers import AutoTokenizer

from core.config import SentimentConfig
from sentiment.base import SHIPPED, open_model
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.text import normalise
from sentiment.urgency import UrgencyReader
from tests.hostile import faults, texts, within

_WARM_UP = 200
_SHOWN = 5


def peak_mb() -> float:
    """Return the most memory this process has held so far, in megabytes."""
    unit = 1 if platform.system() == "Darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(a: argparse.Namespace) -> int:
    """Read the texts and print what came of it."""
    reader = Reader(open_model(SentimentConfig()), LanguageReader(), UrgencyReader(), unsure_below=0.5)
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    for text in texts(_WARM_UP, seed=a.seed + 1):
        answer(reader, text, a.seconds)
    before = peak_mb()
    started = time.monotonic()
    spent: list[float] = []
    slowest = (0.0, "")
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for text in texts(a.count, seed=a.seed):
        at = time.perf_counter()
        found = answer(reader, text, a.seconds)
        spent.append(time.perf_counter() - at)
        slowest = max(slowest, (spent[-1], ascii(text[:200])))
        ids = tokenizer(normalise(text))["input_ids"]
        found += ["a special token was smuggled in"] if special & set(ids[1:-1]) else []
        wrong.update(found)
        for one in found:
            examples.setdefault(one, ascii(text[:400]))
        if a.minutes and time.monotonic() - started > 60 * a.minutes:
            break
    figures = {
        "texts": len(spent),
        "seed": a.seed,
        "without a sound answer": sum(wrong.values()),
        "what failed": dict(wrong),
        "seconds": round(time.monotonic() - started, 1),
        "p50 ms": round(1_000 * statistics.median(spent), 2),
        "p99 ms": round(1_000 * sorted(spent)[int(0.99 * (len(spent) - 1))], 2),
        "slowest ms": round(1_000 * slowest[0], 1),
        "slowest text": slowest[1],
        "peak memory before, MB": round(before, 1),
        "growth of the peak, MB": round(peak_mb() - before, 1),
    }
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    for what, text in list(examples.items())[:_SHOWN]:
        print(f"BROKEN: {what}: {text}")
    return 1 if wrong else 0


def answer(reader: Reader, text: str, seconds: float) -> list[str]:
    """Read one text; return what is wrong with the answer, an error being one more wrong."""
    try:
        with within(seconds):
            [said] = reader.read([text], [None], [None])
    except Exception as err:  # noqa: BLE001  (which errors there are is what is measured)
        return [f"{type(err).__name__}: {ascii(str(err))[:120]}"]
    return faults(text, said)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="longer than this for one text is a failure")
    parser.add_argument("--minutes", type=float, help="stop after so many, whatever the count")
    sys.exit(main(parser.parse_args()))
