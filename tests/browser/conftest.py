"""Owns the browser of the tests: Debian's Chromium, pages that forgive nothing, pictures of failures."""

import re
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.live import Live
from tickets.models import User

SHOTS = settings.BASE_DIR / "var" / "test" / "shots"
AS_USUAL: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}
WAIT_MS = 20_000
FAILED = pytest.StashKey[bool]()
CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Complaints:
    """What went wrong in the browser without anybody looking: a test fails on it unless it takes it away."""

    texts: list[str] = field(default_factory=list)

    def of_console(self, message: ConsoleMessage) -> None:
        # A refused form answers 422, and the browser says so; what the page shows is what the test asserts.
        refused = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if message.type == "error" and not refused:
            self.texts.append(message.text)

    def of_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.hostname != "127.0.0.1":
            self.texts.append(f"the page asked for {request.url}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless, with a new profile.

    Started for each file, not for the session: while Playwright runs, its event loop occupies the thread, and
    neither `asyncio.run` nor, without the variable below, Django's database would work in another test.
    """
    path = shutil.which("chromium")
    assert path, "chromium is missing, and no page is tested without it. script/bootstrap --dev installs it."
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        # Without this, what a page is expected to show has five seconds, however busy the machine is.
        expect.set_options(timeout=WAIT_MS)
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Complaints:
    """What the browser complained of; asked for by a test that expects some."""
    return Complaints()


@pytest.fixture
def new_page(
    chromium: Browser,
    live_web: Live,
    transactional_db: None,
    complaints: Complaints,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Page]]:
    """Open a page in a profile of its own as a person: `new_page(alice, java_script_enabled=False)`.

    The arguments after the person are Playwright's for a context. Without a person nobody is signed in.
    A test that needs worker and scheduler too asks for `live` before this.
    """
    contexts: list[BrowserContext] = []

    def open_page(person: User | None = None, **options: Any) -> Page:
        context = chromium.new_context(base_url=live_web.url, **(AS_USUAL | options))
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.on("request", complaints.of_request)
        context.on("console", complaints.of_console)
        context.on("weberror", lambda error: complaints.texts.append(str(error.error)))
        if person:
            sign_in(context, person, live_web.url)
        return context.new_page()

    yield open_page
    pages = [page for context in contexts for page in context.pages]
    if request.node.stash.get(FAILED, default=False):
        for number, page in enumerate(pages, start=1):
            picture(page, request.node.nodeid, number)
    for context in contexts:
        context.close()
    assert not complaints.texts, complaints.texts


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One page, with nobody signed in."""
    return new_page()


def sign_in(context: BrowserContext, person: User, url: str) -> None:
    """Give a browser the session of a person, without the form."""
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[[Page], None]:
    """Run axe-core over a page, and fail with what it found: `assert_accessible(page)`."""
    axe = Axe()

    def check(page: Page) -> None:
        report = axe.run(page)
        assert not report.violations_count, report.generate_report()

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, so that its pages are kept as pictures."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def picture(page: Page, test: str, number: int) -> None:
    """Save what a page looks like to var/test/shots."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", test.removeprefix("tests/browser/"))
    page.screenshot(path=SHOTS / f"{name}-{number}.png", full_page=True)
