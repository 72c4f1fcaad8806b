"""Use the page as a teacher and as an admin do, with the sample school, and take the pictures of docs/page.md.

python docs/screens.py               the pictures of docs/page/ and how long each step took
python docs/screens.py --all FOLDER  every view in light, dark and phone width, to look at
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser, Page, sync_playwright

from imgguard.page.pool import Pool
from tests.conftest import SAMPLES
from tests.page.served import CHROMIUM_FLAGS, Served, chromium, looking, serving
from tests.schools import enrolled_school

HERE = Path(__file__).parent / "page"
WAYS = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "has_touch": True},
}
_PATIENCE = 180_000
_PHOTO = SAMPLES / "event" / "event_03_yard.jpg"
_QUALITY, _HIGHEST = 75, 1300
# Where the pictures were made is nobody's business, and differs each time.
_PLACE = "/home/clerk/Pictures"
_HIDE_PLACE = """([place, shown]) => {
  place = new RegExp(place, "g");
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replaceAll(place, shown);
  for (const input of document.querySelectorAll("input")) {
    if (input.type === "text") input.value = input.value.replaceAll(place, shown);
  }
}"""


@dataclass
class Book:
    """Where pictures of views go, and how long each step took.

    Attributes:
        folder: Where.
        way: Light, dark or phone; empty for the manual's own.
        times: Steps with their seconds.
    """

    folder: Path
    way: str
    times: list[tuple[str, float]] = field(default_factory=list)

    def picture(self, page: Page, name: str, *, whole: bool = False) -> None:
        """Keep what is seen now."""
        page.wait_for_timeout(300)
        page.evaluate(_HIDE_PLACE, [re.escape(tempfile.gettempdir()) + r"/\w+", _PLACE])
        shot = page.screenshot(full_page=whole)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.way:
            (self.folder / f"{name}-{self.way}.png").write_bytes(shot)
            return
        image = Image.open(io.BytesIO(shot)).convert("RGB")
        image = image.crop((0, 0, image.width, min(image.height, _HIGHEST)))
        image.save(self.folder / f"{name}.jpg", quality=_QUALITY, optimize=True)

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long a step took."""
        begun = time.perf_counter()
        yield
        self.times.append((step, time.perf_counter() - begun))


def forty_photos(folder: Path) -> Path:
    """Make an event of forty photos of the ten samples: as they are, mirrored, cut, darker."""
    changes: tuple[tuple[str, Callable[[Image.Image], Image.Image]], ...] = (
        ("a", lambda image: image),
        ("b", ImageOps.mirror),
        ("c", lambda image: image.crop((image.width // 12, 0, image.width, image.height * 11 // 12))),
        ("d", lambda image: ImageEnhance.Brightness(image).enhance(0.7)),
    )
    folder.mkdir(parents=True)
    for source in sorted((SAMPLES / "event").glob("*.jpg")):
        with Image.open(source) as image:
            for letter, change in changes:
                change(image.convert("RGB")).save(folder / f"{source.stem[6:8]}{letter}.jpg", quality=90)
    return folder


def teacher(page: Page, book: Book) -> None:
    """Clean one photo."""
    book.picture(page, "one-begin")
    page.select_option("#where", "for:school_website")
    with book.timed("one photo: brought, until the cleaned picture is seen"):
        page.locator("#file").set_input_files(_PHOTO)
        page.locator(".viewer-faces button").first.wait_for(timeout=_PATIENCE)
    with book.timed("one photo: until its check has passed"):
        page.locator("#one:not([aria-busy]) #state.kept").wait_for(timeout=_PATIENCE)
    book.picture(page, "one-look", whole=True)
    doubtful = page.locator("#list li", has=page.locator(".chip.doubtful")).get_by_role("button", name="This is")
    if doubtful.count():
        doubtful.first.click()
        page.locator("#who-list li").first.wait_for(timeout=_PATIENCE)
        book.picture(page, "one-who")
        page.locator("#who-cancel").click()
    with book.timed("one photo: saved"), page.expect_download():
        page.locator("#save").click()
    page.locator("#saved").wait_for()
    book.picture(page, "one-saved", whole=True)


def admin(page: Page, served: Served, folder: Path, out: Path, book: Book) -> None:
    """Look through a folder and release it."""
    page.goto(f"{served.base}/folder")
    book.picture(page, "folder-begin")
    page.locator("#folder").fill(str(folder))
    page.select_option("#where", "for:school_website")
    with book.timed("folder of 40: until all photos are looked at"):
        page.get_by_role("button", name="Look through the photos").click()
        page.locator("#wall li").first.wait_for(timeout=_PATIENCE)
        book.picture(page, "folder-working")
        page.get_by_text("are looked at").wait_for(timeout=_PATIENCE)
    book.picture(page, "folder-wall")
    page.locator("[data-tab=groups]").click()
    page.wait_for_timeout(2000)
    book.picture(page, "folder-groups")
    page.locator("[data-tab=photos]").click()
    with book.timed("folder of 40: the doubtful ones opened and confirmed, one by one"):
        page.locator("#wall li").first.click()
        page.locator("#large #list li").first.wait_for(timeout=_PATIENCE)
        book.picture(page, "folder-large")
        for _ in range(60):
            if not page.locator("#large").is_visible():
                break
            page.keyboard.press("k")
            page.wait_for_timeout(120)
    # Until what was said last has gone from the screen.
    page.wait_for_timeout(3500)
    page.locator("[data-tab=release]").click()
    page.locator("#out").fill(str(out))
    book.picture(page, "folder-release")
    page.locator("#out").fill(str(out))
    with book.timed("folder of 40: released"):
        page.click("#release")
        page.get_by_text("photos are published").wait_for(timeout=_PATIENCE)
    book.picture(page, "folder-released")


def office(page: Page, served: Served, book: Book) -> None:
    """Look at the roster and the reports."""
    for name, path in (
        ("roster", "/roster"),
        ("roster-person", "/roster/person?number=020411"),
        ("roster-destinations", "/roster/destinations"),
        ("reports", "/reports"),
        ("reports-run", "/reports/run/1"),
        ("reports-published", "/reports/published"),
        ("reports-recheck", "/reports/recheck"),
        ("reports-audit", "/reports/audit"),
        ("reports-privacy", "/reports/privacy"),
    ):
        page.goto(f"{served.base}{path}")
        book.picture(page, name, whole=True)
    page.goto(f"{served.base}/roster")
    page.locator("input[type=file]").first.set_input_files(SAMPLES / "roster.csv")
    page.get_by_role("button", name="Read it").click()
    page.locator("h1").wait_for()
    page.wait_for_timeout(1500)
    book.picture(page, "roster-import", whole=True)


def walk(browser: Browser, pool: Pool, school: Path, photos: Path, book: Book, way: str) -> None:
    """Go through every view once, with a school file of its own."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        own = Path(shutil.copy(school, place / "school.imgguard"))
        with serving(own, place, pool=pool) as served, looking(browser, served, **WAYS[way]) as page:
            page.set_default_timeout(_PATIENCE)
            teacher(page, book)
            admin(page, served, photos, place / "out", book)
            office(page, served, book)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    told = parser.parse_args()
    path = chromium()
    if path is None:
        sys.exit("Chromium is needed for it.")
    pool = Pool(2)
    pool.warm()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        school = enrolled_school(Path(name) / "school.imgguard")
        photos = forty_photos(Path(name) / "sports_day")
        for way in WAYS if told.all else ("light",):
            book = Book(told.all or HERE, way if told.all else "")
            walk(browser, pool, school, photos, book, way)
            for step, seconds in book.times:
                print(f"{way}: {step}: {seconds:.1f} s")
        browser.close()
    pool.stop()


if __name__ == "__main__":
    main()
