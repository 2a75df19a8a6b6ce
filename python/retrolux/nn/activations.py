"""Activations: nonlinear functions of the light between two meshes, mode by mode.

Every module takes real or complex fields of any shape ``(…, modes)`` and treats each number on its own.
|z|² is a power, in units of the field squared. Values and gradients are finite everywhere, z = 0 included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn

from retrolux._kernels import kernels
from retrolux._plain import apply, is_plain, is_traced, is_transformed
from retrolux.nn.dtypes import keeping_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

__all__ = [
    "ACTIVATIONS",
    "CReLU",
    "ElectroOptic",
    "ModReLU",
    "Modulus",
    "NamedActivation",
    "Power",
    "SaturableAbsorber",
    "ZReLU",
    "modulus",
    "power",
]


def power(z: Tensor) -> Tensor:
    """Return the optical power |z|².

    Parameters
    ----------
    z : Tensor, any shape, real or complex
        Field.

    Returns
    -------
    Tensor, same shape, real
        |z|², smooth everywhere.
    """
    return z.real.square() + z.imag.square() if z.is_complex() else z.square()


def modulus(z: Tensor) -> Tensor:
    """Return the field amplitude |z|.

    Parameters
    ----------
    z : Tensor, any shape, real or complex
        Field.

    Returns
    -------
    Tensor, same shape, real
        |z|; its gradient z/|z| is 0 at z = 0, where the derivative does not exist.
    """
    if is_traced() or is_transformed():
        return _composed_modulus(z)
    return cast("Tensor", apply(_Modulus, z))


class Modulus(nn.Module):
    """Field amplitude: f(z) = |z|, real.

    A power measurement followed by re-modulation of the square root; Pai et al., Science 380, 398 (2023). The
    derivative does not exist at z = 0; the gradient there is 0.
    """

    def forward(self, z: Tensor) -> Tensor:
        """Return |z|, real, with the shape of `z`."""
        return modulus(z)


class Power(nn.Module):
    """Optical power: f(z) = |z|², real; what a photodetector sees."""

    def forward(self, z: Tensor) -> Tensor:
        """Return |z|², real, with the shape of `z`."""
        return power(z)


class _Trained(nn.Module):
    """An activation with real parameters, which all modes share or each has of its own."""

    def __init__(self, modes: int | None, **initial: float) -> None:
        if modes is not None and modes < 1:
            raise ValueError(f"modes must be at least 1, got {modes}")
        for name, value in initial.items():
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")
        super().__init__()
        self._initial = initial
        for name in initial:
            self.register_parameter(name, nn.Parameter(torch.empty(() if modes is None else (modes,))))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all parameters as they were at first."""
        for name, value in self._initial.items():
            nn.init.constant_(getattr(self, name), value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return super()._apply(keeping_kind(fn), recurse)  # type: ignore[no-any-return, no-untyped-call]


class ModReLU(_Trained):
    """A dead zone in amplitude that keeps the phase: f(z) = ReLU(|z| + b) z/|z|.

    Arjovsky et al., "Unitary evolution recurrent neural networks", ICML (2016), eq. 8. The phase of z = 0 is
    undefined: the output and the gradients are 0 there. Close to 0 the gradient grows as b/|z| when b > 0.

    Parameters
    ----------
    bias : float
        Initial b, in units of the field. Negative: amplitudes below −b are blocked. 0: identity.
    modes : int, optional
        Give each mode its own b, shape (modes,); without it one b serves all.

    Attributes
    ----------
    bias : Parameter, float32, shape () or (modes,)
        b, trained.
    """

    bias: nn.Parameter

    def __init__(self, bias: float = 0.0, modes: int | None = None) -> None:
        super().__init__(modes, bias=bias)

    def forward(self, z: Tensor) -> Tensor:
        """Return ReLU(|z| + b) z/|z|, with the shape and dtype of `z`."""
        size = modulus(z)
        # 1/|z|² overflows long before |z| underflows: such light counts as none.
        lit = size > math.sqrt(torch.finfo(size.dtype).tiny)
        return torch.where(lit, (size + self.bias).relu() / torch.where(lit, size, 1.0), 0.0) * z


class ZReLU(nn.Module):
    """Pass the first quadrant: f(z) = z where Re z ≥ 0 and Im z ≥ 0, else 0.

    Guberman, "On complex valued convolutional neural networks", arXiv:1602.09046 (2016). ReLU on real fields.
    """

    def forward(self, z: Tensor) -> Tensor:
        """Return `z` where its phase lies in [0, π/2] and 0 elsewhere."""
        passed = (z.real >= 0) & (z.imag >= 0) if z.is_complex() else z >= 0
        return torch.where(passed, z, 0.0)


class CReLU(nn.Module):
    """Rectify both quadratures: f(z) = ReLU(Re z) + i ReLU(Im z).

    Trabelsi et al., "Deep complex networks", ICLR (2018). ReLU on real fields.
    """

    def forward(self, z: Tensor) -> Tensor:
        """Return ReLU(Re z) + i ReLU(Im z), with the shape and dtype of `z`."""
        return torch.complex(z.real.relu(), z.imag.relu()) if z.is_complex() else z.relu()


class SaturableAbsorber(nn.Module):
    """An absorber that bleaches: f(z) = z exp(−(α₀/2) / (1 + |z|²/P_sat)).

    Two-level absorption of resonant optical depth α₀; Guo et al., "Backpropagation through nonlinear units
    for the all-optical training of neural networks", Photonics Research 9, B71 (2021). The power of weak
    light is attenuated by e^(−α₀); strong light passes.

    Parameters
    ----------
    optical_depth : float
        α₀ ≥ 0.
    saturation_power : float
        P_sat > 0, in units of |z|².

    Raises
    ------
    ValueError
        When `optical_depth` or `saturation_power` is out of range.
    """

    def __init__(self, optical_depth: float = 1.0, saturation_power: float = 1.0) -> None:
        if not 0 <= optical_depth < math.inf:
            raise ValueError(f"optical_depth must be a finite number of at least 0, got {optical_depth}")
        if not 0 < saturation_power < math.inf:
            raise ValueError(f"saturation_power must be a finite number above 0, got {saturation_power}")
        super().__init__()
        self.optical_depth = optical_depth
        self.saturation_power = saturation_power

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"optical_depth={self.optical_depth}, saturation_power={self.saturation_power}"

    def forward(self, z: Tensor) -> Tensor:
        """Return the transmitted field, with the shape and dtype of `z`."""
        return z * torch.exp(-0.5 * self.optical_depth / (1.0 + power(z) / self.saturation_power))


class ElectroOptic(_Trained):
    """A modulator driven by a tap of its own light.

    f(z) = i √(1−α) e^(−iu/2) cos(u/2) z with u = g|z|² + φ_b: a fraction α of the power is detected, and its
    photocurrent drives an interferometer that the rest passes through; Williamson et al., "Reprogrammable
    electro-optic nonlinear activation functions for optical neural networks", IEEE JSTQE 26, 7700412 (2020).
    With |z|² in W, g = π α R ℜ / V_π for a detector of responsivity ℜ (A/W), a transimpedance R (Ω) and a
    modulator of half-wave voltage V_π (V); φ_b = π V_b / V_π for a bias voltage V_b (V).

    Parameters
    ----------
    alpha : float
        Tapped fraction of the power, 0 ≤ α < 1.
    gain : float
        Initial g, rad per unit of |z|².
    phi_b : float
        Initial φ_b, rad. At π the modulator is closed for weak light and opens with power; at 0, the reverse.
    modes : int, optional
        Give each mode its own g and φ_b, shape (modes,); without it one pair serves all.

    Attributes
    ----------
    gain, phi_b : Parameter, float32, shape () or (modes,)
        g and φ_b, trained.

    Raises
    ------
    ValueError
        When `alpha` or `modes` is out of range.
    """

    gain: nn.Parameter
    phi_b: nn.Parameter

    def __init__(
        self,
        alpha: float = 0.1,
        gain: float = 0.05 * math.pi,
        phi_b: float = math.pi,
        modes: int | None = None,
    ) -> None:
        if not 0 <= alpha < 1:
            raise ValueError(f"alpha must lie in [0, 1), got {alpha}")
        super().__init__(modes, gain=gain, phi_b=phi_b)
        self.alpha = alpha

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"alpha={self.alpha}"

    def forward(self, z: Tensor) -> Tensor:
        """Return the modulated field, complex, with the shape of `z`."""
        half = 0.5 * (self.gain * power(z) + self.phi_b)
        bright = math.sqrt(1.0 - self.alpha) * half.cos()
        # i e^(−iu/2) = sin(u/2) + i cos(u/2)
        return torch.complex(bright * half.sin(), bright * half.cos()) * z


@dataclass(frozen=True)
class NamedActivation:
    """An activation, and what comes out of it.

    Attributes
    ----------
    make : type of Module
        Makes it; every option has a default.
    output : {"same", "real", "complex"}
        Whether fields come out real or complex as they come in, always real, or always complex.
    """

    make: type[nn.Module]
    output: Literal["same", "real", "complex"] = "same"


ACTIVATIONS: dict[str, NamedActivation] = {
    "modulus": NamedActivation(Modulus, "real"),
    "power": NamedActivation(Power, "real"),
    "mod_relu": NamedActivation(ModReLU),
    "z_relu": NamedActivation(ZReLU),
    "c_relu": NamedActivation(CReLU),
    "saturable_absorber": NamedActivation(SaturableAbsorber),
    "electro_optic": NamedActivation(ElectroOptic, "complex"),
}
"""The activations by their names."""


class _Modulus(torch.autograd.Function):
    # torch's own gradient of a complex |z| is nan where |z| is subnormal.
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        if not _on_plain_memory(z):
            return z.abs()
        size = torch.empty(z.shape, dtype=z.real.dtype, device="cpu")
        kernels.modulus(z, size, torch.get_num_threads())
        return size

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        z, size = ctx.saved_tensors
        grad = grad.resolve_neg().contiguous()  # that of |z| taken as light is every other number of a complex gradient
        if not _on_plain_memory(z, size, grad) or torch.is_grad_enabled():  # enabled: for a second derivative
            grad_z: Tensor = z * (grad / size.clamp_min(torch.finfo(size.dtype).tiny))
            return grad_z
        grad_z = torch.empty_like(z)
        kernels.modulus_adjoint(z, size, grad, grad_z, torch.get_num_threads())
        return grad_z


def _composed_modulus(z: Tensor) -> Tensor:
    """Return |z| by operations of torch alone, for programs that are saved and for derivatives nested to any depth."""
    if not z.is_complex():
        return z.abs()
    size = torch.hypot(z.real, z.imag)
    normal = size >= torch.finfo(size.dtype).tiny  # of weaker light the gradient is 0
    safe = torch.where(normal, z, 1.0)
    return torch.where(normal, torch.hypot(safe.real, safe.imag), size.detach())


def _on_plain_memory(z: Tensor, *others: Tensor) -> bool:
    """Whether the kernels take complex `z` and real `others`; torch's own |z| is slower."""
    return z.dtype in (torch.complex64, torch.complex128) and all(
        is_plain(tensor) and tensor.is_cpu and tensor.is_contiguous() and not (tensor.is_conj() or tensor.is_neg())
        for tensor in (z, *others)
    )
