"""What was published: test errors on MNIST with SGD, the mean of the last ten epochs, as fractions.

Pai et al., Science 380, 398 (2023), notebook "Scalability of in situ backpropagation": 64 modes, batches of 600, 100
epochs, one error at a time.
"""

from __future__ import annotations

__all__ = ["PUBLISHED", "WITHOUT_ERROR"]

WITHOUT_ERROR = 0.0297
PUBLISHED = {
    "tap_noise": (0.01, 0.0391),
    "io_phase_std": (0.05, 0.0470),
    "io_amplitude_std": (0.05, 0.0318),
    "loss_db_std": (0.05, 0.0301),
}
"""Value of each error, and the test error with it."""
