"""What strangers and colleagues write never runs: every page in a real browser, full of what tries to."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page, expect

from core.assessment import Reason
from core.post import Platform
from core.report import Kind
from core.rights import Role
from dashboard.desk import DESK
from dashboard.server import PAGES
from store.accounts import Accounts, AccountState
from store.lookers import Does
from store.notes import Notes
from store.people import People
from store.promises import Promises
from store.saved_filters import SavedFilters
from store.sources import Progress, Sources
from tests.dashboard.conftest import PASSWORD, House
from tests.dashboard.seed import Said
from tests.dashboard.test_browser import chromium

pytestmark = pytest.mark.browser
__all__ = ["chromium"]

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'\"><img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<a href='javascript:alert(1)' autofocus onfocus=alert(1)>x</a>",
    "{{ 7*7 }}{% print(alert) %}${alert(1)}",
    "<details open ontoggle=alert(1)>",
    '<div hx-get="/house" hx-trigger="load" data-hx-get="/house"></div>',
    '" onmouseover="alert(1)" x="',
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>*{display:none}</style><form action=//evil.example><button>x",
    "\u202e<b>\u2066&#60;script&#62;alert(1)\x00</b>",
)
URLS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example",
    'https://x.com/"onclick="alert(1)',
)
_WATCH = """
window.caught = [];
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => window.caught.push(name);
document.addEventListener("securitypolicyviolation", (event) => {
  window.caught.push(`csp ${event.violatedDirective} ${event.sourceFile}:${event.lineNumber}`);
});
"""


async def _fill(house: House) -> list[int]:
    """Write every payload wherever somebody can write."""
    now, made = house.clock.now(), []
    for number, bad in enumerate(PAYLOADS):
        made.append(
            await house.seed.say(
                Said(
                    text=f"{bad} {number}",
                    handle=f"h{number}{bad}"[:100],
                    name=bad,
                    url=URLS[number % len(URLS)],
                    draft=f"Hej {bad}",
                    rule=bad,
                    matched=bad,
                    because=bad,
                    reasons=(Reason(cue=bad, words=bad[:20], points=9),),
                    platform=Platform.X,
                )
            )
        )
    bad = PAYLOADS[1]
    accounts = Accounts(house.database)
    await accounts.set_state("hav-reddit", AccountState.PAUSED, reason=bad, by=bad, at=now)
    await accounts.pause_house(True, by=bad, at=now, reason=PAYLOADS[2])
    progress = Progress(account="hav-dk", source=bad, cursor="1", gap=bad, unreadable=(bad,))
    await house.seed.posts.save_batch([], progress, at=now)
    await Sources(house.database).stumble("hav-dk", bad, PAYLOADS[2], at=now, opens_gap=True)
    people = People(house.database)
    for number, name in enumerate(PAYLOADS[:4]):
        await people.add_staff(f"{name}{number}"[:100], "hash", Role.AGENT, at=now, by=name[:100])
    notes = Notes(house.database)
    for conversation, bad in zip(made, PAYLOADS, strict=False):
        await notes.write(conversation, f"@Ida {bad}", by="Ida", at=now)
        await notes.tag(conversation, bad, by="Ida", at=now)
        await Promises(house.database).make(conversation, bad, now + timedelta(minutes=5), by="Ida", at=now)
        # A colleague of that name types there: a script makes the chip.
        await house.app[DESK].lookers.note(conversation, bad, Does.TYPING, at=now)
    ida = await people.staff_named("Ida")
    assert ida is not None
    for number, bad in enumerate(PAYLOADS):
        filters = SavedFilters(house.database)
        await filters.save(ida.id, f"{number}{bad}"[:60].replace("\x00", ""), f"?{urlencode({'q': bad})}", at=now)
    return made


async def _harmless(page: Page, path: str) -> None:
    assert await page.evaluate("window.caught") == [], path
    inside = await page.evaluate(
        """() => {
          const all = (what) => [...document.querySelectorAll(what)];
          const away = (form) => new URL(form.getAttribute("action") || "", location).origin !== location.origin;
          return {
            scripts: all("script").filter((one) => !one.src.startsWith(location.origin + "/static/")).length,
            planted: all("img[src='x'], iframe, meta[http-equiv], style, base, object, embed").length,
            handlers: all("*").filter((one) => [...one.attributes].some((a) => a.name.startsWith("on"))).length,
            links: [...document.links].map((one) => one.href).filter((href) => !/^https?:/.test(href)),
            forms: all("form").filter(away).length,
          };
        }"""
    )
    assert inside == {"scripts": 0, "planted": 0, "handlers": 0, "links": [], "forms": 0}, (path, json.dumps(inside))


async def test_nothing_that_anybody_writes_runs_on_any_page(
    chromium: Chromium, house: House, password_hash: str
) -> None:
    await People(house.database).add_staff("Ida", password_hash, Role.ADMIN, at=house.clock.now(), by="test")
    conversations = await _fill(house)
    context: BrowserContext = await chromium.new_context()
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    strayed: list[str] = []
    page.on("dialog", lambda dialog: strayed.append(f"dialog {dialog.message}"))
    page.on("pageerror", lambda error: strayed.append(str(error)))
    page.on("request", lambda one: strayed.append(one.url) if not one.url.startswith((house.url, "data:")) else None)
    await page.goto(f"{house.url}/sign-in?next={'%22%3E%3Cscript%3Ealert(1)%3C/script%3E'}")
    await page.get_by_label("Name").fill(PAYLOADS[1])
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await _harmless(page, "/sign-in")
    await page.get_by_label("Name").fill("Ida")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/inbox")
    plain = [one.path for one in PAGES if one.method == "GET" and "{" not in one.path]
    shown = [path for path in plain if path not in ("/", "/live", "/audit.csv")]
    shown += [f"/reports/{kind}?from=2025-01-01&to=2027-12-31" for kind in Kind]
    shown += [f"/conversations/{one}" for one in conversations] + ["/inbox?status=all&x=<script>alert(1)</script>"]
    for path in shown:
        await page.goto(f"{house.url}{path}")
        await _harmless(page, path)
    # What is typed and refused comes back on the page.
    for path in ("/rules", "/watches"):
        await page.goto(f"{house.url}{path}")
        for bad in (f'[[rules]]\nname = "{PAYLOADS[1]}"\n', PAYLOADS[2]):
            await page.locator("textarea").first.fill(bad)
            await page.get_by_role("button", name="Try").first.click()
            await expect(page.locator("textarea").first).to_have_value(bad)
            await _harmless(page, path)
    await page.goto(f"{house.url}/people")
    await page.get_by_label("Name").fill(f"{PAYLOADS[1]}1")
    await page.get_by_role("button", name="Make an invitation").click()
    await _harmless(page, "/people")
    await page.get_by_label("Name").fill(PAYLOADS[2])
    await page.get_by_role("button", name="Make an invitation").click()
    await _harmless(page, "/people: the link")
    assert PAYLOADS[2] in await page.inner_text("h1")
    assert strayed == []
    await context.close()
