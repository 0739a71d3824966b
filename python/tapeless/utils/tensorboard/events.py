# Event files of TensorBoard, written without a package: scalars, histograms, texts, images.
"""What SummaryWriter writes with where tensorboardX is not installed.

An event file is a row of records; each holds its length, the length's checksum, the bytes of a message and their
checksum (CRC-32C as in RFC 3720, rotated and moved by a constant). The messages are in the wire format of Protocol
Buffers, whose fields' numbers are those of TensorBoard's event.proto, summary.proto and tensor.proto.
"""

from __future__ import annotations

import functools
import os
import socket
import struct
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SummaryWriter"]


@functools.cache
def _table() -> list[int]:
    rows = list(range(256))
    for _ in range(8):
        rows = [(row >> 1) ^ (0x82F63B78 if row & 1 else 0) for row in rows]
    return rows


def _checksum(text: bytes) -> bytes:
    crc, table = 0xFFFFFFFF, _table()
    for byte in text:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + _checksum(length) + message + _checksum(message)


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """One field: an int as a varint, a float as 8 bytes, a text, bytes or a message with its length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    text = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(text)) + text


def _single(number: int, value: float) -> bytes:
    import numpy as np  # Rounds past float32's range to infinity, where `struct` raises.

    with np.errstate(over="ignore"):
        return _varint(number << 3 | 5) + np.asarray(value).astype("<f4").tobytes()


def _packed(number: int, values: Any) -> bytes:
    import numpy as np

    return _field(number, np.asarray(values, "<f8").tobytes())


def _histogram(values: Any, bins: Any) -> bytes:
    """HistogramProto: `bins` of np.histogram; the default's limits grow by a tenth each, on both sides of 0."""
    import numpy as np

    x = np.asarray(values, np.float64).reshape(-1)
    if x.size == 0:
        raise ValueError("The input has no element.")
    if isinstance(bins, str) and bins == "tensorflow":
        positive = 1e-12 * 1.1 ** np.arange(775)
        bins = np.concatenate([-positive[::-1], [0.0], positive])
    counts, limits = np.histogram(x, bins)
    filled = np.flatnonzero(counts)
    first, last = (filled[0], filled[-1]) if filled.size else (0, 0)
    numbers = (x.min(), x.max(), float(x.size), x.sum(), np.dot(x, x))
    parts = [_field(place, float(number)) for place, number in enumerate(numbers, 1)]
    kept = np.concatenate([[0], counts[first : last + 1]])  # An empty bucket shows where the first one begins.
    return b"".join(parts) + _packed(6, limits[first : last + 2]) + _packed(7, kept)


def _png(pixels: np.ndarray) -> bytes:
    """An image of sizes (H, W, C) as PNG (ISO/IEC 15948), each row without a filter."""

    def chunk(kind: bytes, text: bytes) -> bytes:
        return struct.pack(">I", len(text)) + kind + text + struct.pack(">I", zlib.crc32(kind + text))

    height, width, channels = pixels.shape
    colors = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, colors, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _image(values: Any, formats: str) -> bytes:
    """Summary.Image of an array whose axes `formats` names: H, W and perhaps C."""
    import numpy as np

    x = np.asarray(values)
    axes = formats.upper()
    if len(axes) != x.ndim or set(axes) - {"C"} != {"H", "W"}:
        raise ValueError(f"size of input tensor and input format are different: {x.shape} and {formats}")
    x = x[..., None] if "C" not in axes else x.transpose([axes.index(name) for name in "HWC"])
    pixels = x if x.dtype == np.uint8 else np.clip(x * 255.0, 0, 255).astype(np.uint8)
    height, width, channels = pixels.shape
    sizes = _field(1, height) + _field(2, width) + _field(3, channels)
    return sizes + _field(4, _png(np.ascontiguousarray(pixels)))


class SummaryWriter:
    """Writes an event file into `logdir`; takes numbers and arrays, never tensors.

    ModuleNotFoundError, which names tensorboardX, where that package alone can write what is asked for.
    """

    def __init__(
        self,
        logdir: str | None,
        comment: str,
        purge_step: int | None,
        max_queue: int,
        flush_secs: float,
        filename_suffix: str = "",
    ) -> None:
        if not logdir:
            logdir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S_") + socket.gethostname() + comment)
        self.logdir = logdir
        self.file_writer = self
        self._settings = (max_queue, flush_secs, filename_suffix)
        self._waiting = 0
        self._flushed = time.monotonic()
        self._curves: dict[str, SummaryWriter] = {}
        os.makedirs(logdir, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}.{id(self)}{filename_suffix}"
        self._file = open(os.path.join(logdir, name), "wb")
        self._event(_field(3, "brain.Event:2"), None, None)
        if purge_step is not None:
            self._event(_field(7, _field(1, 2)), purge_step, None)  # A session that starts anew at that step.
        self.flush()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("add_"):
            raise AttributeError(name)
        raise ModuleNotFoundError(
            f"SummaryWriter.{name} needs the package tensorboardX, which is not installed: pip install tensorboardX",
            name="tensorboardX",
        )

    def _event(self, content: bytes, step: Any, walltime: float | None) -> None:
        if self._file.closed:
            self._file = open(self._file.name, "ab")
        stamp = _field(1, float(time.time() if walltime is None else walltime))
        self._file.write(_record(stamp + _field(2, int(step or 0)) + content))
        self._waiting += 1
        if self._waiting > self._settings[0] or time.monotonic() - self._flushed > self._settings[1]:
            self.flush()

    def _value(self, tag: str, content: bytes, step: Any, walltime: float | None) -> None:
        self._event(_field(5, _field(1, _field(1, tag) + content)), step, walltime)

    def add_scalar(self, tag: str, value: float, step: Any = None, walltime: float | None = None) -> None:
        """One number of a curve."""
        self._value(tag, _single(2, value), step, walltime)

    def add_scalars(self, tag: str, values: dict[str, float], step: Any = None, walltime: float | None = None) -> None:
        """Numbers of several curves, each in a folder of its own: TensorBoard shows them in one chart."""
        for name, value in values.items():
            folder = os.path.join(self.logdir, tag.replace("/", "_") + "_" + name)
            if folder not in self._curves:
                queue, seconds, suffix = self._settings
                self._curves[folder] = SummaryWriter(folder, "", None, queue, seconds, filename_suffix=suffix)
            self._curves[folder].add_scalar(tag, value, step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are distributed."""
        self._value(tag, _field(5, _histogram(values, bins)), step, walltime)

    def add_image(
        self, tag: str, values: Any, step: Any = None, walltime: float | None = None, formats: str = "CHW"
    ) -> None:
        """An image: uint8 from 0 to 255, or floats from 0 to 1."""
        self._value(tag, _field(4, _image(values, formats)), step, walltime)

    def add_text(self, tag: str, text: str, step: Any = None, walltime: float | None = None) -> None:
        """A text, which TensorBoard reads as Markdown."""
        plugin = _field(9, _field(1, _field(1, "text")))
        tensor = _field(1, 7) + _field(2, _field(2, _field(1, 1))) + _field(8, text)  # One string: sizes (1,).
        self._value(tag + "/text_summary", plugin + _field(8, tensor), step, walltime)

    def flush(self) -> None:
        """Writes what waits to the disk."""
        for curve in self._curves.values():
            curve.flush()
        if not self._file.closed:
            self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        for curve in self._curves.values():
            curve.close()
        self._file.close()
