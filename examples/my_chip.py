"""Train a chip of your own: a driver skeleton for a laboratory, tried here on a fake instrument behind a socket.

    python examples/my_chip.py

Fill in `Instrument` with what your electronics needs; the gradient methods ask for nothing else. The fake instrument
below stands for the laboratory: it listens on this machine only, and a simulated chip with noise does its work.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading

import numpy as np
import torch

from retrolux import hardware, mesh
from retrolux.hardware import Reading
from retrolux.nn import Mesh


class Instrument:
    """A chip behind a TCP connection. The five members below are all of `retrolux.hardware.Chip`."""

    def __init__(self, address, topology):
        self.topology = topology
        self.clock = 0.0
        self._stream = socket.create_connection(address, timeout=10).makefile("rw")

    def write(self, theta, phi, gamma):
        # Here: phases to heater voltages by your calibration, voltages to the drivers, and wait until it is warm.
        self._ask("write", theta=theta.tolist(), phi=phi.tolist(), gamma=gamma.tolist())

    def forward(self, x, *, taps="none", weights=None, detect=True):
        # Here: set the modulators on the left, trigger, read the coherent receivers on the right and the tap detectors.
        return self._light("forward", x, taps, weights, detect)

    def backward(self, x, *, taps="none", weights=None, detect=True):
        # Here: the same with the modulators on the right and the receivers on the left.
        return self._light("backward", x, taps, weights, detect)

    def _light(self, direction, x, taps, weights, detect):
        answer = self._ask(direction, re=x.real.tolist(), im=x.imag.tolist(), each=taps != "none", detect=detect)
        self.clock = answer["clock"]
        output = np.array(answer["re"], x.real.dtype) + 1j * np.array(answer["im"], x.real.dtype)  # empty: not detected
        if taps == "none":
            return Reading(output.astype(x.dtype), None)
        powers = np.array(answer["taps"], x.real.dtype)  # every sample's; a sum over the batch is ours to make
        if taps == "sum":
            powers = powers.sum(axis=0) if weights is None else np.einsum("b,bkt->kt", weights, powers)
        return Reading(output.astype(x.dtype), powers)

    def _ask(self, request, **arguments):
        self._stream.write(json.dumps({"request": request, **arguments}) + "\n")
        self._stream.flush()
        answer = json.loads(self._stream.readline())
        if "error" in answer:
            raise RuntimeError(f"the instrument refused {request}: {answer['error']}")
        return answer


class FakeInstrument(socketserver.StreamRequestHandler):
    """What the laboratory does: one JSON object a line in, one out."""

    chip: hardware.SimulatedChip

    def handle(self):
        for line in self.rfile:
            try:
                answer = self.do(**json.loads(line))
            except (TypeError, ValueError, RuntimeError) as error:
                answer = {"error": str(error)}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def do(self, request, **arguments):
        if request == "write":
            self.chip.write(*(np.array(arguments[name]) for name in ("theta", "phi", "gamma")))
            return {}
        send = {"forward": self.chip.forward, "backward": self.chip.backward}[request]
        x = np.array(arguments["re"]) + 1j * np.array(arguments["im"])
        reading = send(x, taps="each" if arguments["each"] else "none", detect=arguments["detect"])
        taps = None if reading.taps is None else reading.taps.tolist()
        return {
            "re": reading.output.real.tolist(),
            "im": reading.output.imag.tolist(),
            "taps": taps,
            "clock": self.chip.clock,
        }


def main():
    topology = mesh.rectangular(4)
    imperfections = hardware.Imperfections(coupler_std=0.05, phase_offset_std=0.3, tap_noise=0.005, io_phase_std=0.002)
    FakeInstrument.chip = hardware.SimulatedChip(topology, imperfections, seed=1)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), FakeInstrument) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()

        # From here on it is an ordinary torch layer.
        layer = Mesh(topology, seed=0, chip=Instrument(server.server_address, topology), gradient="sum_difference")
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
        x = torch.randn(64, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
        target = x @ torch.tensor(mesh.haar_unitary(4, np.random.default_rng(0)), dtype=torch.complex64).mT
        for step in range(151):
            loss = (layer(x) - target).abs().square().mean()
            if step % 25 == 0:
                print(f"step {step:3d}  error {loss.item():.4f}  shots {layer.experiment.shots}")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        server.shutdown()
    return loss.item()


if __name__ == "__main__":
    main()
