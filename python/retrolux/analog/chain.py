"""A digital layer between the converters of an analog one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.utils import parametrize

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["wrap"]


def wrap(
    layer: nn.Module,
    signal: Sequence[nn.Module] = (),
    weight: Sequence[nn.Module] = (),
    names: Sequence[str] = ("weight",),
) -> nn.Sequential:
    """Put converters before and after a layer, and on its weights.

    With ``signal=[normalise, reduce precision, noise]`` a signal is normalised, converted and disturbed, goes through
    the layer, and is disturbed, converted and normalised again: the same modules in reverse order, whose noise is
    drawn anew. Weights are transformed whenever the layer uses them; the optimiser, and a state dict, have them as
    they are without (``torch.nn.utils.parametrize``). Each part keeps its own gradient.

    Parameters
    ----------
    layer : Module
        For example ``torch.nn.Linear``; its weights are changed in place.
    signal : sequence of Module
        For the signals, in the order in which they meet them on the way in.
    weight : sequence of Module
        For the weights, in order.
    names : sequence of str
        Parameters of `layer` that the `weight` modules transform.

    Returns
    -------
    Sequential
        The chain; a layer with transformed weights is saved by its state dict, it does not pickle.

    Raises
    ------
    ValueError
        When `layer` has no parameter of one of the names.

    Examples
    --------
    >>> import torch
    >>> from retrolux import analog
    >>> p = analog.levels(bits=4)
    >>> converters = [analog.Clamp(), analog.ReducePrecision(p), analog.GaussianNoise(leakage=0.2, precision=p)]
    >>> layer = analog.wrap(torch.nn.Linear(8, 3), signal=converters, weight=converters)
    >>> layer(torch.rand(5, 8)).shape
    torch.Size([5, 3])
    """
    parameters = dict(layer.named_parameters(recurse=False))
    for name in names if weight else ():
        if name not in parameters:
            raise ValueError(f"names must be parameters of the layer, {', '.join(parameters) or 'none'}, got {name!r}")
    for name in names:
        for transform in weight:
            parametrize.register_parametrization(layer, name, transform)
    return nn.Sequential(*signal, layer, *reversed(signal))
