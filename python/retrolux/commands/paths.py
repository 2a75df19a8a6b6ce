"""Paths, as the command line gives them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from tyro.constructors import PrimitiveConstructorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["File", "Folder", "OptionalFile", "OptionalFolder", "to_path"]


def to_path(text: str) -> Path:
    """Return a path.

    Raises
    ------
    ValueError
        When it is empty, which a `Path` would take for the folder that the command runs in.
    """
    if not text:
        raise ValueError("a path must not be empty: write . for the folder that you are in")
    return Path(text)


def _spec(metavar: str) -> PrimitiveConstructorSpec[Any]:
    def read(texts: Sequence[str]) -> Path:
        return to_path(texts[0])

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=read,
        is_instance=lambda value: value is None or isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )


Folder: TypeAlias = Annotated[Path, _spec("FOLDER")]
File: TypeAlias = Annotated[Path, _spec("FILE")]
OptionalFolder: TypeAlias = Annotated[Path | None, _spec("FOLDER")]
OptionalFile: TypeAlias = Annotated[Path | None, _spec("FILE")]
