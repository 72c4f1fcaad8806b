"""The view "One photo" as somebody uses it, for its tests."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

from consent.store import Store
from imgguard import BoundingBox
from tests.conftest import SAMPLES

EVENTS = SAMPLES / "event"
_DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@dataclass
class One:
    """The view in a browser window."""

    page: Page

    def publish_to(self, where: str = "for:school_website") -> None:
        with self.page.expect_response("**/one/choice"):
            self.page.select_option("#where", where)

    def drop(self, photo: Path | bytes, name: str = "") -> None:
        content = photo if isinstance(photo, bytes) else photo.read_bytes()
        name = name or (photo.name if isinstance(photo, Path) else "photo.jpg")
        self.page.evaluate(_DROP, [name, base64.b64encode(content).decode()])

    def look_at(self, photo: Path | bytes, name: str = "") -> None:
        """Bring a photo and wait until it is checked."""
        self.drop(photo, name)
        self.settled()

    def settled(self, milliseconds: float = 30_000) -> None:
        self.page.locator("#one:not([aria-busy]) #state.kept").wait_for(timeout=milliseconds)

    def face(self, box: tuple[int, int, int, int] | BoundingBox) -> Locator:
        """The outline at a place of the photo."""
        wanted = box if isinstance(box, BoundingBox) else BoundingBox(*box)
        n = self.page.evaluate(
            """async ([x, y]) => {
              const id = new URL(document.querySelector(".viewer-original").src).pathname.split("/")[3];
              const { faces } = await (await fetch(`/one/photos/${id}`)).json();
              return faces.find(({ box }) => box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3])?.n;
            }""",
            list(wanted.center),
        )
        return self.page.locator(f'.viewer-faces [data-n="{n}"]')

    @property
    def id(self) -> str:
        told = self.page.locator(".viewer-original").get_attribute("src")
        assert told is not None
        return told.split("/")[3]

    def save(self) -> bytes:
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Save").click()
        path = download.value.path()
        return Path(path).read_bytes()


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.int16)


def difference(before: bytes, after: bytes, box: BoundingBox) -> float:
    """The mean difference of the middle of a place, in grey levels."""
    x, y = (round(value) for value in box.center)
    w, h = max(2, round(box.width / 4)), max(2, round(box.height / 4))
    part = np.s_[y - h : y + h, x - w : x + w]
    return float(np.abs(pixels_of(before)[part] - pixels_of(after)[part]).mean())


def recorded(school: Path) -> list[tuple[object, ...]]:
    """Give operator, purpose and status of every photo in the record."""
    with Store(school) as store:
        return list(
            store.query(
                "SELECT r.operator, r.purpose, p.status FROM photos p JOIN runs r ON r.id = p.run_id ORDER BY p.id"
            )
        )


def shrunk(photo: Path, by: int) -> bytes:
    """A photo so small that nobody in it can be compared."""
    image = Image.open(photo).convert("RGB")
    out = io.BytesIO()
    image.resize((image.width // by, image.height // by)).save(out, "JPEG", quality=92)
    return out.getvalue()
