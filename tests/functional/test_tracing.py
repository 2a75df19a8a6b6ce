"""Programs that torch makes of light through a mesh: traced, compiled, exported, saved, and run somewhere else."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from retrolux import mesh, nn
from retrolux.functional import matrices, propagate
from retrolux.mesh.settings import Settings

ROUTES = ["mesh", "matrix"]
CLOSE = {"rtol": 0, "atol": 1e-13}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators")  # torch's own


def run(tensors, topology, route="auto"):
    x, theta, phi, gamma, *imperfections = tensors
    return propagate(x, theta, phi, gamma, topology, *imperfections, route=route)


def leaves(tensors):
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


class Through(torch.nn.Module):
    def __init__(self, tensors, topology, route):
        super().__init__()
        self.settings = torch.nn.ParameterList(tensors[1:])
        self.topology, self.route = topology, route

    def forward(self, x):
        return run((x, *self.settings), self.topology, self.route)


def fresh_process(code):
    """Run code in a Python that knows nothing of ours."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("route", ["auto", *ROUTES])
def test_jit_trace(topology, route, gradients, draw, tmp_path):
    module = Through(draw(topology), topology, route)
    x, other = draw(topology)[0], draw(topology, shape=(7,))[0]
    with torch.set_grad_enabled(gradients):
        traced = torch.jit.trace(module, x)
        torch.testing.assert_close(traced(other), module(other), **CLOSE)
    torch.jit.save(traced, tmp_path / "traced.pt")
    again = torch.jit.load(tmp_path / "traced.pt")
    for program in (module, again):
        program(other).abs().sum().backward()
    for got, wanted in zip(again.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(got.grad, wanted.grad, rtol=0, atol=1e-12)


def test_jit_trace_of_a_network(draw):
    network = torch.nn.Sequential(nn.Mesh(mesh.rectangular(8), seed=0), nn.Modulus(), nn.Linear(8, 5, seed=0))
    x, other = torch.randn(3, 8), torch.randn(11, 8)
    with torch.no_grad():
        network(x)  # keeps what it may keep between calls
        traced = torch.jit.trace(network, x)
        torch.testing.assert_close(traced(other), network(other))
        for parameter in network.parameters():
            parameter.add_(0.1)
        torch.testing.assert_close(traced(other), network(other))  # the parameters are the program's, not their values


def test_jit_trace_of_settings_that_are_views(draw):
    topology = mesh.rectangular(4)
    x, theta, phi, gamma, *_ = draw(topology)
    function = lambda both: propagate(x, both[:, 0], both[:, 1], gamma, topology)  # noqa: E731
    both = torch.stack([theta, phi], dim=1)
    with torch.no_grad():
        traced = torch.jit.trace(function, both, check_trace=False)
        torch.testing.assert_close(traced(both + 1), function(both + 1), **CLOSE)


@pytest.mark.parametrize("route", ROUTES)
def test_make_fx_records_the_kernels(topology, route, draw):
    tensors, others = draw(topology), draw(topology)
    graph = make_fx(lambda *t: run(t, topology, route))(*tensors)
    torch.testing.assert_close(graph(*others), run(others, topology, route), **CLOSE)


def test_modes_that_watch_operators_see_the_kernels(draw):
    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    topology = mesh.rectangular(4)
    with Watch():
        run(leaves(draw(topology)), topology, "mesh").abs().sum().backward()
    assert {"retrolux.forward.default", "retrolux.adjoint.default"} <= set(seen)


@pytest.mark.slow
def test_fullgraph_compilation(topology, draw):
    tensors = draw(topology, shape=(2, 3))
    for route in ("auto", *ROUTES):
        torch.compiler.reset()
        compiled = torch.compile(
            lambda *t, route=route: run(t, topology, route).abs().sum(), fullgraph=True, backend="aot_eager"
        )
        results = []
        for function in (compiled, lambda *t, route=route: run(t, topology, route).abs().sum()):
            inputs = leaves(tensors)
            loss = function(*inputs)
            loss.backward()
            results.append([loss.detach(), *(t.grad for t in inputs)])
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
def test_compiled_with_a_gradient_in_theta_alone(route, draw):
    """Operators return an empty tensor for each gradient that nobody wants; none of them may get through."""
    topology = mesh.rectangular(5)
    x, theta, *others = draw(topology, imperfect=False)
    torch.compiler.reset()
    results = []
    for wrap in (lambda f: f, lambda f: torch.compile(f, fullgraph=True, backend="aot_eager")):
        leaf = theta.clone().requires_grad_()
        wrap(lambda t: run((x, t, *others), topology, route).abs().sum())(leaf).backward()
        results.append(leaf.grad)
    torch.testing.assert_close(*results, rtol=0, atol=1e-13)


@pytest.mark.slow
def test_operators_pass_opcheck(draw):
    topology = mesh.rectangular(4)
    x, *settings = draw(topology)
    ops = torch.ops.retrolux
    for imperfections in (settings[3:], [None, None]):
        mesh_of = (topology.code, *Settings(*settings[:3], *imperfections))
        torch.library.opcheck(ops.forward.default, (*mesh_of, x))
        torch.library.opcheck(ops.reverse.default, (*mesh_of, x))
        *trained, light = leaves((*settings[:3], x))
        torch.library.opcheck(ops.forward.default, (topology.code, *Settings(*trained, *imperfections), light))
        y = ops.forward(*mesh_of, x)
        for wanted in ((True, True), (False, False)):
            given = None if imperfections[1] is None else x
            torch.library.opcheck(ops.adjoint.default, (*mesh_of, y, x, given, *wanted))


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("route", ["auto", *ROUTES])
def test_export_saves_what_runs_with_any_batch_in_a_fresh_process(route, strict, draw, tmp_path):
    topology = mesh.from_columns(5, [[(4, 0), (1, 3)], [(2, 4)]])  # of a layout that nobody else has
    module = Through(draw(topology), topology, route)
    x = draw(topology, shape=(3,))[0]
    dynamic = ({0: torch.export.Dim("batch", min=2)},)
    program = torch.export.export(module, (x,), dynamic_shapes=dynamic, strict=strict)
    torch.export.save(program, tmp_path / "program.pt2")
    many = draw(topology, shape=(1000,))[0]
    torch.save((many, module(many).detach()), tmp_path / "light.pt")
    code = f"""
import torch, retrolux.nn
program = torch.export.load({str(tmp_path / "program.pt2")!r}).module()
x, y = torch.load({str(tmp_path / "light.pt")!r})
print(float((program(x) - y).abs().max().detach()))
"""
    assert float(fresh_process(code)) < 1e-13


@pytest.mark.slow
def test_a_traced_program_runs_in_a_fresh_process(draw, tmp_path):
    topology = mesh.from_columns(5, [[(4, 1), (0, 3)], [(2, 4)]])
    module = Through(draw(topology), topology, "mesh")
    x = draw(topology)[0]
    torch.jit.save(torch.jit.trace(module, x), tmp_path / "traced.pt")
    torch.save((x, module(x).detach()), tmp_path / "light.pt")
    code = f"""
import torch, retrolux.nn
x, y = torch.load({str(tmp_path / "light.pt")!r})
print(float((torch.jit.load({str(tmp_path / "traced.pt")!r})(x) - y).abs().max().detach()))
"""
    assert float(fresh_process(code)) < 1e-13


def test_an_exported_program_outlives_its_topology(draw):
    def made():
        topology = mesh.from_columns(6, [[(5, 0)], [(1, 5), (2, 4)]])
        module = Through(draw(topology), topology, "mesh")
        x = draw(topology)[0]
        return torch.export.export(module, (x,)), x, module(x)

    program, x, y = made()
    gc.collect()
    torch.testing.assert_close(program.module()(x), y, **CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
def test_a_graph_outlives_its_topology(route, draw):
    """`mesh.rectangular(4)` as an argument is gone before the backward pass."""
    x, theta, phi, gamma = (t.requires_grad_() for t in draw(mesh.rectangular(4), imperfect=False))
    y = propagate(x, theta, phi, gamma, mesh.from_columns(4, mesh.rectangular(4).columns), route=route)
    gc.collect()
    y.abs().sum().backward()
    u = matrices(theta, phi, gamma, mesh.from_columns(4, mesh.rectangular(4).columns))
    gc.collect()
    (torch.view_as_real(u) ** 3).sum().backward()

    def loss():
        return nn.Mesh(mesh.from_columns(4, [[(2, 0)], [(3, 1)]]), seed=0)(torch.ones(4)).abs().sum()

    made = loss()
    gc.collect()
    made.backward()
    assert theta.grad.abs().sum() > 0


@pytest.mark.parametrize("route", ["auto", *ROUTES])
def test_meta_tensors_have_shapes_alone(topology, route, draw):
    tensors = [t.to("meta").requires_grad_() for t in draw(topology, shape=(2, 3))]
    y = run(tensors, topology, route)
    assert (y.device.type, y.shape, y.dtype) == ("meta", (2, 3, topology.modes), torch.complex128)
    y.abs().sum().backward()
    assert all(t.grad.shape == t.shape and t.grad.is_meta for t in tensors)
