"""What exports to ONNX are told: that format knows neither meshes nor complex numbers."""

from __future__ import annotations

import torch

__all__ = ["refuse_onnx"]


def refuse_onnx() -> None:
    """Refuse to be exported to ONNX; asked where torch traces or fakes alone.

    Raises
    ------
    RuntimeError
        In an export.
    """
    if torch.onnx.is_in_onnx_export():
        raise RuntimeError(
            "ONNX has no operators for meshes; export retrolux.convert_back(model), which has digital layers of the "
            "same function in the place of Linear, Conv1d and Conv2d"
        )
