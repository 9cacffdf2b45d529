"""Files in the idx format: two zeros, a type, the number of dimensions, big-endian int32 lengths, values."""

import gzip
import io
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.files import MAX_BYTES, existing_file

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an idx file, compressed with gzip or not.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    array
        Of the file's shape and type, in the machine's byte order: (n, rows, columns) uint8 for images, (n,)
        uint8 for labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no idx file, is damaged, or is compressed and holds more than 1 GiB. The message names it.
    """
    try:
        data = existing_file(path).read_bytes()
        content = decompressed(data, MAX_BYTES)
        if content or not data:
            return parse(content)
    except ValueError as error:
        raise ValueError(f"{path} is not an idx file, or is damaged: {error}") from error
    raise ValueError(f"{path} holds more than {MAX_BYTES} bytes: decompress it first, as gzip -d does")


def parse(content: bytes) -> NDArray[Any]:
    """Parse the content of an idx file; ValueError if it is none."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise ValueError("it does not begin with two zeros and a type")
    dtype, dimensions = np.dtype(TYPES[content[2]]), content[3]
    begin = 4 + 4 * dimensions
    if len(content) < begin:
        raise ValueError("its header is cut")
    shape = np.frombuffer(content, dtype=">i4", count=dimensions, offset=4).tolist()
    if min(shape, default=0) < 0 or len(content) != begin + prod(shape) * dtype.itemsize:
        raise ValueError(f"it has {len(content)} bytes, which does not fit the shape {tuple(shape)}")
    return np.frombuffer(content, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))


def decompressed(data: bytes, limit: int) -> bytes:
    """All members of gzip data, empty beyond `limit` bytes, or ValueError; other data as it is."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(data)).read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"its compressed data are cut or damaged: {error}") from error
    return content if len(content) <= limit else b""
