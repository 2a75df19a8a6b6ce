"""The same bits for any number of threads, and from many callers at once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retrolux import mesh


@pytest.mark.parametrize("batch", [1, 33, 601])
@pytest.mark.parametrize("error_gradients", [False, True])
def test_threads_do_not_change_a_bit(kernels, real, batch, error_gradients, draw, rng):
    case = draw(mesh.rectangular(32), batch, real, rng)
    y = case.forward(kernels)
    expected = case.adjoint(kernels, y, error_gradients=error_gradients)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(case.forward(kernels, threads), y)
        np.testing.assert_array_equal(case.reverse(kernels, threads), case.reverse(kernels))
        found = case.adjoint(kernels, y, threads, error_gradients)
        for name, gradient in found.items():
            np.testing.assert_array_equal(gradient, expected[name], err_msg=name)


def test_callers_do_not_disturb_each_other(kernels, real, draw, rng):
    cases = [draw(mesh.rectangular(17), 40 + i, real, rng) for i in range(8)]
    expected = [case.forward(kernels) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            for found, wanted in zip(pool.map(lambda case: case.forward(kernels), cases), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_the_gil_is_released(kernels, draw, rng):
    """While one thread is inside a long pass, this one goes on."""
    case = draw(mesh.rectangular(128), 4000, np.dtype("float64"), rng)
    done = threading.Event()

    def work() -> None:
        case.forward(kernels)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not done.is_set():
        turns += 1
    thread.join()
    assert turns > 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_can_go_on(kernels, draw, rng):
    """The child has none of its parent's threads; waiting for them would hang it for ever."""
    case = draw(mesh.rectangular(32), 601, np.dtype("float32"), rng)
    expected = case.forward(kernels, 2)
    child = os.fork()
    if child == 0:
        same = np.array_equal(case.forward(kernels, 2), expected)
        os._exit(0 if same else 1)
    watchdog = threading.Timer(20, os.kill, (child, 9))
    watchdog.start()
    _, status = os.waitpid(child, 0)
    watchdog.cancel()
    assert os.waitstatus_to_exitcode(status) == 0
