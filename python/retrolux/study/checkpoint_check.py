"""What must hold of a checkpoint: its fields, and that configuration, network, optimizer and history are of one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux.hardware import SimulatedChip
from retrolux.reading import shown
from retrolux.study.config import from_saved
from retrolux.study.epoch import epochs_from
from retrolux.study.network import Network
from retrolux.study.optimizer import OPTIMIZERS

if TYPE_CHECKING:
    from retrolux.hardware import Imperfections
    from retrolux.study.config import TrainConfig

__all__ = ["check_run", "checked_network"]

# Values of a configuration and of its table of imperfections, several times over.
_VALUES = 200
# What each optimizer keeps of a phase: a number per phase (None), or a single one.
_KEPT: dict[str, dict[str, Any]] = {
    "adam": {"step": (), "exp_avg": None, "exp_avg_sq": None},
    "sgd": {"momentum_buffer": None},
}


def checked_network(contents: dict[str, Any]) -> tuple[TrainConfig, Network]:
    """Return the configuration and the network of a checkpoint.

    Raises
    ------
    ValueError
        When a field of either is missing or bad, or they do not fit each other; says which.
    """
    config = _config(_table("config", contents.get("config")))
    state = _table("network", contents.get("network"))
    _check_size(config, state)
    network = Network(config)
    expected = network.state_dict()
    for name in state:
        if name not in expected:
            raise ValueError(f"network must have {', '.join(expected)}, got {shown(name)}")
    for name, tensor in expected.items():
        if not name.endswith("_extra_state"):
            _tensor(f"network: {name}", state.get(name), tensor)
    chips = _chips(network)
    try:
        network.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"network: {' '.join(str(error).split())}") from None
    if _chips(network) != chips:
        raise ValueError("network: its chips are not those of the configuration")
    return config, network


def check_run(contents: dict[str, Any]) -> None:
    """Check that a checkpoint is the state of a run.

    Raises
    ------
    ValueError
        When a field is missing or bad, or they do not fit each other; says which.
    """
    names = {"format", "config", "network", "optimizer", "history"}
    if contents.keys() != names:
        raise ValueError(f"it must have {', '.join(sorted(names))}, got {shown(sorted(map(str, contents)))}")
    config, network = checked_network(contents)
    epochs = len(epochs_from(contents["history"]))
    if epochs > config.epochs:
        raise ValueError(f"history must have at most {config.epochs} epochs, got {epochs}")
    _check_optimizer(config, network, _table("optimizer", contents["optimizer"]), epochs)


def _config(values: dict[str, Any]) -> TrainConfig:
    """Return the configuration, after a look at how much there is of it: what is small here can be long to write."""
    waiting: list[Any] = [values]
    seen = 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _VALUES or not isinstance(value, (dict, str, int, float, type(None))):
            raise ValueError("config must be a table of numbers and texts")
        if isinstance(value, dict):
            waiting += value.values()
    try:
        return from_saved(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"config: {error}") from None


def _chips(network: Network) -> list[tuple[int, Imperfections]]:
    experiments = [layer.experiment for layer in network.layers if layer.experiment is not None]
    chips = [experiment.chip for experiment in experiments if isinstance(experiment.chip, SimulatedChip)]
    return [(chip.seed, chip.imperfections) for chip in chips]


def _check_size(config: TrainConfig, state: dict[str, Any]) -> None:
    """Check that the file has the phases of the network before one is made: a configuration asks for any size."""
    half = config.modes // 2
    mzis = (
        half * int(math.log2(config.modes))
        if config.topology == "butterfly"
        else config.modes * (config.modes - 1) // 2
    )
    if config.meshes > len(state):
        raise ValueError(f"network must have {config.meshes} meshes, got {len(state)} tensors")
    for index in range(config.meshes):
        for name, length in (("theta", mzis), ("gamma", config.modes)):
            phases = state.get(f"meshes.{index}.{name}")
            if not isinstance(phases, Tensor) or phases.shape != (length,) or not phases.is_contiguous():
                told = f"shape {tuple(phases.shape)}" if isinstance(phases, Tensor) else type(phases).__name__
                raise ValueError(f"network: meshes.{index}.{name} must have shape ({length},), got {told}")


def _check_optimizer(config: TrainConfig, network: Network, state: dict[str, Any], epochs: int) -> None:
    optimizer = OPTIMIZERS[config.optimizer].make(network, config.lr)
    groups = state.get("param_groups")
    if state.keys() != {"param_groups", "state"} or not isinstance(groups, list) or len(groups) != 1:
        raise ValueError("optimizer must have state, and param_groups with one group")
    group, expected = _table("optimizer: param_groups", groups[0]), optimizer.state_dict()["param_groups"][0]
    unknown = group.keys() - expected.keys()
    if unknown:
        told = shown(sorted(map(str, unknown)))
        raise ValueError(f"optimizer: param_groups must have {', '.join(expected)}, got {told}")
    for name, value in expected.items():
        if name != "lr" and not _same(group.get(name), value):
            raise ValueError(f"optimizer: {name} must be {value}")
    rate = group.get("lr")
    if type(rate) is not float or not 0 <= rate <= config.lr:
        raise ValueError(f"optimizer: lr must be a number from 0 to that of the configuration, {config.lr}")
    _check_kept(
        _KEPT[config.optimizer], optimizer.param_groups[0]["params"], _table("optimizer", state["state"]), epochs
    )


def _check_kept(wanted: dict[str, Any], phases: list[Tensor], kept: dict[Any, Any], epochs: int) -> None:
    """Check what an optimizer keeps of each tensor of phases: nothing before its first step."""
    count = len(phases) if epochs else 0
    if kept.keys() != set(range(count)):
        raise ValueError(f"optimizer: state must be of {count} tensors after {epochs} epochs")
    for index in range(count):
        entries = _table(f"optimizer: state of tensor {index}", kept[index])
        if entries.keys() != wanted.keys():
            raise ValueError(f"optimizer: state of tensor {index} must have {', '.join(wanted)}")
        for name, shape in wanted.items():
            like = phases[index] if shape is None else torch.zeros(shape)
            _tensor(f"optimizer: {name} of tensor {index}", entries[name], like)
        if "exp_avg_sq" in entries and (entries["exp_avg_sq"] < 0).any():
            raise ValueError(f"optimizer: exp_avg_sq of tensor {index} must be at least 0")
        if "step" in entries:
            step = entries["step"].item()
            if step < epochs or step % epochs or step != kept[0]["step"].item():
                raise ValueError(f"optimizer: step of tensor {index} must be the same for all, and so in every epoch")


def _same(found: object, value: object) -> bool:
    if isinstance(value, (list, tuple)) and isinstance(found, (list, tuple)):
        return type(found) is type(value) and len(found) == len(value) and all(map(_same, found, value))
    return type(found) is type(value) and not isinstance(found, (list, tuple)) and found == value


def _table(where: str, value: object) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, got {'nothing' if value is None else f'a {type(value).__name__}'}")
    return value


def _tensor(where: str, value: object, like: Tensor) -> None:
    """Check a tensor: its kind, shape and type are those of another, and its values finite."""
    if not isinstance(value, Tensor) or value.shape != like.shape or value.dtype != like.dtype:
        told = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{where} must be {like.dtype} of shape {tuple(like.shape)}, got {told}")
    if not value.isfinite().all():
        raise ValueError(f"{where} must be finite, got a value that is not")
