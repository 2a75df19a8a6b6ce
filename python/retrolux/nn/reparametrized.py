"""Settings that torch computes from others: pruned, normed or parametrized.

Old-style hooks (`torch.nn.utils.prune`, `weight_norm`, `spectral_norm`) compute a setting when a module is called; a
parametrization computes it whenever it is read. To change such a setting, write to the parameters behind it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

__all__ = ["compute_anew", "entries_of", "is_mixed", "load_settings", "reset_settings"]

_KNOWN = (BasePruningMethod, SpectralNorm, WeightNorm)


def compute_anew(module: nn.Module, *names: str) -> None:
    """Run the old-style hooks of a module, which torch runs in a call alone, before its matrix is computed.

    Raises
    ------
    RuntimeError
        When a setting of these names is computed by what may be a hook of another kind, which needs a call.
    """
    others = []
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, _KNOWN):
            hook(module, ())
        else:
            others.append(hook)
    if others:
        _refuse(module, others, names)


def entries_of(module: nn.Module, name: str) -> Tensor | None:
    """Return the parameter that holds a setting entry by entry: itself or, if pruned, the original; else None."""
    if name in module._parameters:
        return module._parameters[name]
    return entries_of(module, f"{name}_orig") if isinstance(_hook(module, name), BasePruningMethod) else None


def is_mixed(module: nn.Module, name: str) -> bool:
    """Whether an entry of a setting may depend on other entries: it is parametrized or normed."""
    if _is_parametrized(module, name):
        return True
    hook = _hook(module, name)
    return is_mixed(module, f"{name}_orig") if isinstance(hook, BasePruningMethod) else hook is not None


@torch.no_grad()
def reset_settings(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Set the parameters behind settings, as if torch pruned, normed or parametrized these values now.

    Raises
    ------
    RuntimeError
        When a setting is computed in another way.
    """
    for name, value in values.items():
        _write(module, name, value)
    if module._forward_pre_hooks:
        with torch.enable_grad():
            compute_anew(module, *values)


@torch.no_grad()
def load_settings(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Set settings to the values: all of them, or none where one cannot take its values.

    Raises
    ------
    RuntimeError
        When a setting cannot take its values because of the way it is computed.
    """
    computed = [name for name in values if name not in module._parameters]
    before = [(kept, kept.clone()) for kept in (*module.parameters(), *module.buffers())] if computed else []
    try:
        reset_settings(module, values)
        for name in computed:
            _require_taken(module, name, values[name])
    except Exception:
        for kept, old in before:
            kept.copy_(old)
        if module._forward_pre_hooks:
            compute_anew(module, *values)
            for kept, old in before:  # spectral norms go on with every computation
                kept.copy_(old)
        raise


def _hook(module: nn.Module, name: str) -> BasePruningMethod | SpectralNorm | WeightNorm | None:
    """Return the old-style hook that computes a setting, if there is one."""
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, _KNOWN) and _name(hook) == name:
            return hook
    return None


def _name(hook: BasePruningMethod | SpectralNorm | WeightNorm) -> str:
    return hook._tensor_name if isinstance(hook, BasePruningMethod) else hook.name


def _is_parametrized(module: nn.Module, name: str) -> bool:
    return name in cast("Any", module._modules.get("parametrizations", ()))


def _write(module: nn.Module, name: str, value: Tensor) -> None:
    kept = module._parameters.get(name, module._buffers.get(name))
    hook = _hook(module, name)
    if kept is not None:
        kept.copy_(value)
    elif _is_parametrized(module, name):
        _write_behind(cast("Any", module.parametrizations)[name], value.to(getattr(module, name)))
    elif isinstance(hook, WeightNorm):
        _write(module, f"{name}_g", torch.norm_except_dim(value, 2, hook.dim))
        _write(module, f"{name}_v", value)
    elif hook is not None:
        _write(module, f"{name}_orig", value)
    else:
        raise RuntimeError(f"{name} is computed by the user and cannot be set; set what it is computed from")


def _write_behind(steps: parametrize.ParametrizationList, value: Tensor) -> None:
    """Set what a parametrization computes from, as torch does where one is registered."""
    found: Any = value
    for step in reversed(list(steps)):
        with suppress(NotImplementedError):  # torch takes the identity then, and where there is none
            found = cast("Any", step).right_inverse(found) if hasattr(step, "right_inverse") else found
    originals = [steps.original] if steps.is_tensor else [getattr(steps, f"original{i}") for i in range(steps.ntensors)]
    for original, part in zip(originals, [found] if steps.is_tensor else found, strict=True):
        original.copy_(part)


def _require_taken(module: nn.Module, name: str, value: Tensor) -> None:
    taken = getattr(module, name)
    wanted = value.to(taken)
    rounding = 64 * torch.finfo(taken.dtype).eps
    if torch.allclose(taken, wanted, rtol=rounding, atol=rounding):
        return
    if _is_parametrized(module, name):
        kind, undo = "parametrized", "parametrize.remove_parametrizations"
    else:
        kind, undo = {
            BasePruningMethod: ("pruned", "prune.remove"),
            SpectralNorm: ("spectrally normed", "remove_spectral_norm"),
            WeightNorm: ("weight-normed", "remove_weight_norm"),
        }[next(known for known in _KNOWN if isinstance(_hook(module, name), known))]
    raise RuntimeError(
        f"{name} is {kind} and cannot take the values of the matrix: it would be off by up to "
        f"{(taken - wanted).abs().max():.3g}; call torch.nn.utils.{undo} for {name!r} first"
    )


def _refuse(module: nn.Module, hooks: list[Callable[..., Any]], names: tuple[str, ...]) -> None:
    """Refuse settings that none of torch's hooks computes, and hooks that may do so."""
    for name in names:
        if name in vars(module) and _hook(module, name) is None:
            kind = type(module).__name__
            raise RuntimeError(
                f"{name} of {kind} may be computed by the forward pre-hook {hooks[0]}, which does not run where {kind} "
                "is asked for its matrix; use torch.nn.utils.parametrize"
            )
