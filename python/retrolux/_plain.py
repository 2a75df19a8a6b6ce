"""Whether torch takes a tensor as it is, or traces, fakes, wraps or transforms it; and calls that depend on it.

The private names of torch that tell stand here and nowhere else; tests/functional/test_torch_names.py tests each.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = [
    "Pass",
    "apply",
    "apply_to_plain",
    "is_plain",
    "is_pushed",
    "is_traced",
    "is_transformed",
    "outside_transforms",
]

_PLAIN = (Tensor, torch.nn.Parameter)


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has memory and is one that torch neither traces nor fakes nor wraps, here and now."""
    return not (
        torch.compiler.is_compiling()
        or type(tensor) not in _PLAIN
        or tensor.is_meta
        or torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state()
        or torch._C._functorch.is_legacy_batchedtensor(tensor)  # of torch.autograd.grad(…, is_grads_batched=True)
        or torch._C._are_functorch_transforms_active()
        or is_pushed()
    )


def is_transformed() -> bool:
    """Whether a transform of torch.func, or forward-mode differentiation, is at work."""
    return not torch.compiler.is_compiling() and (torch._C._are_functorch_transforms_active() or is_pushed())


def is_pushed() -> bool:
    """Whether forward-mode differentiation is at work, also that of torch.func."""
    return forward_ad._current_level >= 0


def outside_transforms() -> AbstractContextManager[None]:
    """Return a context in which transforms of torch.func leave tensors alone that they do not wrap."""
    return torch._C._DisableFuncTorch() if is_transformed() else nullcontext()


def is_traced() -> bool:
    """Whether torch.jit.trace records a program; what it calls sizes are tensors, which Python must not look into."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def apply(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """Apply a Function; to plain tensors without torch's look-ups for those that are not.

    These take 5 µs where its `forward` has the context, and 80 µs where it has a `setup_context`.
    """
    return apply_to_plain(function, *arguments) if is_plain(arguments[0]) else function.apply(*arguments)


def apply_to_plain(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """Apply a Function to tensors that are known to be plain."""
    return super(torch.autograd.Function, function).apply(*arguments)  # type: ignore[misc]


class Pass:
    """A call of a kernel that goes through its operator where torch traces, fakes or wraps tensors.

    Plain tensors need no dispatcher, which takes 5 to 30 µs: as long as a small batch's whole pass. The caller has
    checked them.

    Parameters
    ----------
    operator, kernel : callable
        Of the same arguments.
    deciding : int
        Number of the argument that tells plain tensors from others.

    Attributes
    ----------
    kernel : callable
        For a caller who knows that tensors are plain.
    """

    def __init__(self, operator: Callable[..., Any], kernel: Callable[..., Any], deciding: int = 0) -> None:
        self.operator, self.kernel, self.deciding = operator, kernel, deciding

    def __call__(self, *arguments: Any) -> Any:
        return (self.kernel if is_plain(arguments[self.deciding]) else self.operator)(*arguments)
