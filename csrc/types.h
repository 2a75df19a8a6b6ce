#pragma once

#include <cstdint>

namespace retrolux {

using index_t = std::int64_t;

/// A mesh and how it is set: what light meets between the inputs and the outputs.
/// The convention is that of python/retrolux/mesh/convention.py. T is float or double.
template <class T>
struct Mesh {
    index_t modes;
    index_t mzis;
    /// (mzis, 2): upper and lower mode of each MZI, in the order light meets them; the two differ.
    const std::int32_t* pairs;
    /// (mzis): an order of the MZIs that carries light just as well and needs it close by; see order.h.
    const std::int32_t* order;
    /// (mzis): another such order, in which the lower mode of an MZI is the upper one of the MZI before, often.
    const std::int32_t* chains;
    /// (mzis, 2): the first and the last of the modes from which light gets to each MZI, if it enters there alone.
    const std::int32_t* reach;
    const T* theta;          ///< (mzis) internal phase [rad]
    const T* phi;            ///< (mzis) external phase, met first, upper arm [rad]
    const T* gamma;          ///< (modes) output phase [rad]
    const T* coupler_error;  ///< (mzis, 2) angle errors of couplers 1 and 2 [rad], or null: none
    const T* loss_db;        ///< (mzis, 4) losses of the arms t0..t3 [dB], or null: none
};

/// A batch of light: `batch` rows of `modes` interleaved complex amplitudes. Where a pass says so, data may be null for
/// the identity: one row for each mode, with light in that mode alone.
template <class T>
struct Light {
    T* data;
    index_t batch;
};

/// Where an adjoint pass leaves dL/d(setting), each summed over the batch. Null: not wanted.
/// `theta`, `phi` and `gamma` come together; so do `coupler_error` and `loss_db`, which need the former.
template <class T>
struct Gradients {
    T* theta;          ///< (mzis)
    T* phi;            ///< (mzis)
    T* gamma;          ///< (modes)
    T* coupler_error;  ///< (mzis, 2) or null
    T* loss_db;        ///< (mzis, 4) or null
};

/// What the tap detectors behind the phase shifters read: |field|^2 at (theta, phi) of each MZI.
/// Wanted is `each`; or `sum`, for which `weight` is needed, and perhaps `second`; or, where all are null, nothing.
template <class T>
struct Taps {
    T* each;          ///< (batch, mzis, 2): the power of every sample; or null
    const T* weight;  ///< (batch): w, at least 0, by which a sample counts
    T* sum;           ///< (mzis, 2): sum over the batch of w p
    T* second;        ///< (mzis, 2): sum over the batch of w^2 p; or null
};

/// A sparse matrix in compressed rows: entries starts[i] to starts[i + 1] are those of row i.
struct SparseRows {
    index_t rows;
    const std::int32_t* starts;   ///< (rows + 1)
    const std::int32_t* columns;  ///< (entries)
    const double* values;         ///< (entries)
};

/// Numbers that a stream has for one step; behind them it would begin again.
inline constexpr index_t numbers_in_a_step = index_t(1) << 34;

/// Names one stream of random numbers; element i of it is the same whoever draws it, in whatever order.
struct NoiseKey {
    std::uint64_t seed;
    std::uint64_t step;
    std::uint32_t stream;
};

/// What modulators, or coherent detectors, do to light: each amplitude becomes
/// gain x (1 + amplitude_std n0) e^{i phase_std n1} + noise_std (n2 + i n3), with normal numbers of its own.
/// Amplitude 32 g + i of the batch takes numbers 64 g + i and 64 g + 32 + i of either stream.
template <class T>
struct Disturbance {
    const T* gain;  ///< (modes): amplitude transmission of each port; or null: 1
    T amplitude_std;
    T phase_std;  ///< [rad]
    T noise_std;  ///< in each quadrature
    NoiseKey scale_key, noise_key;
};

/// Light made of two: (x + turn conj(other)), of which each sample is divided by its norm, unless that is 0, where
/// `normalise`, and conjugated last.
template <class T>
struct Superposition {
    const T* other;  ///< (batch, modes); or null: x alone
    T turn_re, turn_im;
    bool normalise, conjugate;
};

}  // namespace retrolux
