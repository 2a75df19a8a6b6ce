"""Precision: layers and their chips follow ``to`` as one, and are the same chips afterwards; light has to fit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import retrolux
from retrolux import mesh
from retrolux.hardware import Imperfections, Reading, SimulatedChip
from retrolux.nn import Conv1d, Conv2d, ElectroOptic, IntensityLinear, Linear, Mesh, ModReLU, UnitaryRNN
from retrolux.nn.dtypes import as_light

IMPERFECTIONS = Imperfections(coupler_std=0.03, loss_db=0.02, column_loss_db=0.01, phase_offset_std=0.1, phase_std=0.01)
LAYERS = {
    "mesh": (lambda **o: Mesh(mesh.rectangular(4), seed=0, **o), (3, 4), torch.complex64),
    "linear": (lambda **o: Linear(4, 3, seed=0, block=2, **o), (3, 4), torch.float32),
    "complex": (lambda **o: Linear(4, 3, seed=0, block=2, dtype=torch.complex64, **o), (3, 4), torch.complex64),
    "conv1d": (lambda **o: Conv1d(2, 3, 2, seed=0, block=2, **o), (3, 2, 5), torch.float32),
    "conv2d": (lambda **o: Conv2d(1, 3, 2, seed=0, block=2, **o), (3, 1, 4, 4), torch.float32),
    "rnn": (lambda **o: UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), seed=0, **o)), (3, 2, 2), torch.complex64),
    "intensity": (
        lambda **o: IntensityLinear(4, 2, mesh=Mesh(mesh.rectangular(4), seed=0, **o)),
        (3, 4),
        torch.float32,
    ),
    "converted": (
        lambda **o: retrolux.convert(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()), **o),
        (3, 4),
        torch.float32,
    ),
}
DOUBLE = {torch.float32: torch.float64, torch.complex64: torch.complex128}


def out(layer, x):
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


def experiments(layer):
    return [module.experiment for module in layer.modules() if type(module).__name__ == "ChipState"]


@pytest.mark.parametrize(("make", "shape", "dtype"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("chips", [False, True])
@pytest.mark.parametrize("change", [lambda m: m.double(), lambda m: m.to(torch.float64)])
def test_layers_follow_and_keep_what_they_are(make, shape, dtype, chips, change):
    torch.manual_seed(0)
    layer = make(**({"imperfections": IMPERFECTIONS} if chips else {}))
    x = torch.randn(shape, dtype=dtype)
    before = out(layer, x).detach()
    twin, history = (
        copy.deepcopy(layer),
        [(b.chip.writes, b.shots, b.chip.seed, b.chip.shots) for b in experiments(layer)],
    )
    change(layer)
    assert all(b.chip.dtype == np.complex128 for b in experiments(layer))
    assert [(b.chip.writes, b.shots, b.chip.seed, b.chip.shots) for b in experiments(layer)] == history
    after = out(layer, x.to(DOUBLE[dtype]))
    assert after.dtype == DOUBLE.get(before.dtype)
    torch.testing.assert_close(after.detach().to(before.dtype), before, rtol=0, atol=2e-6)
    after.abs().sum().backward()
    assert all(p.grad.dtype in DOUBLE.values() for p in layer.parameters() if p.grad is not None)
    assert [b.chip.writes for b in experiments(layer)] == [writes for writes, *_ in history]
    layer.float()
    assert torch.equal(out(layer, x), out(twin, x))
    assert all(b.chip.dtype == np.complex64 for b in experiments(layer))


def test_double_precision_is_real():
    """Not single precision in a wider dtype: the chip without imperfections is the exact mesh to rounding."""
    for make in (lambda **o: Mesh(mesh.rectangular(4), seed=0, **o), lambda **o: Linear(4, 4, seed=0, **o)):
        exact, chip = make().double(), make(imperfections=Imperfections()).double()
        x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(chip(x), exact(x), rtol=0, atol=1e-14)


def test_noise_has_the_same_statistics():
    imperfections = Imperfections(detector_noise=0.1)
    layer = Mesh(mesh.rectangular(4), seed=0, imperfections=imperfections).double()
    exact = Mesh(mesh.rectangular(4), seed=0).double()
    x = torch.zeros(4000, 4, dtype=torch.complex128)
    x[:, 0] = 1
    error = torch.view_as_real((layer(x) - exact(x)).detach())
    single = torch.view_as_real(
        (Mesh(mesh.rectangular(4), seed=0, imperfections=imperfections)(x.to(torch.complex64)) - exact(x)).detach()
    )
    assert error.std().item() == pytest.approx(single.std().item(), rel=0.03)  # 5 standard errors: 2 %
    assert len(error.unique()) > 0.99 * error.numel()


def test_states_go_between_precisions_with_the_same_chip():
    x = torch.randn(3, 4, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    source = Mesh(mesh.rectangular(4), torch.complex128, seed=0, imperfections=IMPERFECTIONS)
    expected, writes = source(x), source.experiment.chip.writes
    single = Mesh(mesh.rectangular(4), seed=1, imperfections=Imperfections())
    single.load_state_dict(source.state_dict())
    assert (single.experiment.chip.dtype, single.theta.dtype) == (np.complex64, torch.float32)
    torch.testing.assert_close(single(x.to(torch.complex64)), expected.to(torch.complex64), rtol=0, atol=1e-6)
    assert single.experiment.chip.writes == writes
    back = Mesh(mesh.rectangular(4), torch.complex128, seed=1, imperfections=Imperfections())
    back.load_state_dict(single.state_dict())
    torch.testing.assert_close(back(x), expected, rtol=0, atol=1e-6)
    assert (back.experiment.chip.writes, back.experiment.chip.dtype) == (writes, np.complex128)
    single.load_state_dict(source.state_dict(), assign=True)
    assert torch.equal(single(x), source(x))


def test_complex_dtypes_change_the_precision_alone():
    with pytest.warns(UserWarning, match="Complex modules are a new feature"):  # torch's own
        layer = torch.nn.Sequential(
            Mesh(mesh.rectangular(4), seed=0), ModReLU(0.1, 4), ElectroOptic(), UnitaryRNN(4, 4).cell
        ).to(torch.complex128)
    assert {p.dtype for name, p in layer.named_parameters() if "inject" not in name} == {torch.float64}
    assert layer[3].inject.weight.dtype == torch.complex128
    layer(torch.ones(2, 4, dtype=torch.complex128)).abs().sum().backward()
    assert layer[3].to(torch.float32).inject.weight.dtype == torch.complex64  # the imaginary part stays
    assert layer[3].inject.weight.imag.any()


@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
@pytest.mark.parametrize("layer", [Linear(4, 4), Conv1d(2, 2, 1), retrolux.convert(torch.nn.Linear(3, 3)).blocks])
def test_real_layers_stay_real(layer):
    with pytest.raises(TypeError, match=r"a layer made in torch\.float32 stays real; make it with dtype=torch.complex"):
        layer.to(torch.complex64)
    assert layer.dtype == torch.float32 if hasattr(layer, "dtype") else layer.weight.dtype == torch.float32


@pytest.mark.parametrize(("make", "shape", "dtype"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize(("change", "name"), [(lambda m: m.half(), "float16"), (lambda m: m.bfloat16(), "bfloat16")])
def test_half_precision_is_refused(make, shape, dtype, change, name):
    layer = make()
    with pytest.raises(TypeError, match=rf"the settings of a mesh must be in float32 or float64, got torch\.{name}$"):
        change(layer)
    out(layer, torch.ones(shape, dtype=dtype))


class Laboratory:
    """A chip of one's own, which computes in single precision."""

    def __init__(self):
        self._chip = SimulatedChip(mesh.rectangular(4))
        self.topology, self.write, self.backward = self._chip.topology, self._chip.write, self._chip.backward

    @property
    def clock(self):
        return self._chip.clock

    def forward(self, x, **options):
        return Reading(*self._chip.forward(x, **options))


def test_chips_that_are_handed_in_follow_too():
    x = torch.ones(2, 4, dtype=torch.complex128)
    layer = Mesh(mesh.rectangular(4), torch.complex128, seed=0, chip=SimulatedChip(mesh.rectangular(4)))
    torch.testing.assert_close(layer(x), Mesh(mesh.rectangular(4), torch.complex128, seed=0)(x), rtol=0, atol=1e-14)
    mine = Mesh(mesh.rectangular(4), seed=0, chip=Laboratory(), gradient="sum_difference").double()
    y = mine(x)
    y.abs().sum().backward()
    assert (y.dtype, mine.theta.grad.dtype) == (torch.complex128, torch.float64)


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            Mesh(mesh.rectangular(4)),
            torch.ones(4, dtype=torch.float64),
            "x must be torch.complex64 or torch.float32 for phases in torch.float32, got torch.float64",
        ),
        (
            IntensityLinear(4, 2).double(),
            torch.ones(4),
            "x must be torch.complex128 or torch.float64 for phases in torch.float64, got torch.float32",
        ),
        (
            Mesh(mesh.rectangular(4), imperfections=IMPERFECTIONS),
            torch.ones(4, dtype=torch.int64),
            "x must be torch.complex64 or torch.float32, got torch.int64",
        ),
        (
            Linear(4, 4, imperfections=IMPERFECTIONS),
            torch.ones(4, dtype=torch.bool),
            "x must be torch.complex64 or torch.float32, got torch.bool",
        ),
        (
            Linear(4, 4, dtype=torch.complex64),
            torch.ones(4, dtype=torch.complex128),
            "x must be torch.complex64 or torch.float32, got torch.complex128",
        ),
        (
            UnitaryRNN(4, 4),
            torch.ones(1, 1, 4, dtype=torch.float64),
            "x must be torch.complex64 or torch.float32, got torch.float64",
        ),
        (
            UnitaryRNN(4, 4).double(),
            torch.ones(1, 1, 4, dtype=torch.int32),
            "x must be torch.complex128 or torch.float64, got torch.int32",
        ),
    ],
)
def test_light_that_does_not_fit_is_named(layer, x, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        layer(x)


def test_the_state_of_a_recurrence_must_fit():
    rnn = UnitaryRNN(4, 4)
    for call in (rnn, rnn.cell):
        x = torch.ones((1, 1, 4) if call is rnn else (1, 4))
        with pytest.raises(TypeError, match=r"^h must be torch\.complex64 or torch\.float32, got torch\.complex128$"):
            call(x, torch.zeros(1, 4, dtype=torch.complex128))
        call(x, torch.zeros(1, 4))


def test_what_counts_as_light():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64):
        assert as_light(torch.ones(2, dtype=dtype), torch.complex64).dtype == torch.complex64
    x = torch.ones(2, dtype=torch.complex128)
    assert as_light(x, torch.complex128) is x
    with pytest.raises(TypeError, match=r"x must be torch\.complex128 or torch\.float64, got torch\.float16"):
        as_light(torch.ones(2, dtype=torch.float16), torch.complex128)
