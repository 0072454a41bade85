"""Screenshots of every page: `python -m tests.dashboard.screens FOLDER [--languages en,da] [--widths 390,1280,1920]`.

To be looked at by a person. Runs a seeded desk and a real browser; commits nothing (screenshots/ is ignored by git).
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from argon2 import PasswordHasher
from playwright.async_api import Browser, Page, async_playwright

from app.wiring import build_trials
from core.clock import SystemClock
from core.rights import Role
from dashboard.i18n import LANGUAGES
from dashboard.server import build_app
from store.accounts import Accounts
from store.bell import Bell
from store.database import open_database
from store.embedded import EmbeddedValkey
from store.people import People
from tests.dashboard import shown
from tests.dashboard.conftest import CONFIG, PASSWORD, House, serving
from tests.dashboard.test_browser import executable
from tests.report_crowd import Crowd


async def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--widths", default="390,1280,1920")
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--only", default="", help="a part of the address")
    parser.add_argument("--whole", action="store_true", help="the whole page, not its first window")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gv") as folder:
        valkey = EmbeddedValkey(Path(folder))
        await valkey.start()
        database = await open_database(f"sqlite:///{folder}/genlyd.db")
        bell, clock = Bell.open(valkey.url, consumer="screens"), SystemClock()
        await Accounts(database).enrol(CONFIG.accounts, at=clock.now())
        hash_ = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
        for name, role in (("Mette", Role.ADMIN), ("Lars", Role.APPROVER), ("Nora", Role.AGENT)):
            await People(database).add_staff(name, hash_, role, at=clock.now(), by="screens")

        async def readiness() -> dict[str, str]:
            return {}

        books = build_trials(CONFIG, database, clock)
        app = build_app(database=database, bell=bell, clock=clock, config=CONFIG, readiness=readiness, books=books)
        house = House(database=database, bell=bell, clock=clock, app=app)
        conversation = await shown.seed(house)
        async with serving(app) as url:
            house.url = url
            paths = [path for path in shown.paths(conversation) if asked.only in path]
            quiet = [path for path in paths if not path.startswith("/reports")]
            async with _browser() as browser:
                await _take(browser, house, ["/sign-in", *quiet], asked)
                # Figures of some weeks, which would hide the few conversations of the other pages.
                await Crowd(seed=1, until=clock.now(), first=1_000).settle_in(database, conversations=400)
                await _take(browser, house, [path for path in paths if path not in quiet], asked)
                await shown.storm(house, conversation)
                await _take(browser, house, ["/inbox", "/incidents"], asked, prefix="storm_")
        await bell.close()
        await database.close()
        await valkey.stop()


@contextlib.asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        path = executable(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path, args=["--disable-gpu", *sandbox])
        yield browser
        await browser.close()


async def _take(
    browser: Browser, house: House, paths: list[str], asked: argparse.Namespace, *, prefix: str = ""
) -> None:
    staff = await house.people.staff_named("Mette")
    assert staff is not None
    for language in asked.languages.split(","):
        await house.people.set_language(staff.id, language, at=house.clock.now())
        page = await browser.new_page(timezone_id="Europe/Copenhagen", locale=language)
        await page.goto(house.url + "/sign-in")
        if "/sign-in" in paths:
            await _shoot(page, f"{prefix}sign-in_{language}", asked)
        await page.fill("#name", "Mette")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_url("**/inbox")
        for path in (path for path in paths if path != "/sign-in"):
            await page.goto(house.url + path)
            name = path.strip("/").replace("/", "_") or "home"
            await _shoot(page, f"{prefix}{name}_{language}", asked)
        await page.close()


async def _shoot(page: Page, name: str, asked: argparse.Namespace) -> None:
    for width in map(int, asked.widths.split(",")):
        await page.set_viewport_size({"width": width, "height": 844 if width < 600 else 1000})
        for theme in asked.themes.split(","):
            await page.emulate_media(color_scheme=theme)
            await page.wait_for_timeout(150)
            await page.screenshot(path=asked.folder / f"{name}_{width}_{theme}.png", full_page=asked.whole)


if __name__ == "__main__":
    asyncio.run(main())
