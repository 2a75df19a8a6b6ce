"""The same bits for any number of threads, and from many callers at once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh.settings import Settings


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


def tapped(name, backward, weighted):
    def call(kernels, case, threads):
        mzis, real = case.topology.mzis, case.settings["theta"].dtype
        y, each, total = np.empty_like(case.x), np.empty((len(case.x), mzis, 2), real), np.empty((mzis, 2), real)
        sums = {"weight": np.ones(len(case.x), real), "total": total, "second": np.empty_like(total)}
        taps = sums if weighted else {"each": each}
        kernel = kernels.backward_taps if backward else kernels.forward_taps
        kernel(case.topology.layout, case.record, case.x, y, **taps, threads=threads)
        return [y, *taps.values()]

    return {name: call}


def matrices(kernels, case, threads):
    stacked = {name: np.stack([setting] * 9) for name, setting in case.settings.items()}
    settings, room = Settings(**stacked), {name: np.empty_like(setting) for name, setting in stacked.items()}
    shape, layout = (9, case.topology.modes, case.topology.modes), case.topology.layout
    u = np.empty(shape, case.x.dtype)
    kernels.matrices(layout, settings, u, threads)
    kernels.matrices_adjoint(layout, settings, u, u, Settings(**room), threads)
    return [u, *room.values()]


def light(kernels, case, threads):
    x, real = case.x, case.settings["theta"].dtype
    y, norm, size, z = np.empty_like(x), np.empty(len(x), real), np.empty(x.shape, real), np.empty_like(x)
    kernels.superpose(x, case.grad_y, 0.6 + 0.8j, True, True, y, norm, threads)
    kernels.scale(y, norm, True, z, threads)
    kernels.modulus(z, size, threads)
    kernels.modulus_adjoint(x, size, norm[:, None] * size, z, threads)
    return [y, norm, size, z]


def noise(kernels, case, threads):
    y, noisy = np.empty_like(case.x), np.empty(case.x.shape, case.settings["theta"].dtype)
    drawn, uniform = np.empty(300_000, np.float32), np.empty(300_000, np.float32)
    gain = np.ones(case.topology.modes, noisy.dtype)
    kernels.disturb(case.x, y, gain, 0.1, 0.2, 0.3, 7, 3, 4, 5, threads)
    kernels.add_noise(np.abs(case.x), np.abs(case.x), 0.3, 7, 3, 5, noisy, threads)
    kernels.normals(drawn, 7, 3, 5, 11, threads)
    kernels.uniforms(uniform, 7, 3, 5, 11, threads)
    return [y, noisy, drawn, uniform]


def sparse(kernels, case, threads):
    rows = 200_000
    starts, columns = np.arange(0, 3 * rows + 1, 3, np.int32), np.arange(3 * rows, dtype=np.int32) % rows
    y = np.empty(rows)
    kernels.multiply(starts, columns, np.ones(3 * rows), np.arange(rows) / 7, y, threads)
    return [y]


EVERY_OTHER = {
    **tapped("each tap", False, False),
    **tapped("each tap, backward", True, False),
    **tapped("sums of taps", False, True),
    **tapped("sums of taps, backward", True, True),
    "matrices": matrices,
    "light": light,
    "noise": noise,
    "sparse": sparse,
}


@pytest.mark.parametrize("name", EVERY_OTHER)
@pytest.mark.parametrize("imperfect", [False, True])
def test_threads_do_not_change_a_bit_of_any_other_kernel(kernels, real, name, imperfect, draw, rng):
    """With work enough to wake several."""
    case = draw(mesh.rectangular(24), 1100, real, rng, imperfect)
    if not imperfect:
        case.settings |= {"coupler_error": np.zeros((case.topology.mzis, 2), real)}
        case.settings |= {"loss_db": np.zeros((case.topology.mzis, 4), real)}
    expected = EVERY_OTHER[name](kernels, case, 1)
    for threads in (2, 5):
        for found, wanted in zip(EVERY_OTHER[name](kernels, case, threads), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


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


@pytest.mark.parametrize("threads", [100_000, 2**31 - 1])
def test_more_threads_than_a_system_gives(kernels, threads, draw, rng):
    """They are asked for within reason: a system that has no more ends the process."""
    case = draw(mesh.rectangular(16), 60_000, np.dtype("float32"), rng)
    np.testing.assert_array_equal(case.forward(kernels, threads), case.forward(kernels))


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
