"""Private names of torch that we cannot do without: one test each, which fails by name on a torch that changed it."""

from __future__ import annotations

import pytest
import torch
from torch._vmap_internals import _vmap
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

from retrolux._plain import apply_to_plain, is_plain, is_transformed, outside_transforms


def seen(run):
    """Return what `is_plain` and `is_transformed` say of the tensor that `run` hands to a function."""
    said = []

    def look(tensor):
        said.append((is_plain(tensor), is_transformed()))
        return tensor.sum()

    run(look)
    return said[0]


def test_a_tensor_alone_is_plain():
    assert seen(lambda look: look(torch.ones(3))) == (True, False)
    assert seen(lambda look: look(torch.nn.Parameter(torch.ones(3)))) == (True, False)


def test_are_functorch_transforms_active():
    assert seen(lambda look: torch.func.vmap(look)(torch.ones(2, 3))) == (False, True)
    assert seen(lambda look: torch.func.grad(look)(torch.ones(3))) == (False, True)


def test_disable_func_torch():
    count = torch.zeros(())

    def look(tensor):
        with outside_transforms():
            count.add_(1)
        return tensor.sum()

    torch.func.vmap(torch.func.grad(look))(torch.ones(2, 3))
    look(torch.ones(3))
    assert count == 2


def test_forward_ad_current_level():
    with forward_ad.dual_level():
        assert seen(lambda look: look(torch.ones(3))) == (False, True)
    assert seen(lambda look: look(torch.ones(3))) == (True, False)


def test_is_legacy_batchedtensor():
    assert seen(lambda look: _vmap(look)(torch.ones(2, 3))) == (False, False)


def test_len_torch_dispatch_stack():
    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            return function(*args, **(kwargs or {}))

    with Watching():
        assert seen(lambda look: look(torch.ones(3))) == (False, False)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own
def test_get_tracing_state():
    assert seen(lambda look: torch.jit.trace(look, torch.ones(3), check_trace=False)) == (False, False)


def test_memory_and_type():
    class Mine(torch.Tensor):
        pass

    assert seen(lambda look: look(torch.ones(3, device="meta"))) == (False, False)
    assert seen(lambda look: look(torch.ones(3).as_subclass(Mine))) == (False, False)


def test_apply_of_the_base_of_functions():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    x = torch.ones(3, requires_grad=True)
    apply_to_plain(Twice, x).sum().backward()
    assert torch.equal(x.grad, torch.full((3,), 2.0))
