"""Files in the idx format: two zeros, a type, the number of dimensions, big-endian int32 lengths, values."""

import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.files import MAX_BYTES, as_path

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
        If it is no idx file, is damaged, or holds more than 1 GiB. The message names it.
    """
    path = as_path(path)
    data = path.read_bytes()
    try:
        return parse(decompressed(data, MAX_BYTES))
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{path} is not an idx file, or is damaged: {error}") from error


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
    """Decompress gzip data, or zlib.error; return other data as it is. Empty beyond `limit` bytes."""
    if data[:2] == b"\x1f\x8b":
        decompressor = zlib.decompressobj(wbits=31)  # twice as fast as the gzip module
        data = decompressor.decompress(data, limit + 1)
        if len(data) <= limit and not decompressor.eof:
            raise zlib.error("its end is missing")
    return data if len(data) <= limit else b""
