"""The random numbers of the analog layers: every draw is a function of a seed and of its number.

Normal and uniform draws in single precision on the CPU come from the Philox of our kernels, from its streams from 2³¹
on, one for each process. All others come from a ``torch.Generator`` of the tensor's own device, seeded for this one
draw with a hash of the seed, the rank of the process and the step (NumPy's ``SeedSequence``; the CPU's generator takes
32 bits of it). A layer keeps two integers, the seed and the number of its draws:

* a run that is resumed from a state dict, a deepcopy and an unpickled layer go on with the same bits,
* nothing else that draws, no number of threads and no order of layers changes them; those of a CPU and of a GPU differ,
  and those of float32 and float64,
* ``torch.compile(fullgraph=True)`` sees one operator, where a ``torch.Generator`` that lives on would break the graph,
* every process of DistributedDataParallel has noise of its own, also where it starts from the same layer,
* the numbers are made where they are needed.

Two layers with the same seed make the same noise. Activation checkpointing calls a layer twice and so draws twice.
"""

from __future__ import annotations

from operator import index
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn

from retrolux._kernels import kernels
from retrolux._plain import Pass, is_traced, outside_transforms

__all__ = ["Distribution", "Drawing", "draw"]

Distribution: TypeAlias = Literal["normal", "uniform", "poisson"]

_library = torch.library.Library("retrolux", "FRAGMENT")
_library.define("draw(Tensor like, str distribution, int seed, Tensor step) -> Tensor")
_PHILOX = {"normal": kernels.normals, "uniform": kernels.uniforms}
_FIRST_STREAM = 1 << 31  # those of retrolux.hardware.philox are few, and begin at 0


def draw(distribution: Distribution, like: Tensor, seed: int, step: int | Tensor) -> Tensor:
    """Draw one number per element.

    Parameters
    ----------
    distribution : {"normal", "uniform", "poisson"}
        Standard normal, uniform on [0, 1), or Poisson with the elements of `like` as its means.
    like : Tensor of float32 or float64
        Gives shape, dtype and device.
    seed : int
        0 to 2⁶³ − 1.
    step : int or Tensor of int64, shape ()
        Number of the draw, at least 0; a tensor is best on the CPU, where it is read.

    Returns
    -------
    Tensor, shape and dtype of `like`, contiguous
        Without a gradient.

    Raises
    ------
    ValueError
        When the seed or the step is out of range, or a draw of our kernels has more than 2³⁴ elements.
    """
    _check_seed(seed)
    if isinstance(step, int) and step < 0:
        raise ValueError(f"step must be at least 0, got {step}")
    if not isinstance(step, Tensor):
        step = torch.tensor(step, device="cpu")
    return cast("Tensor", _drawn(like.detach(), distribution, seed, step))


class Drawing(nn.Module):
    """A layer that draws: it knows its seed and how often it has drawn, and saves both in its state dict.

    Parameters
    ----------
    seed : int, optional
        0 to 2⁶³ − 1; None draws it from torch's generator, which ``torch.manual_seed`` sets.
    eval_noise : bool
        Whether it draws in evaluation mode too.

    Attributes
    ----------
    draws : Tensor of int64, shape ()
        How often it has drawn. It stays on the CPU, so that a GPU need not be waited for.

    Raises
    ------
    ValueError
        When the seed is out of range.
    """

    def __init__(self, seed: int | None, *, eval_noise: bool) -> None:
        super().__init__()
        if seed is None:
            seed = int(torch.randint(2**63 - 1, (), device="cpu"))
        _check_seed(seed)
        self.seed = seed
        self.eval_noise = eval_noise
        self.draws = torch.zeros((), dtype=torch.int64, device="cpu")

    @property
    def drawing(self) -> bool:
        """Whether it draws now: in training mode, or with `eval_noise`."""
        return self.training or self.eval_noise

    def next_step(self) -> Tensor:
        """Return the number of the next draw, and count it.

        Raises
        ------
        RuntimeError
            When ``torch.jit.trace`` records, which would keep this one number.
        """
        if is_traced():
            raise RuntimeError(
                f"{type(self).__name__} draws anew in every call, which torch.jit.trace does not record; trace it in "
                "evaluation mode and without eval_noise, or use torch.export or torch.compile"
            )
        with outside_transforms():  # torch.func refuses to change a tensor that it does not wrap
            step = self.draws.clone()
            self.draws.add_(1)
        return step

    def get_extra_state(self) -> Tensor:
        """Return the seed and the number of draws: a tensor, so that states can be cloned."""
        return torch.tensor([self.seed, int(self.draws)], dtype=torch.int64, device="cpu")

    def set_extra_state(self, state: Tensor | dict[str, int]) -> None:
        """Go on where another layer was.

        Raises
        ------
        ValueError
            When the seed or the number of draws is out of range, or the state is none of a drawing layer.
        """
        try:
            seed, draws = state.tolist() if isinstance(state, Tensor) else (state["seed"], state["draws"])
            seed, draws = index(seed), index(draws)
        except (TypeError, LookupError, ValueError) as error:
            raise ValueError(f"the state must be a seed and a number of draws, got {state!r}") from error
        _check_seed(seed)
        if not 0 <= draws < 2**63:
            raise ValueError(f"the number of draws must be between 0 and 2**63 - 1, got {draws}")
        self.seed = seed
        self.draws.fill_(draws)


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be between 0 and 2**63 - 1, got {seed}")


def _rank() -> int:
    """Return which process this is of those that train together."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if together else 0


def _draw(like: Tensor, distribution: Distribution, seed: int, step: Tensor) -> Tensor:
    philox = _PHILOX.get(distribution)
    if philox is not None and like.is_cpu and like.dtype == torch.float32:
        drawn = torch.empty(like.shape, device="cpu")
        philox(drawn, seed, _FIRST_STREAM + _rank(), int(step), 0, torch.get_num_threads())
        return drawn
    hashed = np.random.SeedSequence(seed, spawn_key=(_rank(), int(step))).generate_state(1, np.uint64)
    generator = torch.Generator(like.device).manual_seed(int(hashed[0]))
    if distribution == "poisson":
        return torch.poisson(like.contiguous(), generator)
    values = torch.empty(like.shape, dtype=like.dtype, device=like.device)
    return values.normal_(generator=generator) if distribution == "normal" else values.uniform_(generator=generator)


def _draw_fake(like: Tensor, distribution: Distribution, seed: int, step: Tensor) -> Tensor:
    return torch.empty(like.shape, dtype=like.dtype, device=like.device)


def _draw_batched(
    info: Any,
    in_dims: tuple[int | None, ...],
    like: Tensor,
    distribution: Distribution,
    seed: int,
    step: Tensor,
) -> tuple[Tensor, int | None]:
    """Draw for all samples of ``torch.vmap`` at once; one by one where they share a draw or have steps of their own."""
    of_like, *_, of_step = in_dims
    if of_step is None and info.randomness != "same":
        return draw(distribution, like, seed, step), of_like
    samples = [like] * info.batch_size if of_like is None else like.unbind(of_like)
    steps = [step] * info.batch_size if of_step is None else step.unbind(of_step)
    pairs = zip(samples, steps, strict=True)
    return torch.stack([draw(distribution, sample, seed, number) for sample, number in pairs]), 0


_library.impl("draw", _draw, "CompositeExplicitAutograd")
torch.library.register_fake("retrolux::draw", _draw_fake, lib=_library)
torch.library.register_vmap("retrolux::draw", _draw_batched, lib=_library)
_drawn = Pass(torch.ops.retrolux.draw.default, _draw)
