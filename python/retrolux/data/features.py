"""From the pixels of an image to the amplitudes of the modes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["area_means", "block_side", "fourier_block", "grid_shape", "unit_mean_modulus", "unit_power"]

# Images that are in memory as complex64 at the same time: 4096 of 28 × 28 are 26 MB.
_CHUNK = 4096


def fourier_block(images: Tensor, modes: int) -> Tensor:
    """Return the lowest spatial frequencies of each image, ``fftshift(fft2(image))`` cut to a centred block.

    For side k = √modes the block holds the frequencies −⌊k/2⌋ … ⌈k/2⌉ − 1 of both axes, row by row; of a
    28 × 28 image and 64 modes these are rows and columns 10…17 (Pai et al., Science 380, 398 (2023), MNIST).

    Parameters
    ----------
    images : Tensor of real numbers, shape (samples, height, width)
        Pixel values.
    modes : int
        Size of the block, a square number.

    Returns
    -------
    Tensor of complex64, shape (samples, modes)

    Raises
    ------
    ValueError
        When `modes` is no square number or the block is larger than the image.
    """
    height, width = images.shape[1:]
    side = block_side(modes, min(height, width))
    down, across = _fourier_rows(height, side), _fourier_rows(width, side)
    blocks = []
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK].to(torch.complex64)
        blocks.append((down @ chunk @ across.T).flatten(1))
    return torch.cat(blocks)


def block_side(modes: int, pixels: int) -> int:
    """Return k for a k × k block of `modes` frequencies of an image with `pixels` on its shorter side.

    Raises
    ------
    ValueError
        When `modes` is no square number or the block is larger than the image.
    """
    side = math.isqrt(max(modes, 0))
    if side * side != modes or not 1 <= side <= pixels:
        raise ValueError(
            f"modes must be a square number k*k with k from 1 to {pixels} for Fourier features, got {modes}"
        )
    return side


def area_means(images: Tensor, modes: int) -> Tensor:
    """Resample each image to `modes` cells, each the mean of the area it covers.

    The cells form the grid of `grid_shape`, read row by row. A pixel on the border between cells counts in
    each by the area inside, so the mean of the image is kept and a grid as fine as the image returns it.

    Parameters
    ----------
    images : Tensor of real numbers, shape (samples, height, width)
        Pixel values.
    modes : int
        Number of cells, ≥ 1.

    Returns
    -------
    Tensor of float32, shape (samples, modes)

    Raises
    ------
    ValueError
        When `modes` is less than 1.
    """
    rows, columns = grid_shape(modes)
    down, across = _overlaps(images.shape[1], rows), _overlaps(images.shape[2], columns)
    return (down @ images.to(torch.float32) @ across.T).flatten(1)


def grid_shape(modes: int) -> tuple[int, int]:
    """Return the (rows, columns) of the grid of `modes` cells that is closest to a square, rows ≤ columns.

    Raises
    ------
    ValueError
        When `modes` is less than 1.
    """
    if modes < 1:
        raise ValueError(f"modes must be at least 1, got {modes}")
    rows = next(r for r in range(math.isqrt(modes), 0, -1) if modes % r == 0)
    return rows, modes // rows


def unit_power(fields: Tensor) -> Tensor:
    """Scale each sample, shape (samples, modes), to Σ|x|² = 1 over its modes.

    Raises
    ------
    ValueError
        When a sample is dark.
    """
    return _scaled(fields, fields.abs().square().sum(dim=1, keepdim=True).sqrt())


def unit_mean_modulus(fields: Tensor) -> Tensor:
    """Scale each sample, shape (samples, modes), to a mean |x| of 1 over its modes.

    Raises
    ------
    ValueError
        When a sample is dark.
    """
    return _scaled(fields, fields.abs().mean(dim=1, keepdim=True))


def _scaled(fields: Tensor, sizes: Tensor) -> Tensor:
    dark = (sizes.flatten() == 0).nonzero()
    if len(dark):
        raise ValueError(f"image {int(dark[0])} is dark: it has no light to normalise")
    return fields / sizes


def _fourier_rows(pixels: int, side: int) -> Tensor:
    """Return the `side` lowest rows of the Fourier matrix, exp(−2πi·frequency·pixel/pixels), as complex64."""
    frequencies = torch.arange(-(side // 2), side - side // 2, dtype=torch.float64, device="cpu")
    angles = torch.outer(frequencies, torch.arange(pixels, dtype=torch.float64, device="cpu")) * (-2 * math.pi / pixels)
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


def _overlaps(pixels: int, cells: int) -> Tensor:
    """Return the share of each cell that each pixel covers, shape (cells, pixels), rows of sum 1."""
    edges = torch.arange(cells + 1, dtype=torch.float64, device="cpu") * pixels / cells
    left = torch.arange(pixels, dtype=torch.float64, device="cpu")
    covered = torch.minimum(edges[1:, None], left + 1) - torch.maximum(edges[:-1, None], left)
    return (covered.clamp(min=0) * cells / pixels).to(torch.float32)
