"""`retrolux info`: what is installed and how it was built."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Info"]


@dataclass(frozen=True)
class Info:
    """Print the version, the compiler, the instruction sets and the threads."""

    def run(self) -> int:
        """Print one line per fact."""
        import torch  # noqa: PLC0415 - slow, and not needed for --help

        from retrolux import _kernels  # noqa: PLC0415 - as above

        facts = {**_kernels.info(), "torch": torch.__version__, "torch threads": torch.get_num_threads()}
        width = max(len(name) for name in facts)
        for name, fact in facts.items():
            print(f"{name:<{width}}  {fact}")
        return 0
