"""Our encoder beside what others run: speed of one post and of many, load time, memory, size.

`python -m benchmarks.model [--rounds 7] [--singles 60] [--posts 64] [--batch 32]`. Everything takes turns in one run,
one thread each, over our own posts brought to 25 words: Encoder.read, tokenising included, and Hugging Face's
`pipeline("text-classification")` on torch with networks of DistilBERT's and XLM-RoBERTa's size. Their weights are
random, which costs the same time, and all three share our tokenizer, so the posts are as long for each. Prints a table;
compare within one run, on an idle machine.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from typing import Any

import torch
import transformers
from transformers import (
    AutoTokenizer,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    pipeline,
)

from core.assessment import Language
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.training.written import own_posts
from tests.house import ROOT

_WORDS = 25
_MAX_TOKENS = 192
_MOODS = 3
_FRESH = """
import json, sys, time
started = time.perf_counter()
from core.assessment import Language
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
imported = time.perf_counter()
encoder = Encoder(SHIPPED)
loaded = time.perf_counter()
encoder.read([sys.argv[1]], [Language.DA])
answered = time.perf_counter()
# Not getrusage: its peak counts the parent's memory too, from before the exec.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
held, peak = (int(status[name].split()[0]) / 1_000 * 1.024 for name in ("VmRSS", "VmHWM"))
print(json.dumps([loaded - imported, answered - started, held, peak]))
"""

Read = Callable[[Sequence[str]], object]


@dataclass(slots=True)
class Contender:
    """One way to read posts, and what it took: seconds for each single post, posts per CPU-second for each round."""

    name: str
    parameters: str
    read: Read
    singles: list[float] = field(default_factory=list)
    one_by_one: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)

    def take_turn(self, singles: Sequence[str], posts: Sequence[str], batch: int) -> None:
        """Read `singles` one by one, then `posts` by `batch`."""
        began = time.process_time()
        for text in singles:
            at = time.perf_counter()
            self.read([text])
            self.singles.append(time.perf_counter() - at)
        self.one_by_one.append(len(singles) / (time.process_time() - began))
        began = time.process_time()
        for start in range(0, len(posts), batch):
            self.read(posts[start : start + batch])
        self.together.append(len(posts) / (time.process_time() - began))

    def row(self, slowest: float) -> str:
        """Return the table row; `slowest` is what the last column is measured by."""
        times = sorted(self.singles)
        p50, p99 = statistics.median(times), times[int(0.99 * (len(times) - 1))]
        together = statistics.median(self.together)
        return (
            f"| {self.name} | {self.parameters} | {1_000 * p50:.1f} | {1_000 * p99:.1f} "
            f"| {statistics.median(self.one_by_one):.1f} | {together:.1f} | {together / slowest:.1f} |"
        )


def posts_of(count: int, rng: random.Random) -> list[str]:
    """Return `count` of our own posts, each brought to 25 words: short ones joined, long ones cut."""
    texts = [example.text for example in own_posts("dev") + own_posts("train")]
    rng.shuffle(texts)
    words = islice(chain.from_iterable(text.split() for text in cycle(texts)), count * _WORDS)
    return [" ".join(islice(words, _WORDS)) for _ in range(count)]


def ours() -> Contender:
    """Return the shipped encoder, on one thread."""
    encoder = Encoder(SHIPPED, threads=1)

    def read(texts: Sequence[str]) -> object:
        return encoder.read(texts, [Language.DA] * len(texts))

    return Contender("Genlyd, Encoder.read", "int8", read)


def piped(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Contender:
    """Return a Hugging Face pipeline around `model`."""
    build: Any = pipeline
    run = build("text-classification", model=model.train(mode=False), tokenizer=tokenizer, device="cpu")

    def read(texts: Sequence[str]) -> object:
        return run(list(texts), batch_size=min(batch, len(texts)), truncation=True, max_length=_MAX_TOKENS)

    return Contender(name, f"{model.num_parameters() / 1e6:.0f} M fp32", read)


def peers(batch: int) -> list[Contender]:
    """Return the pipelines of the two sizes most people run."""
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    # Looking a word up costs nothing, so a vocabulary of our tokenizer's size changes no time.
    small = DistilBertConfig(vocab_size=len(tokenizer), n_layers=6, dim=768, hidden_dim=3_072)
    large = XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3_072,
        max_position_embeddings=514,
        type_vocab_size=1,
    )
    small.num_labels = large.num_labels = _MOODS
    return [
        piped("pipeline, DistilBERT base size", DistilBertForSequenceClassification(small), tokenizer, batch),
        piped("pipeline, XLM-R base size", XLMRobertaForSequenceClassification(large), tokenizer, batch),
    ]


def fresh(text: str, *, times: int) -> dict[str, float]:
    """Return what our encoder takes in a process of its own (on Linux): the median of `times`."""
    rows = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", _FRESH, text], check=True, capture_output=True, text=True, cwd=ROOT
        )
        rows.append(json.loads(done.stdout))
    loaded, answered, held, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "load, s": round(loaded, 2),
        "start of Python's imports to first answer, s": round(answered, 2),
        "memory of that process then, MB": round(held),
        "its peak, MB": round(peak),
        "artefact, MB": round(sum(file.stat().st_size for file in SHIPPED.iterdir()) / 1e6, 1),
    }


def main(a: argparse.Namespace) -> None:
    """Let all take turns and print the table."""
    warnings.simplefilter("ignore")
    talk: Any = transformers.utils.logging
    talk.set_verbosity_error()
    talk.disable_progress_bar()
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    rng = random.Random(a.seed)
    contenders = [ours(), *peers(a.batch)]
    for one in contenders:
        for text in posts_of(a.warm_up, rng):
            one.read([text])
    for _ in range(a.rounds):
        singles, posts = posts_of(a.singles, rng), posts_of(a.posts, rng)
        for one in contenders:
            one.take_turn(singles, posts, a.batch)
    slowest = min(statistics.median(one.together) for one in contenders)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {os.cpu_count()} CPUs, one thread each")
    print(f"{a.rounds} rounds of {a.singles} single posts and {a.posts} posts by {a.batch}; medians\n")
    print("| | weights | one post: p50 ms | p99 ms | posts per CPU-second, one by one | together | times the slowest |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for one in contenders:
        print(one.row(slowest))
    print()
    print(json.dumps(fresh(posts_of(1, rng)[0], times=a.fresh), indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--singles", type=int, default=60)
    parser.add_argument("--posts", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--fresh", type=int, default=5, help="processes to load our encoder in")
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
