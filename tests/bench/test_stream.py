"""Gradients that add up over chunks are those of the whole batch."""

from __future__ import annotations

import pytest
import stream
import torch


def test_chunks_and_streams_give_the_gradients_of_the_batch(monkeypatch):
    monkeypatch.setattr(stream, "_CHUNK", 7)
    assert [len(chunk) for chunk in stream.source(10, 16)] == [7, 7, 2]
    gradients = {way: stream.gradient(10, 16, way)() for way in ("at once", "chunks", "streamed")}
    stream.require_equal(gradients)
    assert all(torch.equal(a, b) for a, b in zip(gradients["chunks"], gradients["streamed"], strict=True))
    wrong = {**gradients, "streamed": [2 * gradient for gradient in gradients["streamed"]]}
    with pytest.raises(ValueError, match=r"gradients must agree to 1e-3, got a relative difference of 1\.0e\+00"):
        stream.require_equal(wrong)


def test_light_that_does_not_fit_is_only_streamed():
    assert stream.ways(64, 10**6) == ("at once", "chunks", "streamed")
    assert stream.ways(256, 10**6) == ("streamed",)
