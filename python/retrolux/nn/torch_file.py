"""Files of `torch.save` that hold tensors and plain values, read without trusting anything they say.

`torch.load` with ``weights_only=True`` runs no code that a file names. But it hashes whatever a file calls a key,
unpacks whatever was compressed, and believes how many numbers a record has. This module checks all of that first.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import torch

from retrolux.plain_pickle import Record, read_pickle

__all__ = ["load_tensors"]

_RECORDS = 100_000
# Bytes of a number, by the name of its storage.
_SIZES = {
    "ByteStorage": 1, "CharStorage": 1, "BoolStorage": 1, "ShortStorage": 2, "HalfStorage": 2, "BFloat16Storage": 2,
    "IntStorage": 4, "FloatStorage": 4, "LongStorage": 8, "DoubleStorage": 8, "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
}  # fmt: skip


def load_tensors(content: bytes) -> Any:
    """Return what `torch.save` wrote: tensors on the CPU, numbers, texts, lists, tuples and dictionaries.

    Raises
    ------
    ValueError
        When the file is damaged, holds anything else, or is larger unpacked than packed.
    """
    checked = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(checked, "w") as copy:
            _check(archive, len(content))
            # Torch finds the records of a ZIP file by code of its own, and might find others in a forged one.
            for record in archive.infolist():
                copy.writestr(record.filename, archive.read(record))
        checked.seek(0)
        return torch.load(checked, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever zipfile and torch raise on what is none of their files
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from error


def _check(archive: zipfile.ZipFile, most: int) -> None:
    """Check the records of a file, and the pickle that puts them together."""
    records = archive.infolist()
    if len(records) > _RECORDS or len({record.filename for record in records}) < len(records):
        raise ValueError(f"it must have at most {_RECORDS} records, each once, got {len(records)}")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("its records must not be compressed")
    if sum(record.file_size for record in records) > most:
        raise ValueError(f"its records must fit into its {most} bytes")
    sizes = {record.filename: record.file_size for record in records}
    pickles = [name for name in sizes if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError("it must have one data.pkl")
    folder = pickles[0].partition("/")[0]

    def storage(described: Any) -> Record:
        if not isinstance(described, tuple) or len(described) != 5 or type(described[2]) is not str:
            raise ValueError("it asks for an object that is no storage of numbers")
        kind, size, key, _, count = described
        if kind != "storage" or type(size) is not int or type(count) is not int:
            raise ValueError("it asks for an object that is no storage of numbers")
        found = sizes.get(f"{folder}/data/{key}")
        if found is None or not 0 <= size * count <= found:
            raise ValueError(f"the record {key[:60]} has {found} bytes, and must have {size * count}")
        return Record()

    read_pickle(archive.read(pickles[0]), _CALLS, "tensors", storage)


class _Tensor(Record):
    def __init__(self, *_arguments: object) -> None:
        """Take nothing: torch will check that size and stride stay within the storage."""


class _Ordered(dict[Any, Any], Record):
    def __init__(self, *arguments: object) -> None:
        if arguments:
            raise ValueError("an ordered dictionary must be made empty")

    def set_state(self, state: object) -> None:
        """Take the attributes of a state dict, but none that would replace a method."""
        if not isinstance(state, dict) or state.keys() - {"_metadata"}:
            raise ValueError("an ordered dictionary must have _metadata alone")
        versions = state.get("_metadata", {})
        if not isinstance(versions, dict) or not all(isinstance(value, dict) for value in versions.values()):
            raise ValueError("the _metadata of a state dict must be dictionaries")


_CALLS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Ordered,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    **{("torch", name): size for name, size in _SIZES.items()},
}
