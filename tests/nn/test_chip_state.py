"""A layer on a chip: torch's optimisers, saving and resuming, partial training, reports, refusals."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import torch

import retrolux
from retrolux import mesh
from retrolux.gradient import METHODS, SumDifference, ThreeMeasurement, method_named
from retrolux.hardware import Imperfections, SimulatedChip
from retrolux.nn import Conv2d, Intensity, Linear, Mesh, Modulus, UnitaryRNN


def network(imperfections, gradient, dtype=torch.complex64, **options):
    meshes = [
        Mesh(
            mesh.rectangular(6),
            dtype,
            seed=i,
            imperfections=imperfections,
            gradient=gradient,
            chip_seed=i,
            train_gamma=i > 0,
            **options,
        )
        for i in range(2)
    ]
    return torch.nn.Sequential(meshes[0], Modulus(), meshes[1], Intensity(range(3)))


def data(dtype=torch.complex64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, 6, dtype=dtype, generator=generator), torch.randint(3, (40,), generator=generator)


def train(model, steps, optimizer=None):
    x, labels = data()
    optimizer = optimizer or torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, optimizer


@pytest.mark.parametrize("gradient", [name for name in METHODS if method_named(name).accuracy == "exact"])
def test_a_network_on_perfect_chips_learns_as_an_exact_one(gradient):
    exact, measured = network(None, "adjoint", torch.complex128), network(Imperfections(), gradient, torch.complex128)
    x, labels = data(torch.complex128)
    grads = []
    for model in (exact, measured):
        x_in = x.clone().requires_grad_()
        torch.nn.functional.cross_entropy(model(x_in), labels).backward()
        grads.append([x_in.grad, *(p.grad for p in model.parameters() if p.grad is not None)])
    assert len(grads[0]) == len(grads[1]) == 6
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("gradient", METHODS)
def test_every_method_trains_an_imperfect_chip(gradient):
    imperfections = Imperfections(coupler_std=0.02, tap_noise=0.002, io_phase_std=0.002)
    work = method_named(gradient).work(60)
    losses, _ = train(network(imperfections, gradient), 12 if work is not None and work.passes > 60 else 40)
    assert np.mean(losses[-4:]) < np.mean(losses[:4])


def test_noise_is_new_at_every_step_and_the_same_for_the_same_seed(everything):
    x, _ = data()
    outputs = []
    for _ in range(2):
        layer = Mesh(mesh.rectangular(6), seed=0, imperfections=everything)
        outputs.append([layer(x).detach() for _ in range(2)])
    assert not torch.equal(*outputs[0])
    assert torch.equal(outputs[0][0], outputs[1][0])
    assert torch.equal(outputs[0][1], outputs[1][1])


def test_threads_do_not_change_a_bit(monkeypatch, everything):
    results = []
    for threads in (1, 3):
        monkeypatch.setattr("retrolux.hardware.simulated.max_threads", lambda count=threads: count)
        monkeypatch.setattr("retrolux.hardware.philox.max_threads", lambda count=threads: count)
        model = network(everything, "three_measurement")
        train(model, 3)
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_a_chip_resumes_in_the_middle_of_training(everything):
    whole = network(everything, "sum_difference")
    expected, _ = train(whole, 8)
    first = network(everything, "sum_difference")
    losses, optimizer = train(first, 5)
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    # Another chip, until the saved one is loaded over it.
    second = network(Imperfections(tap_noise=0.5), "sum_difference")
    second.load_state_dict(saved["model"])
    optimizer = torch.optim.Adam(second.parameters(), 0.02)
    optimizer.load_state_dict(saved["optimizer"])
    more, _ = train(second, 3, optimizer)
    assert losses + more == expected
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_deep_copy_is_another_chip_of_the_same_kind(everything):
    model = network(everything, "sum_difference")
    train(model, 2)
    twin = copy.deepcopy(model)
    x, _ = data()
    assert torch.equal(twin(x), model(x))
    assert twin[0].experiment.chip is not model[0].experiment.chip


def test_phases_are_written_when_they_change_and_only_then():
    layer = Mesh(mesh.rectangular(4), seed=0, imperfections=Imperfections(phase_std=0.1))
    x = torch.ones(3, 4, dtype=torch.complex64)
    first = layer(x).detach()
    assert torch.equal(layer(x), first)  # the write error stays until the next write
    assert layer.experiment.chip.writes == 1
    with torch.no_grad():
        layer.theta[0] += 0.1
    layer(x)
    assert layer.experiment.chip.writes == 2


def test_partly_trained_meshes():
    mask = np.zeros((6, 2), bool)
    mask[2] = mask[4, 1] = True
    x = torch.randn(5, 4, dtype=torch.complex64)
    grads = []
    for chip in ({}, {"imperfections": Imperfections(), "gradient": "parameter_shift"}):
        layer = Mesh(mesh.rectangular(4), seed=0, trainable=mask, **chip)
        (layer(x).abs().square() * torch.arange(4)).sum().backward()
        assert torch.equal(layer.theta.grad != 0, torch.from_numpy(mask[:, 0]))
        assert torch.equal(layer.phi.grad != 0, torch.from_numpy(mask[:, 1]))
        grads.append(layer.theta.grad)
    torch.testing.assert_close(*grads, rtol=0, atol=1e-4)
    assert layer.experiment.shots == 5 * (1 + 2 * 3)  # forward; two shifts of each trained phase
    frozen = Mesh(mesh.rectangular(4), seed=0, imperfections=Imperfections(), train_gamma=False)
    frozen.theta.requires_grad_(False)
    frozen.phi.requires_grad_(False)
    assert not frozen(x).requires_grad


def test_it_reports_how_well_it_measured():
    x, _ = data()
    for noise, least, most in ((0.0, 0.99999, 1.00001), (0.05, 0.7, 0.9999)):
        layer = Mesh(
            mesh.rectangular(6), seed=0, imperfections=Imperfections(tap_noise=noise), gradient=SumDifference()
        )
        with pytest.raises(RuntimeError, match="cosine_to_exact needs a chip and a backward pass through it"):
            layer.cosine_to_exact()
        (layer(x).abs().square() * torch.arange(6)).sum().backward()
        assert least < layer.cosine_to_exact() < most
        assert layer.experiment.shots == 40 * 4  # forward, backward, sum, difference


@pytest.mark.filterwarnings("error")
def test_a_gradient_of_zero_has_no_direction():
    dark, loss_of_nothing, trained = torch.zeros(2, 4), torch.ones(2, 4), np.zeros((6, 2), bool)
    for x, mask, scale in ((dark, None, 1.0), (loss_of_nothing, None, 0.0), (torch.ones(2, 4), trained, 1.0)):
        layer = Mesh(mesh.rectangular(4), seed=0, imperfections=Imperfections(), trainable=mask)
        (scale * (layer(x).abs().square() * torch.arange(4)).sum()).backward()
        assert np.isnan(layer.cosine_to_exact())


def test_known_output_phases_come_from_the_model():
    """Powers are the chip's, phases the ideal mesh's: phase errors of the detector do not enter."""
    x, _ = data(torch.complex128)
    imperfections = Imperfections(io_phase_std=0.1, coupler_std=0.1)
    ideal = Mesh(mesh.rectangular(6), torch.complex128, seed=0)
    chips = [
        Mesh(mesh.rectangular(6), torch.complex128, seed=0, imperfections=imperfections, output_phase=phase)
        for phase in ("measured", "known")
    ]
    measured, known = (chip(x).detach() for chip in chips)
    torch.testing.assert_close(known.abs(), measured.abs(), rtol=0, atol=1e-14)
    torch.testing.assert_close(known.angle(), ideal(x).detach().angle(), rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="output_phase must be 'measured' or 'known', got 'guessed'"):
        Mesh(mesh.rectangular(6), imperfections=imperfections, output_phase="guessed")


@pytest.mark.slow
def test_per_sample_noise_and_its_aggregate_agree_in_law():
    """An ADC forces the taps to be read sample by sample; with many bits the law is that of the aggregate.

    Two-sample comparison of mean and variance of a gradient entry over 400 seeds, at 5 standard errors.
    """
    x = torch.randn(8, 4, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    entries = {}
    for bits in (None, 30):
        entries[bits] = []
        for seed in range(400):
            chip = SimulatedChip(mesh.rectangular(4), Imperfections(tap_noise=0.05, adc_bits=bits), seed, np.complex128)
            layer = Mesh(mesh.rectangular(4), torch.complex128, seed=0, chip=chip, gradient=ThreeMeasurement())
            (layer(x).abs().square() * torch.arange(4)).sum().backward()
            entries[bits].append(layer.theta.grad[2].item())
    a, b = (np.array(entries[bits]) for bits in (None, 30))
    assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / 400)
    assert abs(np.log(a.var() / b.var())) < 5 * np.sqrt(4 / 400)


def test_light_for_a_chip_is_checked():
    layer = Mesh(mesh.rectangular(4), seed=0, imperfections=Imperfections())
    with pytest.raises(ValueError, match=r"x must have shape \(…, modes\) = \(…, 4\), got \(2, 5\)"):
        layer(torch.ones(2, 5, dtype=torch.complex64))
    with pytest.raises(TypeError, match=r"x must be torch\.complex64 or torch.float32, got torch.complex128"):
        layer(torch.ones(2, 4, dtype=torch.complex128))
    with pytest.raises(ValueError, match="light for a chip must be on the CPU, got a tensor on meta"):
        layer(torch.ones(2, 4, dtype=torch.complex64, device="meta"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradient": "guess"}, r"gradient must be one of adjoint, .* got 'guess'"),
        ({"coupler_error": np.zeros((6, 2))}, "give coupler_error and loss_db, or a chip that has its own, not both"),
        ({"chip": SimulatedChip(mesh.rectangular(4))}, "give imperfections or a chip, not both"),
        ({"trainable": np.ones(6)}, r"trainable must have shape \(6, 2\), got \(6,\)"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Mesh(mesh.rectangular(4), **({"imperfections": Imperfections()} | options))


def test_a_chip_must_have_the_topology():
    with pytest.raises(
        ValueError, match=r"the chip must be a Topology.rectangular: 4 modes.*, got a Topology.triangular"
    ):
        Mesh(mesh.rectangular(4), chip=SimulatedChip(mesh.triangular(4)))


def test_repr_names_chip_and_method():
    layer = Mesh(mesh.rectangular(4), imperfections=Imperfections(tap_noise=0.01), gradient="lock_in")
    assert "SimulatedChip(" in repr(layer)
    assert "tap_noise=0.01" in repr(layer)
    assert "LockIn(steps=4" in repr(layer)


IMPERFECTIONS = Imperfections(coupler_std=0.05, phase_std=0.01)
DEPLOYED = {
    "mesh": (lambda **o: Mesh(mesh.rectangular(4), seed=0, **o), (3, 4)),
    "linear": (lambda **o: Linear(4, 3, seed=0, block=2, **o), (3, 4)),
    "conv": (lambda **o: Conv2d(1, 3, 2, seed=0, block=2, **o), (3, 1, 4, 4)),
    "rnn": (lambda **o: UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), seed=0, **o)), (3, 2, 2)),
    "converted": (lambda **o: retrolux.convert(torch.nn.Sequential(torch.nn.Linear(4, 4)), **o), (3, 4)),
}


@pytest.mark.parametrize(("make", "shape"), DEPLOYED.values(), ids=DEPLOYED)
def test_what_is_trained_ideal_is_deployed_on_chips(make, shape):
    torch.manual_seed(0)
    ideal, x = make(), torch.randn(shape)
    with torch.no_grad():
        for parameter in ideal.parameters():
            parameter.add_(0.1)
    on_chip, twin = make(imperfections=IMPERFECTIONS), make(imperfections=IMPERFECTIONS)
    chips = [
        module.experiment.chip for module in on_chip.modules() if hasattr(module, "experiment") and module.experiment
    ]
    state = {name: value.clone() for name, value in ideal.state_dict().items()}
    on_chip.load_state_dict(state)
    assert [
        module.experiment.chip for module in on_chip.modules() if hasattr(module, "experiment") and module.experiment
    ] == chips
    for a, b in zip(on_chip.parameters(), ideal.parameters(), strict=True):
        assert torch.equal(a, b)
    of_old = {name: value for name, value in state.items() if "_extra_state" not in name}
    twin.load_state_dict(of_old)
    results = [y[0] if isinstance(y, tuple) else y for y in (model(x) for model in (on_chip, twin, ideal))]
    assert torch.equal(results[0], results[1])  # each its own draw, which is the same
    assert 1e-4 < (results[0] - results[2]).abs().max() < 1
    # Back again the chips are lost, so that has to be asked for.
    trained = on_chip.state_dict()
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\) in state_dict: .*_extra_state"):
        make().load_state_dict(trained)
    back = make()
    found = back.load_state_dict(trained, strict=False)
    assert all(name.endswith("_extra_state") for name in found.unexpected_keys)
    assert not found.missing_keys
    assert torch.equal(next(back.parameters()), next(ideal.parameters()))


@pytest.mark.parametrize(("make", "shape"), DEPLOYED.values(), ids=DEPLOYED)
def test_a_chip_that_a_state_should_have_is_missed(make, shape):
    model = make(imperfections=IMPERFECTIONS)
    state = model.state_dict()
    last = [name for name in state if "chip" in name and name.endswith("_extra_state")][-1]
    with pytest.raises(RuntimeError, match=rf"Missing key\(s\) in state_dict: \"{last}\""):
        model.load_state_dict({name: value for name, value in state.items() if name != last})


@pytest.mark.parametrize(
    "damaged", [torch.zeros(5), torch.zeros(0), {}, {"shots": 1}, {"shots": "many"}, None, [], 3, "chip"]
)
def test_a_damaged_chip_is_named(damaged):
    layer = Mesh(mesh.rectangular(4), seed=0, imperfections=IMPERFECTIONS)
    chip = layer.experiment.chip
    with pytest.raises(RuntimeError, match=r"_chip\._extra_state: this is not the state of a chip"):
        layer.load_state_dict(layer.state_dict() | {"_chip._extra_state": damaged})
    assert (layer.experiment.chip, layer.experiment.shots) == (chip, 0)


def test_the_chip_of_another_mesh_is_named():
    state = Mesh(mesh.rectangular(6), seed=0, imperfections=IMPERFECTIONS).state_dict()
    layer = Mesh(mesh.rectangular(4), seed=0, imperfections=IMPERFECTIONS)
    message = (
        r"(?s)has Topology\(rectangular: 4 modes.*_chip\._extra_state: .*"
        r"fabrication\.coupler_error .* of shape \(6, 2\), got .* \(15, 2\)"
    )
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict(state)
    layer(torch.ones(4))
    saved = torch.load(io.BytesIO(bytes(layer.state_dict()["_chip._extra_state"].tolist())), weights_only=True)
    saved["written"] = saved["written"][:2]
    with pytest.raises(RuntimeError, match="written must be None or a list of theta, phi and gamma"):
        layer.load_state_dict(layer.state_dict() | {"_chip._extra_state": saved})


def test_chips_saved_as_dicts_load(everything):
    source = Mesh(mesh.rectangular(4), seed=0, imperfections=everything)
    x = torch.ones(3, 4)
    source(x)
    file = io.BytesIO(bytes(source.state_dict()["_chip._extra_state"].tolist()))
    state = source.state_dict() | {"_chip._extra_state": torch.load(file, weights_only=True)}
    assert isinstance(state["_chip._extra_state"], dict)
    del state["_extra_state"]
    other = Mesh(mesh.rectangular(4), seed=1, imperfections=IMPERFECTIONS)
    other.load_state_dict(state)
    assert torch.equal(other(x), source(x))
