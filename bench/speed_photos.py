"""The photos of bench/speed.py: sample photos side by side, so that it is known how many faces each really has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent.parent / "sample_images"
QUALITY = 92
# How many faces, and which sample photos have as many together.
FACES = {
    0: (),
    1: ("event_09_one",),
    2: ("event_05_two",),
    4: ("event_05_two", "event_09_one", "event_09_one"),
    5: ("event_04_classroom",),
    8: ("event_08_yard_line",),
    11: ("event_06_gym_wide",),
    12: ("event_06_gym_wide", "event_09_one"),
}
_GREY = (118, 118, 118)


def build_photo(path: Path, faces: int, size: tuple[int, int] = (4000, 3000)) -> None:
    """Lay sample photos out on one of that size, enlarged, with a camera's grain."""
    parts = [Image.open(SAMPLES / "event" / f"{name}.jpg") for name in FACES[faces]] or [_nobody()]
    canvas = Image.new("RGB", size, _GREY)
    height = size[1] // len(parts)
    for number, part in enumerate(parts):
        scale = min(size[0] / part.width, height / part.height)
        large = part.resize((int(part.width * scale), int(part.height * scale)), Image.Resampling.BICUBIC)
        canvas.paste(large, ((size[0] - large.width) // 2, number * height))
    grain = np.random.default_rng(faces).integers(-9, 10, (size[1], size[0], 1), np.int16)
    noisy = np.clip(np.asarray(canvas, np.int16) + grain, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noisy).save(path, quality=QUALITY)


def _nobody() -> Image.Image:
    """What is above everybody's heads in the photo that has most of it."""
    truth = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))["photos"]
    free = {name: min(face["box"][1] for face in photo["faces"]) * 0.8 for name, photo in truth.items()}
    name = max(free, key=lambda name: free[name])
    with Image.open(SAMPLES / "event" / Path(name).name) as image:
        return image.crop((0, 0, image.width, max(int(free[name]), 8)))


def build_folder(folder: Path, size: tuple[int, int] = (4000, 3000)) -> Path:
    """Build one photo of each number of faces."""
    for faces in FACES:
        build_photo(folder / f"with{faces:02}.jpg", faces, size)
    return folder


def copied(folder: Path, times: int, target: Path) -> Path:
    """Copy a folder several times into subfolders."""
    for number in range(times):
        shutil.copytree(folder, target / f"part{number}")
    return target


def sized(megapixels: float) -> tuple[int, int]:
    """Width and height of a photo of 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5 / 16) * 16
    return height * 4 // 3, height
