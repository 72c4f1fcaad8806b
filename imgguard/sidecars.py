"""Know the files that lie beside photos: none of them is ever copied, each is listed with what it may tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

# Folders that programs make among photos, with copies of them; they are listed as one and not looked into.
_FOLDERS = {
    "@eadir": "thumbnails made by a Synology server: uncovered copies",
    ".thumbnails": "thumbnails: uncovered copies",
    ".picasaoriginals": "photos as they were before Picasa changed them: uncovered copies",
    ".dtrash": "photos deleted in digiKam: uncovered copies",
    ".trashes": "deleted files of a Mac: uncovered copies",
    "__macosx": "a Mac's notes about files: where they come from, tags",
}
_NAMES = {
    "thumbs.db": "Windows' thumbnails: uncovered copies",
    "ehthumbs.db": "Windows' thumbnails: uncovered copies",
    ".ds_store": "a Mac's notes about a folder: names of files",
    "desktop.ini": "Windows' notes about a folder",
    ".picasa.ini": "Picasa's notes: names of people with their faces",
    "picasa.ini": "Picasa's notes: names of people with their faces",
    "metadata.json": "Google's notes about an album: names and places",
    "albumdata.xml": "iPhoto's notes: names of people, albums",
}
_SUFFIXES = {
    ".xmp": "notes of a photo program: names, places, edits",
    ".aae": "edits made on an iPhone, with times",
    ".thm": "a thumbnail: an uncovered copy",
    ".lrv": "a small copy of a video: uncovered people",
    ".pp3": "edits made in RawTherapee, with names of files",
    ".dop": "edits made in DxO, with names of files",
    ".cos": "edits made in Capture One, with names of files",
    ".gpx": "a track: places and times",
    ".kml": "a track: places and times",
    ".nmea": "a track: places and times",
}
_LIVE_PHOTO = "the video of a live photo: uncovered people and their voices"
_VOICE = "a sound recorded with a photo: voices"
_TAKEOUT = "Google's notes about a photo: names, places, times"
_RESOURCES = "a Mac's notes about a file: where it comes from, tags"
_VIDEOS, _SOUNDS = {".mov", ".mp4", ".mp"}, {".wav", ".m4a"}
# iPhones give the video of a live photo this ending when it is exported in two formats.
_HEVC = re.compile(r"_hevc$")


@dataclass(frozen=True, slots=True)
class Aside:
    """A file or folder that is left where it is, and what it is."""

    path: Path
    what: str

    def __str__(self) -> str:
        """Name the file first."""
        return f"{self.path}: {self.what}" if self.what else str(self.path)


def is_aside_folder(name: str) -> bool:
    """Say whether a folder of this name is one that programs make among photos."""
    return name.lower() in _FOLDERS


def sidecar(path: Path, neighbours: Collection[str]) -> Aside | None:
    """Tell what lies beside photos by its name; None for what may be a photo, or anything else.

    Args:
        path: A file or folder.
        neighbours: The stems of the photos in the same folder, as `stems` gives them.

    >>> sidecar(Path("IMG_1.MOV"), stems(["IMG_1.HEIC", "IMG_1.MOV"], {".heic"})).what
    'the video of a live photo: uncovered people and their voices'
    """
    name, suffix = path.name.lower(), path.suffix.lower()
    what = _NAMES.get(name) or _SUFFIXES.get(suffix) or _FOLDERS.get(name)
    if name.startswith("._"):
        what = _RESOURCES
    elif suffix in _VIDEOS and _HEVC.sub("", path.stem.lower()) in neighbours:
        what = _LIVE_PHOTO
    elif suffix in _SOUNDS and path.stem.lower() in neighbours:
        what = _VOICE
    elif suffix == ".json" and not what and _is_takeout(path.stem.lower(), neighbours):
        what = _TAKEOUT
    return Aside(path, what) if what else None


def stems(names: Iterable[str], suffixes: Collection[str]) -> frozenset[str]:
    """Collect the names of photos without their endings, in small letters."""
    paths = [Path(name.lower()) for name in names if not name.startswith("._")]
    return frozenset(path.stem for path in paths if path.suffix in suffixes)


def _is_takeout(stem: str, neighbours: Collection[str]) -> bool:
    """Know IMG_1.jpg.json, IMG_1.json and IMG_1.jpg.supplemental-metadata.json, whose tail Google cuts off anywhere."""
    first, _, tail = stem.rpartition(".")
    cut = "supplemental-metadata".startswith(re.sub(r"\(\d+\)$", "", tail)) and bool(first)
    return stem in neighbours or cut or Path(stem).stem in neighbours
