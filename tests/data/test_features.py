from __future__ import annotations

import cmath
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrolux.data.features import (
    area_means,
    block_side,
    fourier_block,
    grid_shape,
    unit_mean_modulus,
    unit_power,
)


def spectrum_at(image: torch.Tensor, u: int, v: int) -> complex:
    """Sum one frequency of a discrete Fourier transform, pixel by pixel."""
    height, width = image.shape
    return sum(
        float(image[i, j]) * cmath.exp(-2j * math.pi * (u * i / height + v * j / width))
        for i in range(height)
        for j in range(width)
    )


@pytest.mark.parametrize(("size", "side"), [(28, 8), (28, 3), (9, 4), (8, 8), (5, 1)])
def test_fourier_block_is_the_sum_over_pixels(size: int, side: int) -> None:
    generator = torch.Generator().manual_seed(size)
    images = torch.randint(0, 256, (2, size, size), dtype=torch.uint8, generator=generator)
    block = fourier_block(images, side * side)
    frequencies = range(-(side // 2), side - side // 2)
    expected = torch.tensor([[spectrum_at(image, u, v) for u in frequencies for v in frequencies] for image in images])
    assert block.dtype == torch.complex64
    # float32 sums of size² values of up to 255
    torch.testing.assert_close(block, expected.to(torch.complex64), rtol=0, atol=1e-6 * 255 * size * size)


def test_fourier_block_of_64_modes_is_rows_and_columns_10_to_17() -> None:
    image = torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(0))
    spectrum = torch.fft.fftshift(torch.fft.fft2(image[0]))
    torch.testing.assert_close(fourier_block(image, 64)[0], spectrum[10:18, 10:18].reshape(64))


def test_fourier_block_treats_many_images_like_one() -> None:
    images = torch.rand(4100, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fourier_block(images, 4)[4095:], fourier_block(images[4095:], 4))


@pytest.mark.parametrize("modes", [0, -4, 2, 63, 29 * 29])
def test_block_is_a_square_within_the_image(modes: int) -> None:
    with pytest.raises(ValueError, match=f"square number k\\*k with k from 1 to 28 .*got {modes}"):
        fourier_block(torch.ones(1, 28, 30), modes)
    with pytest.raises(ValueError, match=f"got {modes}"):
        block_side(modes, 28)


def test_area_means_of_a_fine_grid_are_the_pixels() -> None:
    images = torch.rand(3, 4, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(area_means(images, 36), images.flatten(1)) is (grid_shape(36) == (4, 9))
    square = images[:, :, :4]
    assert torch.equal(area_means(square, 16), square.flatten(1))


def test_area_means_of_whole_pixels() -> None:
    image = torch.arange(16.0).reshape(1, 4, 4)
    assert area_means(image, 4).tolist() == [[2.5, 4.5, 10.5, 12.5]]


def test_area_means_divide_a_pixel_between_cells() -> None:
    image = torch.tensor([[[3.0, 6.0, 9.0]]]).expand(1, 3, 3)
    # columns 0…1.5 and 1.5…3: (3 + 6/2)/1.5 and (6/2 + 9)/1.5
    assert area_means(image, 4).tolist() == [[4.0, 8.0, 4.0, 8.0]]


@given(modes=st.integers(1, 200), height=st.integers(1, 12), width=st.integers(1, 12))
def test_area_means_keep_the_mean(modes: int, height: int, width: int) -> None:
    images = torch.rand(2, height, width, generator=torch.Generator().manual_seed(modes))
    cells = area_means(images, modes)
    assert cells.shape == (2, modes)
    torch.testing.assert_close(cells.mean(1), images.mean((1, 2)))


@pytest.mark.parametrize(("modes", "shape"), [(1, (1, 1)), (10, (2, 5)), (16, (4, 4)), (7, (1, 7)), (48, (6, 8))])
def test_grid_is_closest_to_a_square(modes: int, shape: tuple[int, int]) -> None:
    assert grid_shape(modes) == shape


def test_grid_has_a_cell() -> None:
    with pytest.raises(ValueError, match="modes must be at least 1, got 0"):
        area_means(torch.ones(1, 2, 2), 0)


def test_normalisations() -> None:
    fields = torch.randn(5, 7, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(unit_power(fields).abs().square().sum(1), torch.ones(5))
    torch.testing.assert_close(unit_mean_modulus(fields).abs().mean(1), torch.ones(5))
    torch.testing.assert_close(unit_power(fields).angle(), fields.angle())
    torch.testing.assert_close(unit_mean_modulus(3 * fields), unit_mean_modulus(fields))


@pytest.mark.parametrize("normalise", [unit_power, unit_mean_modulus])
def test_a_dark_image_cannot_be_normalised(normalise: object) -> None:
    fields = torch.ones(3, 2)
    fields[1] = 0
    with pytest.raises(ValueError, match="image 1 is dark"):
        normalise(fields)  # type: ignore[operator]
