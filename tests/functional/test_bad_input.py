"""What `propagate` refuses: one sentence with the offending value and what was expected."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from retrolux import mesh
from retrolux.functional import matrices, propagate
from retrolux.mesh.settings import Settings

TOPOLOGY = mesh.rectangular(4)


@pytest.fixture
def arguments():
    return {
        "x": torch.ones(3, 4, dtype=torch.complex64),
        "theta": torch.ones(6),
        "phi": torch.ones(6),
        "gamma": torch.ones(4),
        "topology": TOPOLOGY,
        "coupler_error": torch.zeros(6, 2),
        "loss_db": torch.zeros(6, 4),
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "x",
            torch.ones(4, 3, dtype=torch.complex64),
            r"x must have shape \(…, modes\) = \(…, 4\), got \(4, 3\)",
        ),
        ("x", torch.tensor(1j), r"x must have shape \(…, modes\) = \(…, 4\), got \(\)"),
        ("theta", torch.ones(5), r"theta must have shape \(6,\), got \(5,\)"),
        ("phi", torch.ones(3, 2), r"phi must have shape \(6,\), got \(3, 2\)"),
        ("gamma", torch.ones(6), r"gamma must have shape \(4,\), got \(6,\)"),
        ("coupler_error", torch.zeros(6), r"coupler_error must have shape \(6, 2\), got \(6,\)"),
        ("loss_db", torch.zeros(4, 6), r"loss_db must have shape \(6, 4\), got \(4, 6\)"),
        ("theta", torch.tensor([0, 0, float("nan"), 0, 0, 0]), r"theta must be finite, got nan at \[2\]"),
        (
            "loss_db",
            torch.full((6, 4), -0.25),
            r"loss_db must be finite and at least 0 dB, got -0.25.* at \[0, 0\]",
        ),
        ("route", "shortest", "route must be 'auto', 'mesh' or 'matrix', got 'shortest'"),
        ("theta", torch.ones(6, device="meta"), "theta must be on the device of the others, cpu, got meta"),
    ],
)
def test_values(arguments, name, value, message):
    with pytest.raises(ValueError, match=message):
        propagate(**(arguments | {name: value}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", torch.ones(3, 4, dtype=torch.int64), r"x must be complex64 or complex128 .* got torch.int64"),
        (
            "theta",
            torch.ones(6, dtype=torch.float64),
            "theta must be torch.float32 for light in torch.complex64, got",
        ),
        (
            "x",
            torch.ones(3, 4, dtype=torch.complex128),
            "x must be torch.complex64 or torch.float32 for phases in torch.float32, got torch.complex128",
        ),
        (
            "x",
            torch.ones(3, 4, dtype=torch.float64),
            "x must be torch.complex64 or torch.float32 for phases in torch.float32, got torch.float64",
        ),
    ],
)
def test_dtypes(arguments, name, value, message):
    with pytest.raises(TypeError, match=message):
        propagate(**(arguments | {name: value}))


@pytest.mark.parametrize("theta", [None, [0.0] * 6, np.zeros(6, np.float32)])
def test_settings_are_tensors(arguments, theta):
    with pytest.raises(TypeError, match=f"theta must be a tensor, got {type(theta).__name__}"):
        propagate(**(arguments | {"theta": theta}))
    with pytest.raises(TypeError, match=f"theta must be a tensor, got {type(theta).__name__}"):
        matrices(theta, arguments["phi"], arguments["gamma"], arguments["topology"])


def test_light_without_memory_is_named_as_the_caller_names_it(arguments):
    with pytest.raises(TypeError, match="x must have memory of its own"):
        propagate(**(arguments | {"x": arguments["x"].to_sparse()}), route="mesh")


def test_the_mesh_route_is_for_the_cpu(arguments):
    with FakeTensorMode():
        elsewhere = {
            k: torch.empty(v.shape, dtype=v.dtype, device="cuda") if isinstance(v, torch.Tensor) else v
            for k, v in arguments.items()
        }
        with pytest.raises(ValueError, match="route 'mesh' runs on the CPU, got tensors on cuda:0; use route 'matrix'"):
            propagate(**elsewhere, route="mesh")
        assert propagate(**elsewhere, route="matrix").device.type == "cuda"


@pytest.mark.parametrize(
    ("name", "wrong", "error", "sentence"),
    [
        ("theta", torch.zeros(5), ValueError, r"theta must have shape \(6,\), got \(5,\)"),
        ("theta", torch.zeros(6, dtype=torch.float64), TypeError, "phi must be float64, got torch.float32"),
        ("gamma", torch.zeros(5), ValueError, r"gamma must have shape \(4,\), got \(5,\)"),
        ("x", torch.zeros(3, 5, dtype=torch.complex64), ValueError, r"must have shape .*4\).*, got \(3, [45]\)"),
        ("x", torch.zeros(3, 4, dtype=torch.complex128), TypeError, "must be complex64, got torch.complex128"),
    ],
)
def test_operators_refuse_what_does_not_fit_before_they_touch_memory(name, wrong, error, sentence):
    settings = {"theta": torch.zeros(6), "phi": torch.zeros(6), "gamma": torch.zeros(4)}
    x, theta, phi, gamma = {"x": torch.zeros(3, 4, dtype=torch.complex64), **settings, name: wrong}.values()
    mesh_of = TOPOLOGY.code, *Settings(theta, phi, gamma)
    with pytest.raises(error, match=sentence):
        torch.ops.retrolux.forward(*mesh_of, x)
    y = torch.zeros(3, 4, dtype=torch.complex64)
    with pytest.raises(error, match=sentence):
        torch.ops.retrolux.adjoint(*mesh_of, y, x, None, True, False)


@pytest.mark.parametrize(("grad_y_shape", "x_shape"), [((6, 4), (2, 3, 4)), ((2, 3, 4), (5, 4))])
def test_the_adjoint_operator_refuses_light_of_other_samples(grad_y_shape, x_shape):
    y, grad_y, x = (torch.zeros(shape, dtype=torch.complex64) for shape in ((2, 3, 4), grad_y_shape, x_shape))
    settings = Settings(torch.zeros(6), torch.zeros(6), torch.zeros(4), loss_db=torch.zeros(6, 4))
    with pytest.raises(ValueError, match=r"must have shape \(2, 3, 4\) as y, got"):
        torch.ops.retrolux.adjoint(TOPOLOGY.code, *settings, y, grad_y, x, True, False)


@pytest.mark.parametrize("light", [[1.0, 0.0, 0.0, 0.0], np.ones((3, 4), np.complex64), None])
def test_light_has_to_be_a_tensor(arguments, light):
    with pytest.raises(TypeError, match=f"x must be a tensor, got {type(light).__name__}"):
        propagate(**{**arguments, "x": light})
