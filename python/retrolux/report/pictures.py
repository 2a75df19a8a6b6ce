"""The static pictures of the report, each for a desk and for a phone."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PIL import Image

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
        draw = {"svg": _svg, "webp": lambda figure: _webp(_png(figure))}[self.page_format]
        png, svg = _png(self.wide), _svg(self.wide)
        return Rendered(self, png, svg, svg if self.page_format == "svg" else _webp(png), list(map(draw, self.narrow)))


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture as files.

    Attributes
    ----------
    picture : Picture
    png, svg : bytes
        The wide figure for the files.
    wide : bytes
        The wide figure in the format of the page.
    narrow : sequence of bytes
        The narrow ones in that format.
    """

    picture: Picture
    png: bytes
    svg: bytes
    wide: bytes
    narrow: Sequence[bytes]


def picture_of_panels(name: str, alt: str, caption: str, panels: Sequence[Panel], columns: int = 2) -> Picture:
    """Return panels as a picture, in one column on a phone."""
    return Picture(name, alt, caption, draw_panels(panels, columns), [draw_panels(panels, 1)])


def _png(figure: Figure) -> bytes:
    return _drawn(figure, "png")


def _svg(figure: Figure) -> bytes:
    return _drawn(figure, "svg")


def _webp(png: bytes) -> bytes:
    image = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(image, format="webp", quality=80)
    return image.getvalue()


def _drawn(figure: Figure, kind: str) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format=kind, dpi=120)
    figure.set_layout_engine("none")  # the layout stays as it was found
    return image.getvalue()
