"""What a state dict says of its layer: another thing of the same sizes is refused, what should load does."""

from __future__ import annotations

import io

import pytest
import torch

from retrolux import mesh
from retrolux.hardware import Imperfections
from retrolux.nn import Blocks, Conv1d, Conv2d, IntensityLinear, Linear, Mesh, UnitaryRNN

IMPERFECTIONS = Imperfections(coupler_std=0.02, phase_std=0.01)
PAIRS = {
    "mesh": (lambda: Mesh(mesh.rectangular(6), seed=0), lambda: Mesh(mesh.triangular(6), seed=1)),
    "blocks": (lambda: Blocks(4, 4, block=4), lambda: Blocks(4, 4, block=mesh.triangular(4))),
    "linear": (lambda: Linear(4, 4, block=4), lambda: Linear(4, 4, block=mesh.triangular(4))),
    "conv": (lambda: Conv2d(1, 4, 2, block=4), lambda: Conv2d(1, 4, 2, block=mesh.triangular(4))),
    "rnn": (lambda: UnitaryRNN(2, 4), lambda: UnitaryRNN(2, 4, Mesh(mesh.triangular(4)))),
    "intensity": (lambda: IntensityLinear(4, 2), lambda: IntensityLinear(4, 2, mesh=Mesh(mesh.triangular(4)))),
    "chip": (
        lambda: Mesh(mesh.rectangular(6), imperfections=IMPERFECTIONS),
        lambda: Mesh(mesh.triangular(6), imperfections=IMPERFECTIONS),
    ),
}


@pytest.mark.parametrize(("one", "other"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("strict", [True, False])
def test_a_state_of_another_topology_is_refused(one, other, strict):
    layer = other()
    before = {name: p.detach().clone() for name, p in layer.named_parameters() if p.shape and "bias" not in name}
    message = r"has Topology\(triangular: [46] modes.*, the state to load has Topology\(rectangular: [46] modes"
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict(one().state_dict(), strict=strict)
    phases = [name for name in before if name.rpartition(".")[2] in ("theta", "phi", "gamma")]
    assert all(torch.equal(layer.get_parameter(name), before[name]) for name in phases)
    assert len(phases) == 3


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            Linear(8, 7, bias=False, block=4),
            Linear(7, 8, bias=False, block=4),
            r"has a weight of shape \(8, 7\), .* has a weight of shape \(7, 8\)",
        ),
        (
            Conv2d(4, 8, 1, bias=False, block=4),
            Conv2d(1, 8, 2, bias=False, block=4),
            r"has a weight of shape \(8, 1, 2, 2\), .* has a weight of shape \(8, 4, 1, 1\)",
        ),
        (Linear(4, 8), Conv1d(4, 8, 1), r"has a weight of shape \(8, 4, 1\), .* has a weight of shape \(8, 4\)"),
        (Blocks(4, 4), Blocks(4, 4, dtype=torch.complex64), "has a complex matrix of .* has a real matrix of"),
        (
            Blocks(8, 7, block=4),
            Blocks(7, 8, block=4),
            r"real matrix of \(groups, rows, columns\) = \(1, 7, 8\), .*\(1, 8, 7\)",
        ),
    ],
)
def test_a_state_of_another_weight_is_refused(one, other, message):
    with pytest.raises(RuntimeError, match=message):
        other.load_state_dict(one.state_dict())


def test_topologies_that_look_alike_are_told_apart():
    columns = [[(0, 1), (2, 3)], [(1, 2)]]
    one, other = (mesh.from_columns(4, order) for order in (columns * 2, [*columns, *columns[::-1]]))
    assert repr(one) == repr(other)
    message = rf"has Topology\(custom: .*\) \({one.key}\), the state to load has Topology\(custom: .*\) \({other.key}\)"
    with pytest.raises(RuntimeError, match=message):
        Mesh(one).load_state_dict(Mesh(other).state_dict())


def test_equal_topologies_load_whatever_their_names():
    same = mesh.from_columns(4, mesh.rectangular(4).columns, name="mine")
    layer, source = Mesh(same, seed=0), Mesh(mesh.rectangular(4), seed=1)
    layer.load_state_dict(source.state_dict())
    assert torch.equal(layer.theta, source.theta)


@pytest.mark.parametrize("make", [lambda: Mesh(mesh.rectangular(6)), lambda: Linear(5, 3), lambda: UnitaryRNN(2, 4)])
@pytest.mark.parametrize("chips", [False, True])
def test_what_people_do_to_states(make, chips):
    def layer():
        torch.manual_seed(0)
        if not chips:
            return make()
        ideal = make()
        if isinstance(ideal, Mesh):
            return Mesh(ideal.topology, imperfections=IMPERFECTIONS)
        if isinstance(ideal, Linear):
            return Linear(5, 3, imperfections=IMPERFECTIONS)
        return UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), imperfections=IMPERFECTIONS))

    source = layer()
    state = source.state_dict()
    copies = [
        {name: value.clone() for name, value in state.items()},
        {name: value.to(torch.float64) for name, value in state.items() if not value.is_complex()}
        | {name: value for name, value in state.items() if value.is_complex()},
    ]
    if not chips:
        copies.append({name: (value + value) / 2 for name, value in state.items()})  # an average of two
        copies.append({name: value for name, value in state.items() if not name.endswith("_extra_state")})  # of old
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    copies.append(torch.load(file, weights_only=True))
    for changed in copies:
        twin = layer()
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.zero_()
        twin.load_state_dict(changed)
        for a, b in zip(source.parameters(), twin.parameters(), strict=True):
            assert torch.equal(a, b)
        assert {name: torch.equal(value, state[name]) for name, value in twin.state_dict().items()} == dict.fromkeys(
            state, True
        )


def test_states_go_between_precisions_and_compiled_models():
    source, layer = Linear(5, 3, dtype=torch.float64, seed=0), Linear(5, 3, seed=1)
    layer.load_state_dict(source.state_dict())
    torch.testing.assert_close(layer.weight, source.weight.float())
    compiled = torch.compile(Linear(5, 3, seed=2), backend="eager")
    compiled.load_state_dict({f"_orig_mod.{name}": value for name, value in layer.state_dict().items()})
    assert torch.equal(compiled.weight, layer.weight)
    with torch.device("meta"):
        empty = Linear(5, 3)
    empty.load_state_dict(source.state_dict(), assign=True)
    assert torch.equal(empty.weight, source.weight)


def test_unreadable_descriptions_are_refused():
    layer = Mesh(mesh.rectangular(4))
    for damaged in (torch.zeros(7), torch.tensor([91, 93]), {}, None, torch.full((3,), torch.nan)):
        with pytest.raises(RuntimeError, match=r"the layer \(Mesh\) finds no description of a layer in _extra_state"):
            layer.load_state_dict(layer.state_dict() | {"_extra_state": damaged})
