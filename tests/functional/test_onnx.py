"""Exports to ONNX end in a sentence that says what to export instead."""

from __future__ import annotations

import io

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from retrolux import functional, mesh
from retrolux.nn import Conv2d, Linear, Mesh

MESSAGE = r"ONNX has no operators for meshes; export retrolux\.convert_back\(model\)"


@pytest.mark.filterwarnings("ignore")  # torch's own, of an exporter that it no longer develops
@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Linear(4, 4), torch.ones(2, 4)),
        (torch.nn.Sequential(Conv2d(1, 2, 2), torch.nn.ReLU()), torch.ones(1, 1, 3, 3)),
        (Mesh(mesh.rectangular(4)), torch.ones(2, 4, dtype=torch.complex64)),
    ],
)
def test_the_exporter_of_traces(layer, x):
    with pytest.raises(RuntimeError, match=MESSAGE):
        torch.onnx.export(layer.eval(), (x,), io.BytesIO(), dynamo=False)
    layer(x)


def test_the_exporter_of_programs(monkeypatch):
    """It needs onnxscript; what it does with a model is to send fake tensors through it, and to say that it exports."""
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    topology = mesh.rectangular(4)
    with FakeTensorMode():
        theta, gamma = torch.zeros(6), torch.zeros(4)
        with pytest.raises(RuntimeError, match=MESSAGE):
            functional.matrices(theta, theta, gamma, topology)
        with pytest.raises(RuntimeError, match=MESSAGE):
            functional.propagate(torch.ones(2, 4), theta, theta, gamma, topology, route="mesh")
