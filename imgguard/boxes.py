"""Rectangles of a picture: where faces are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A half-open rectangle in float pixels: x1 <= x < x2, y1 <= y < y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for an empty box."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def side(self) -> float:
        """The smaller of width and height: the size that says how much of a face there is to see."""
        return min(self.width, self.height)

    @property
    def center(self) -> tuple[float, float]:
        """The middle, (x, y)."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def overlap(self, other: BoundingBox) -> float:
        """The area that both have in common, in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: BoundingBox) -> float:
        """Intersection over union, 0 to 1.

        >>> BoundingBox(0, 0, 10, 10).iou(BoundingBox(5, 0, 15, 10))
        0.3333333333333333
        """
        common = self.overlap(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0

    def grown(self, share: float) -> Self:
        """The box with a margin on each side, as a share of its smaller side."""
        margin = share * self.side
        return type(self)(self.x1 - margin, self.y1 - margin, self.x2 + margin, self.y2 + margin)

    def holds(self, point: tuple[float, float]) -> bool:
        """Say whether a point (x, y) lies inside."""
        return self.x1 <= point[0] < self.x2 and self.y1 <= point[1] < self.y2

    def clipped(self, size: tuple[int, int]) -> Self:
        """The part of it inside a picture of `size` (width, height)."""
        width, height = size
        x1, x2 = (min(max(x, 0.0), width) for x in (self.x1, self.x2))
        y1, y2 = (min(max(y, 0.0), height) for y in (self.y1, self.y2))
        return type(self)(x1, y1, x2, y2)
