"""Swaps the layers of a torch model for photonic ones, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import is_pruned

from retrolux.nn.block_layer import BlockLayer
from retrolux.nn.blocks import DTYPES, Blocks
from retrolux.nn.conv import Conv1d, Conv2d
from retrolux.nn.copying import copied
from retrolux.nn.linear import Linear
from retrolux.nn.mesh import Mesh

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from retrolux.nn.block_layer import BlockOptions

__all__ = ["Conversion", "Where", "convert", "convert_back"]

Where: TypeAlias = "type[nn.Module] | str | Callable[[str, nn.Module], bool] | Sequence[Where]"
_Digital: TypeAlias = nn.Linear | nn.Conv1d | nn.Conv2d

_SWAPPED = (nn.Linear, nn.Conv1d, nn.Conv2d)


@dataclass(frozen=True)
class Conversion:
    """Which layers of a model were swapped; ``str`` of it is a table.

    Attributes
    ----------
    changed : dict of str to tuple of (Module, BlockLayer)
        The digital layer that was swapped and the photonic one in its place, by name.
    left : dict of str to tuple of (Module, str)
        Every other layer with parameters, and why it stays.
    """

    changed: dict[str, tuple[nn.Module, BlockLayer]]
    left: dict[str, tuple[nn.Module, str]]

    def __str__(self) -> str:
        """Return a table with a line per layer with parameters, and a line that counts them."""
        rows = [(name, old, str(new.blocks.extra_repr())) for name, (old, new) in self.changed.items()]
        rows += [(name, old, f"left: {reason}") for name, (old, reason) in self.left.items()]
        cells = [(name or "(model)", f"{type(old).__name__}({old.extra_repr()})", now) for name, old, now in rows]
        widths = [max(len(row[i]) for row in cells) for i in range(2)]
        lines = [f"{name.ljust(widths[0])}  {old.ljust(widths[1])}  {now}" for name, old, now in cells]
        swapped = {id(p): _numbers(p) for old, _ in self.changed.values() for p in old.parameters()}
        kept = {id(p): _numbers(p) for old, _ in self.left.values() for p in old.parameters(recurse=False)}
        share = sum(swapped.values()) / sum((swapped | kept).values())
        return "\n".join([*lines, f"{len(self.changed)} of {len(rows)} layers swapped, {share:.1%} of the parameters"])


def convert(
    model: nn.Module,
    where: Where = _SWAPPED,
    *,
    inplace: bool = False,
    report: Callable[[Conversion], object] | None = None,
    **options: Unpack[BlockOptions],
) -> nn.Module:
    """Return a model whose linear and convolutional layers are made of meshes and do what they did.

    Swapped are `torch.nn.Linear`, `torch.nn.Conv1d` and `torch.nn.Conv2d`, unless something else depends on their being
    what they are: subclasses of them, layers with hooks or with a parameter that another layer has too, and layers in
    half precision stay. What was frozen stays frozen.

    Parameters
    ----------
    model : Module
        Any; it may be such a layer itself.
    where : type, str, callable, or a sequence of these
        Which layers: all of a type, those whose name matches a pattern such as ``"encoder.*"``, or those for which
        ``where(name, layer)`` is true.
    inplace : bool
        Whether to change `model` itself instead of a deep copy.
    report : callable, optional
        Called with the `Conversion`: ``report=print`` shows its table.
    **options : BlockOptions
        ``block=64``, ``train``, ``imperfections``, ``gradient`` and others, for every layer; see `BlockOptions`. Chips
        of different layers are different chips.

    Raises
    ------
    TypeError
        When `model` is no Module.
    ValueError
        When no layer is swapped, or an option is out of range; the model is as it was.

    Notes
    -----
    Phases are no weights: a step of SGD at the rate that suits a weight hardly moves them. Optimisers that find the
    size of a step for each parameter, such as Adam at a rate of some 0.005 rad, train converted models.
    """
    _require_module(model)
    chip_seed = options.get("chip_seed", 0)
    if chip_seed < 0:
        raise ValueError(f"chip_seed must be at least 0, got {chip_seed}")
    model = model if inplace else copied(model)
    names: dict[nn.Module, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(name)
    owners = Counter(parameter for module in names for parameter in module.parameters(recurse=False))
    swap: dict[_Digital, str] = {}
    left: dict[str, tuple[nn.Module, str]] = {}
    for module, (first, *others) in names.items():
        if isinstance(module, Blocks) or not (isinstance(module, BlockLayer) or [*module.parameters(recurse=False)]):
            continue
        reason = next(_obstacles(module, owners), None)
        if reason is None and any(_chosen(where, name, module) for name in (first, *others)):
            swap[cast("_Digital", module)] = first
        else:
            left[first] = module, reason or "not chosen"
    if not swap:
        raise ValueError(f"where must choose a layer that can be swapped ({_choice(left)}), got {where!r}")
    seeds = np.random.SeedSequence(chip_seed).generate_state(len(swap))
    changed: dict[str, tuple[nn.Module, BlockLayer]] = {
        name: (module, _photonic(module, {**options, "chip_seed": int(seed)}))
        for (module, name), seed in zip(swap.items(), seeds, strict=True)
    }
    for module, layer in changed.values():
        for name in names[module]:
            model = _with(model, name, layer)
    if report is not None:
        report(Conversion(changed, left))
    return model


def convert_back(model: nn.Module, *, inplace: bool = False) -> nn.Module:
    """Return a model whose photonic layers are digital ones of the same function again.

    What `convert` makes comes back to rounding; after training, what ideal meshes would do with the trained phases.
    Imperfections of chips are left out.

    Parameters
    ----------
    model : Module
        Any; it may be such a layer itself.
    inplace : bool
        Whether to change `model` itself instead of a deep copy.

    Raises
    ------
    TypeError
        When `model` is no Module.
    ValueError
        When the model has no `Linear`, `Conv1d` or `Conv2d` of this package.
    """
    _require_module(model)
    model = model if inplace else copied(model)
    named = model.named_modules(remove_duplicate=False)
    layers = [(name, layer) for name, layer in named if isinstance(layer, (Linear, Conv1d, Conv2d))]
    if not layers:
        raise ValueError(f"convert_back needs a model with photonic layers, got {type(model).__name__} without one")
    digital = {layer: layer.to_linear() if isinstance(layer, Linear) else layer.to_conv() for _, layer in layers}
    for name, layer in layers:
        model = _with(model, name, digital[layer])
    return model


def _require_module(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")


def _obstacles(module: nn.Module, owners: Counter[nn.Parameter]) -> Iterator[str]:
    """Yield the reasons why a layer has to stay, the plainest first; none where it can be swapped."""
    parameters = [*module.parameters(recurse=False)]
    if any(map(is_lazy, parameters)):
        yield "has no sizes yet (send a batch through the model first)"
    if not isinstance(module, _SWAPPED):
        yield "photonic already" if isinstance(module, (BlockLayer, Mesh)) else "no photonic counterpart"
        return
    if type(module) not in _SWAPPED:
        yield "a subclass, which may do more"
    if is_pruned(module):
        yield "is pruned (torch.nn.utils.prune.remove makes that permanent)"
    if any((module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)):
        yield "has hooks"
    if any(owners[parameter] > 1 for parameter in parameters):
        yield "shares a parameter with another layer"
    if module.weight.dtype not in DTYPES:
        yield f"in {module.weight.dtype}"
    if module.weight.is_meta:
        yield "on the meta device, without values"


def _choice(left: dict[str, tuple[nn.Module, str]]) -> str:
    """Return in words which layers could be chosen, and why the others cannot be swapped."""
    able = [name or "the model itself" for name, (_, reason) in left.items() if reason == "not chosen"]
    alike: dict[tuple[str, str], list[str]] = {}
    for name, (module, reason) in left.items():
        if reason != "not chosen":
            alike.setdefault((type(module).__name__, reason), []).append(name or "the model itself")
    reasons = [
        f"not {names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}, {kind}: {reason}"
        for (kind, reason), names in alike.items()
    ]
    first = f"there are {', '.join(able)}" if able else "there is none"
    return "; ".join([first, *reasons]) if left else "there is none: no layer has parameters"


def _numbers(parameter: nn.Parameter) -> int:
    return 0 if is_lazy(parameter) else parameter.numel()


def _chosen(where: Where, name: str, module: nn.Module) -> bool:
    if isinstance(where, type):
        return isinstance(module, where)
    if isinstance(where, str):
        return fnmatchcase(name, where)
    if callable(where):
        return bool(where(name, module))
    return any(_chosen(choice, name, module) for choice in where)


def _photonic(module: _Digital, options: BlockOptions) -> BlockLayer:
    if isinstance(module, nn.Linear):
        return Linear.from_linear(module, **options)
    return Conv1d.from_conv(module, **options) if isinstance(module, nn.Conv1d) else Conv2d.from_conv(module, **options)


def _with(model: nn.Module, name: str, layer: nn.Module) -> nn.Module:
    """Return the model with a layer in the place of this name."""
    if not name:
        return layer
    model.set_submodule(name, layer)
    return model
