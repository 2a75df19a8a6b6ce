"""Train a photonic neural network on handwritten digits, in a few seconds.

    python examples/quick_start.py

Two meshes of 64 modes, the modulus of the light between them, and ten photodetectors at the end.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from retrolux import data, mesh, nn

digits = data.digits()
print(digits)

topology = mesh.triangular(64)
network = torch.nn.Sequential(
    nn.Mesh(topology, seed=1, train_gamma=False),
    nn.Modulus(),
    nn.Mesh(topology, seed=2, train_gamma=False),
    nn.Intensity(ports=range(10)),
)
print(network)

torch.manual_seed(0)
torch.set_num_threads(1)  # the batches are too small to share
optimizer = torch.optim.Adam((p for p in network.parameters() if p.requires_grad), lr=0.01)
GAIN = 100.0  # logits per unit of detected power; a sample carries power 1

for epoch in range(1, 41):
    for batch in torch.randperm(len(digits.train_x)).split(64):
        loss = F.cross_entropy(GAIN * network(digits.train_x[batch]), digits.train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            correct = network(digits.test_x).argmax(dim=1) == digits.test_y
        print(f"epoch {epoch}: test accuracy {100 * correct.double().mean():.1f} %")
