"""Read ID photos inside of a zip, where they lie: nothing is unpacked, and nothing in it is believed.

A zip comes by mail or from a web site. Its names may lead anywhere, its sizes may lie, and a few kilobytes may
hold gigabytes. So names are only ever compared, never opened as paths; sizes are bounded before and while reading.
"""

from __future__ import annotations

import io
import stat
import unicodedata
import weakref
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from consent.roster import Finding
from imgguard.errors import PhotoBroken, SetupError
from imgguard.portrait_files import Stored

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 4 * 2**30
# Pictures are compressed already, so a zip can hardly make them smaller; a bitmap of one colour is the exception.
MAX_RATIO = 100
_RATIO_COUNTS_FROM = 2**20
# An entry of the directory has 46 bytes, a name and extra fields (APPNOTE 6.3.10, 4.3.12).
_MOST_DIRECTORY_BYTES = 8 * 2**20
_CHUNK = 2**20
_MAGIC = (b"PK\3\4", b"PK\5\6")
# APPNOTE 4.4.4: encrypted, strongly encrypted, directory encrypted.
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_NESTED = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz"}
_LITTER = {"thumbs.db", "desktop.ini"}
_REMEDY = "Export it again, or unpack it and give the folder."


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source.

    Attributes:
        files: In the order in which they are used.
        doubled: Places, as `place_key` gives them, that more than one file claims.
        findings: What is not used, and why.
        remarks: What is only worth knowing.
    """

    files: tuple[Stored, ...]
    doubled: frozenset[tuple[str, ...]] = frozenset()
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def place_key(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Give what two ways of writing one place have in common: no capitals, letters composed."""
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in parts)


def is_zip(path: Path) -> bool:
    """Say whether a file is a zip, or is called one."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _MAGIC
    except OSError:
        return False


def list_zip(path: Path) -> Listing:
    """List the files inside of a zip that may be read; what may not is a finding.

    Raises:
        SetupError: if it is no zip, is damaged, or holds more than any school has.
    """
    archive = _open(path)
    members = [_Member(archive, path, info) for info in archive.infolist() if not _is_folder(info)]
    litter = [member for member in members if _is_litter(member)]
    findings, usable = [], []
    for member in members:
        if member in litter:
            continue
        if fault := _fault(member):
            findings.append(Finding(_shown(path, member), None, f"not used: {fault}"))
        else:
            usable.append(member)
    _check_sizes(path, usable)
    counts = Counter(place_key(member.parts) for member in usable)
    doubled = frozenset(place for place, count in counts.items() if count > 1)
    first = {place_key(member.parts): member for member in reversed(usable)}
    return Listing(tuple(first.values())[::-1], doubled, tuple(findings), tuple(_litter_told(path, len(litter))))


def _check_sizes(path: Path, members: list[_Member]) -> None:
    total = sum(member.info.file_size for member in members)
    if total > MAX_TOTAL_BYTES:
        raise SetupError(f"{path}: holds {total / 2**30:.1f} GB, more than ID photos have", "Give a smaller zip.")
    # Files that lie over each other make a small zip grow beyond every ratio (Fifield, A better zip bomb, 2019).
    if sum(member.info.compress_size for member in members) > path.stat().st_size:
        raise SetupError(f"{path}: its files would have more bytes than it has itself", _REMEDY)


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A file inside of a zip; see `imgguard.portrait_files.Stored`."""

    archive: zipfile.ZipFile
    zip_path: Path
    info: zipfile.ZipInfo

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in self.info.filename.replace("\\", "/").split("/") if part not in ("", "."))

    @property
    def path(self) -> Path:
        return self.zip_path.joinpath(*self.parts)

    def read(self) -> bytes:
        try:
            with self.archive.open(self.info) as stream:
                content = b"".join(_chunks(stream))
        except Exception as error:  # Damaged bytes make zipfile and zlib raise a dozen kinds.
            what = f"{self.path}: cannot be read from the zip ({str(error)[:80] or type(error).__name__})"
            raise PhotoBroken(what, _REMEDY) from error
        return content


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Read in pieces, and no more than any picture has, whatever the directory of the zip says."""
    left = MAX_MEMBER_BYTES
    while chunk := stream.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise zipfile.BadZipFile(f"more than {MAX_MEMBER_BYTES // 2**20} MB")
        yield chunk


class _Bounded(io.BufferedReader):
    """A file of which no more is read at once than the directory of an honest zip has."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _MOST_DIRECTORY_BYTES
        if size > _MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


def _open(path: Path) -> zipfile.ZipFile:
    if not path.is_file():
        raise SetupError(f"{path}: there is no such file", "Give a folder of ID photos, a zip, or an index.")
    try:
        stream = _Bounded(io.FileIO(path))
    except OSError as error:
        raise SetupError(f"{path}: cannot be read ({error.strerror})", "Allow yourself to read it.") from error
    try:
        archive = zipfile.ZipFile(stream)
    except Exception as error:  # As above.
        stream.close()
        raise SetupError(f"{path}: not a zip that can be read ({str(error)[:80]})", _REMEDY) from error
    # It stays open for as long as a photo of it may still be read.
    weakref.finalize(archive, stream.close)
    if len(archive.infolist()) > MAX_MEMBERS:
        raise SetupError(f"{path}: holds more than {MAX_MEMBERS:,} files", "Give a zip of the ID photos alone.")
    return archive


def _is_folder(info: zipfile.ZipInfo) -> bool:
    # ZipInfo.is_dir fails where the name is empty.
    return info.filename.endswith("/") and not info.file_size


def _is_litter(member: _Member) -> bool:
    """Say whether an operating system left it there: previews, folder settings, resource forks."""
    hidden = any(part.startswith(".") and part != ".." for part in member.parts)
    named = [part.casefold() for part in member.parts]
    return hidden or "__macosx" in named or (bool(named) and named[-1] in _LITTER)


def _litter_told(path: Path, count: int) -> Iterator[Finding]:
    if count:
        files = "1 hidden or system file" if count == 1 else f"{count} hidden or system files"
        yield Finding(path.name, None, f"{files} in it not looked at")


def _shown(path: Path, member: _Member) -> str:
    return f"{path.name}: {member.info.filename[:200]}"


def _fault(member: _Member) -> str | None:
    """Say why a file of a zip is not to be read; None where nothing speaks against it."""
    info = member.info
    name = info.orig_filename.replace("\\", "/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name or not member.parts:
        return "its name leads out of the zip, or nowhere"
    if kind not in (0, stat.S_IFREG):
        return "a link or device, not a file"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted. Unpack the zip with its password and give the folder"
    if info.compress_type not in _COMPRESSIONS:
        return "compressed in a way that is not read. Pack the zip anew"
    if Path(member.parts[-1]).suffix.lower() in _NESTED:
        return "an archive inside of the zip, which is not looked into. Unpack it and give what is in it"
    return _size_fault(info)


def _size_fault(info: zipfile.ZipInfo) -> str | None:
    if info.file_size > MAX_MEMBER_BYTES:
        return f"larger than {MAX_MEMBER_BYTES // 2**20} MB"
    if info.file_size > max(_RATIO_COUNTS_FROM, MAX_RATIO * info.compress_size):
        return f"grows to more than {MAX_RATIO} times its size, as no photo does"
    return None
