"""Two processes of DistributedDataParallel train as one does."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch.distributed as dist
from _data_parallel import Case, Trainer, join, losses
from torch import multiprocessing

from retrolux.study import TrainConfig

CONFIG = replace(TrainConfig.recommended("mnist", "sgd"), modes=12, batch=20, dtype="complex128")
CASES = [Case(route, CONFIG, route, 1) for route in ("mesh", "matrix")]
STEPS = 6


def worker(rank, folder):
    join(rank, folder)
    trainers = [Trainer(case, rank, 2, exchanging=True) for case in CASES]
    found = [losses(trainer, STEPS, shared=True) for trainer in trainers]
    Path(folder, str(rank)).write_text(json.dumps(found))
    while not Path(folder, str(1 - rank)).exists():
        time.sleep(0.01)
    # Threads of torch that outlive a process group have aborted Python's end of a process that had done its work.
    os._exit(0)


@pytest.mark.slow
@pytest.mark.skipif(not dist.is_gloo_available(), reason="torch was built without gloo")
def test_losses_of_two_processes_are_those_of_one(tmp_path):
    multiprocessing.spawn(worker, (str(tmp_path),), nprocs=2)
    expected = [losses(Trainer(case), STEPS, shared=False) for case in CASES]
    assert expected[0][-1] < 0.999 * expected[0][0]
    for rank in range(2):
        for found, wanted in zip(json.loads((tmp_path / str(rank)).read_text()), expected, strict=True):
            assert found == pytest.approx(wanted, rel=1e-12)
