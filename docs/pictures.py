"""Make the pictures of the documents from sample photos, by the tool itself.

python docs/pictures.py
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from PIL import Image

from imgguard import Guard

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_images"
PHOTO = SAMPLES / "event" / "event_01_class_photo.jpg"
WIDTH = 1000


STYLED = SAMPLES / "event" / "event_02_gym.jpg"
STYLES = (
    ("blur", "face"),
    ("pixelate", "face"),
    ("solid", "face"),
    ("emoji", "face"),
    ("blur", "head"),
    ("blur", "person"),
)


def main() -> None:
    """Write docs/before-after.jpg and docs/cover-styles.jpg."""
    before_and_after()
    cover_styles()


def cover_styles() -> None:
    """Show a part of a photo under each style and extent."""
    tiles = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, (style, cover) in enumerate(STYLES):
            guard = Guard(recognition=False, style=style, cover=cover, school=Path(scratch) / "record")
            result = guard.clean(STYLED, Path(scratch) / f"{number}.jpg")
            assert result.target is not None
            tiles.append(Image.open(result.target).convert("RGB").crop((1180, 320, 1720, 1290)).resize((270, 485)))
    strip = Image.new("RGB", (len(tiles) * 276 - 6, 485), "white")
    for number, tile in enumerate(tiles):
        strip.paste(tile, (number * 276, 0))
    strip.save(ROOT / "docs" / "cover-styles.jpg", quality=88)


def before_and_after() -> None:
    """Show the class photo as it is and as it is published."""
    with tempfile.TemporaryDirectory() as scratch:
        guard = Guard(
            roster=SAMPLES / "roster.csv",
            id_photos=SAMPLES / "id_photos",
            purpose="school_website",
            school=Path(scratch) / "record",
            on=date(2026, 11, 23),
        )
        result = guard.clean(PHOTO, Path(scratch) / "out")
        assert result.target is not None
        halves = [_shrunk(path) for path in (PHOTO, result.target)]
    height = halves[0].height
    both = Image.new("RGB", (WIDTH, 2 * height + 8), "white")
    both.paste(halves[0], (0, 0))
    both.paste(halves[1], (0, height + 8))
    both.save(ROOT / "docs" / "before-after.jpg", quality=88)


def _shrunk(path: Path) -> Image.Image:
    image = Image.open(path).convert("RGB").crop((120, 330, 2330, 1250))
    return image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
