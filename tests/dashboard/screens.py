"""Screenshots of every page: `python -m tests.dashboard.screens FOLDER [--languages en,da] [--widths 390,1280,1920]`.

To be looked at by a person. Runs a seeded desk and a real browser; commits nothing (screenshots/ is ignored by git).
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from argon2 import PasswordHasher
from playwright.async_api import async_playwright

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


async def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--widths", default="390,1280,1920")
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--only", default="", help="a part of the address")
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

        app = build_app(database=database, bell=bell, clock=clock, config=CONFIG, readiness=readiness)
        house = House(database=database, bell=bell, clock=clock, app=app)
        conversation = await shown.seed(house)
        async with serving(app) as url:
            house.url = url
            await _take(house, ["/sign-in", *shown.paths(conversation)], asked)
        await bell.close()
        await database.close()
        await valkey.stop()


async def _take(house: House, paths: list[str], asked: argparse.Namespace) -> None:
    staff = await house.people.staff_named("Mette")
    assert staff is not None
    async with async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        path_ = executable(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path_, args=["--disable-gpu", *sandbox])
        page = await browser.new_page(timezone_id="Europe/Copenhagen")
        await page.goto(house.url)
        await page.fill("#name", "Mette")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_url("**/inbox")
        for language in asked.languages.split(","):
            await house.people.set_language(staff.id, language, at=house.clock.now())
            for path in (path for path in paths if asked.only in path):
                await page.goto(house.url + path)
                for width in map(int, asked.widths.split(",")):
                    await page.set_viewport_size({"width": width, "height": 844 if width < 600 else 1000})
                    for theme in asked.themes.split(","):
                        await page.emulate_media(color_scheme=theme)
                        name = path.strip("/").replace("/", "_") or "home"
                        await page.wait_for_timeout(150)
                        await page.screenshot(path=asked.folder / f"{name}_{language}_{width}_{theme}.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
