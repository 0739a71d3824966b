# The zip archives that PyTorch's files are: records stored as they are, their bytes at multiples of 64.
"""`Writer` and `Reader` of archives (PKWARE's APPNOTE, the part that PyTorch uses).

The writer's archives are PyTorch's byte for byte, but for the record `.data/serialization_id`. The reader takes nothing
on trust: records that overlap, reach outside of the file, are compressed or appear twice are errors before anything
is read.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import zipfile
import zlib
from typing import Any

ALIGNMENT = 64
LARGEST = 0xFFFFFFFF  # What does not fit 32 bits gets fields of 64.
_FLAGS, _SIZES_FOLLOW = 0x0800, 0x0008  # Names are UTF-8; sizes follow the data, if there is any.
_BROKEN = (
    "PytorchStreamReader failed reading zip archive: {}. The file is corrupted: it was not saved or transferred to its "
    "end"
)


def _in_32_bits(number: int) -> int:
    """The number, or the mark that says that it stands in 64 bits elsewhere."""
    return number if number < LARGEST else 0xFFFFFFFF


class Writer:
    """Writes records one after the other; `close` writes the directory."""

    def __init__(self, write: Any, prefix: str, checksums: bool = True) -> None:
        self._write, self._prefix, self._checksums = write, prefix, checksums
        self._at = 0
        self._directory: list[bytes] = []
        self._digest = hashlib.sha256()

    def _put(self, data: Any) -> None:
        self._write(data)
        self._at += len(data)

    def record(self, name: str, data: bytes) -> None:
        """Adds one record, its data at the next multiple of 64."""
        start, size = self._at, len(data)
        crc = zlib.crc32(data) if self._checksums else 0
        flags = _FLAGS | _SIZES_FOLLOW * bool(size)
        path = f"{self._prefix}/{name}".encode()
        wide = struct.pack("<QQ", size, size) if size >= LARGEST else b""
        if start >= LARGEST:
            wide += struct.pack("<Q", start)
        extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
        used = start + 30 + len(path) + len(extra) + 4
        padding = -used % ALIGNMENT
        filler = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        header = struct.pack("<4s5H3I2H", b"PK\3\4", 0, flags, 0, 0, 0, 0, 0, 0, len(path), len(extra) + len(filler))
        self._put(header + path + extra + filler)
        if size:
            self._put(data)
            self._put(struct.pack("<4sI" + ("QQ" if extra else "II"), b"PK\7\10", crc, size, size))
        self._list(path, extra, flags, crc, size, start)
        self._digest.update(path + struct.pack("<I", crc))

    def _list(self, path: bytes, extra: bytes, flags: int, crc: int, size: int, start: int) -> None:
        small, at = _in_32_bits(size), _in_32_bits(start)
        fields = (0, 0, flags, 0, 0, 0, crc, small, small, len(path), len(extra), 0, 0, 0, 0, at)
        self._directory.append(struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields) + path + extra)

    def identity(self) -> bytes:
        """Forty digits that follow from the records so far."""
        return str(int.from_bytes(self._digest.digest(), "little")).rjust(40, "0")[-40:].encode()

    def close(self) -> None:
        """Writes the directory and its ends."""
        start, count = self._at, len(self._directory)
        directory = b"".join(self._directory)
        self._put(directory)
        end, size = self._at, len(directory)
        self._put(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 0x031E, 45, 0, 0, count, count, size, start))
        self._put(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        few = min(count, 0xFFFF)
        self._put(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, few, few, _in_32_bits(size), _in_32_bits(start), 0))


class Reader:
    """Gives out the records of an archive in a seekable file."""

    def __init__(self, file: Any) -> None:
        self._file = file
        try:
            entries = zipfile.ZipFile(file).infolist()
        except (
            zipfile.BadZipFile,
            EOFError,
            OSError,
            ValueError,
            struct.error,
            UnicodeDecodeError,
            NotImplementedError,
        ) as e:
            raise RuntimeError(_BROKEN.format(f"failed finding central directory ({e})")) from None
        file.seek(0, 2)
        self._length = file.tell()
        self._places: dict[str, tuple[int, int, int]] = {}
        self._check(entries)

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        if not entries:
            raise RuntimeError(_BROKEN.format("it holds no record"))
        prefix = entries[0].filename.partition("/")[0] + "/"
        end = 0
        if min(entry.header_offset for entry in entries) != 0:
            raise RuntimeError(
                _BROKEN.format("the archive of the directory begins elsewhere: are there two in one file?")
            )
        for entry in sorted(entries, key=lambda one: one.header_offset):
            name = entry.filename
            if not name.startswith(prefix) or "\\" in name or ".." in name.split("/"):
                raise RuntimeError(_BROKEN.format(f"record {name!r} is not within {prefix!r}"))
            start = self._start(entry)
            if entry.header_offset < end or start + entry.file_size > self._length:
                raise RuntimeError(_BROKEN.format(f"record {name!r} overlaps another or reaches beyond the file"))
            end = start + entry.file_size
            key = name.removeprefix(prefix)
            if key in self._places:
                raise RuntimeError(_BROKEN.format(f"record {name!r} is there twice"))
            self._places[key] = (start, entry.file_size, entry.CRC)

    def _start(self, entry: zipfile.ZipInfo) -> int:
        """Where an entry's data begins."""
        name = entry.filename
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise RuntimeError(_BROKEN.format(f"record {name!r} is compressed; PyTorch stores records as they are"))
        if entry.flag_bits & 1:
            raise RuntimeError(_BROKEN.format(f"record {name!r} is encrypted"))
        self._file.seek(entry.header_offset)
        header = self._file.read(30)
        if len(header) < 30 or header[:4] != b"PK\3\4":
            raise RuntimeError(_BROKEN.format(f"record {name!r} has no header"))
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        if self._file.read(name_length) != entry.orig_filename.encode():
            raise RuntimeError(_BROKEN.format(f"record {name!r} has another name in its header"))
        return entry.header_offset + 30 + name_length + extra_length

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def place(self, name: str) -> tuple[int, int]:
        """Where a record's data begins, and its size."""
        if name not in self._places:
            raise RuntimeError(_BROKEN.format(f"file not found: record {name!r}"))
        return self._places[name][:2]

    def read(self, name: str) -> bytes:
        """A record's data; RuntimeError where its check sum is another."""
        start, size = self.place(name)
        self._file.seek(start)
        data = self._file.read(size)
        if len(data) != size:
            raise RuntimeError(_BROKEN.format(f"record {name!r} ends early"))
        crc = self._places[name][2]
        if crc and zlib.crc32(data) != crc:
            raise RuntimeError(_BROKEN.format(f"record {name!r} has another check sum than it was saved with"))
        return data


def mapped(path: Any, shared: bool) -> mmap.mmap:
    """A file's bytes as memory: writes stay private unless `shared`."""
    with open(path, "r+b" if shared else "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY)
