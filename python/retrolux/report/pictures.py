"""The static pictures of the report, each for a desk and for a phone."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from retrolux.plot import draw_panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from retrolux.plot import Panel

__all__ = ["Picture", "Rendered", "picture_of_panels"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Of its files.
    alt : str
        What it shows, for those who cannot see it.
    caption : str
        What to see in it.
    wide : Figure
        For a desk, and for the files.
    narrow : sequence of Figure
        For a phone, below each other; empty where the wide one is to be scrolled.
    page_format : {"svg", "webp"}
        How the page has it: webp for what is an image rather than lines.
    """

    name: str
    alt: str
    caption: str
    wide: Figure
    narrow: Sequence[Figure] = ()
    page_format: Literal["svg", "webp"] = "svg"

    def render(self) -> Rendered:
        """Draw everything."""
        files = {kind: _drawn(self.wide, kind) for kind in dict.fromkeys(("png", "svg", self.page_format))}
        return Rendered(self, files, [_drawn(figure, self.page_format) for figure in self.narrow])


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture as files.

    Attributes
    ----------
    picture : Picture
    wide : dict of str to bytes
        The wide figure in every format.
    narrow : sequence of bytes
        The narrow ones in that of the page.
    """

    picture: Picture
    wide: dict[str, bytes]
    narrow: Sequence[bytes]


def picture_of_panels(name: str, alt: str, caption: str, panels: Sequence[Panel], columns: int = 2) -> Picture:
    """Return panels as a picture, in one column on a phone."""
    return Picture(name, alt, caption, draw_panels(panels, columns), [draw_panels(panels, 1)])


def _drawn(figure: Figure, kind: str) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format=kind, dpi=120)
    figure.set_layout_engine("none")  # the layout stays as it was found
    return image.getvalue()
