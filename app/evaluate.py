"""`genlyd evaluate`: the model card's tables on standard output, every figure in a file where one is named.

Owns the order: what can be wrong with the call is told before a model is loaded. Refuses to compute a figure.
"""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from core.config import SentimentConfig
from core.errors import ConfigError, Problem
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.evaluation.report import Parts, report
from sentiment.evaluation.sets import plan
from sentiment.evaluation.tables import markdown, plain
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader

_QUICK = 200

Say = Callable[[str], None]


def evaluate(
    data: Path | None,
    *,
    names: Collection[str],
    is_quick: bool,
    file: Path | None,
    show: Say,
    said: Say,
    model_folder: Path = SHIPPED,
) -> None:
    """Show each table as soon as it is known; `said` is told of the steps. Blocks for minutes unless `is_quick`.

    Raises: ConfigError.
    """
    if file is not None:
        _check_writable(file)
    planned = plan(data, names=names, most=_QUICK if is_quick else None)
    said("loading the model")
    parts = _parts(model_folder)
    model = {"name": parts.encoder.name, "version": parts.encoder.version}
    show(f"Model {model['name']} {model['version']}." + (f" Quick: at most {_QUICK} rows of a set." * is_quick) + "\n")
    sections: dict[str, Any] = {}
    for section in report(planned, parts, said):
        sections[section.name] = section.figures
        show(markdown(section))
    for sentence in planned.left_out:
        show(f"Left out: {sentence}")
    if file is not None:
        figures = {"model": model, "quick": is_quick, "left_out": planned.left_out, "figures": sections}
        file.write_text(json.dumps(plain(figures), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _parts(folder: Path) -> Parts:
    languages = LanguageReader()
    encoder = Encoder(folder, threads=2)
    reader = Reader(encoder, languages, UrgencyReader(), unsure_below=SentimentConfig().unsure_below)
    return Parts(reader=reader, encoder=encoder, languages=languages)


def _check_writable(file: Path) -> None:
    """Minutes of work should not be lost to a misspelt folder."""
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as err:
        what = f"{file} cannot be written ({err.strerror}); name a file in a folder that exists"
        raise ConfigError([Problem(line=None, where="--json", what=what)]) from err
