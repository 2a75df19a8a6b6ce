#pragma once

#include <cstdint>

namespace retrolux {

using index_t = std::int64_t;

/// How a mesh is set; or, where T is not const, room for the gradients of a loss by that, summed over the batch.
/// Null: not there, or not wanted.
template <class T>
struct Settings {
    T* theta = nullptr;          ///< (mzis) internal phase [rad]
    T* phi = nullptr;            ///< (mzis) external phase, met first, upper arm [rad]
    T* gamma = nullptr;          ///< (modes) output phase [rad]
    T* coupler_error = nullptr;  ///< (mzis, 2) angle errors of couplers 1 and 2 [rad]
    T* loss_db = nullptr;        ///< (mzis, 4) losses of the arms t0..t3 [dB]
};

/// What one member of Settings is.
template <class T>
struct Setting {
    const char* name;
    T* Settings<T>::* member;
    bool of_modes;    ///< there is one for each mode, else for each MZI
    index_t numbers;  ///< in each
    bool optional;
    bool is_loss;  ///< in dB, at least 0
};

/// All of them, in the order in which Python hands them over; python/retrolux/mesh/settings.py has the same table.
/// Static: each instruction set has its own.
template <class T>
static constexpr Setting<T> setting_table[] = {
    {"theta", &Settings<T>::theta, false, 1, false, false},
    {"phi", &Settings<T>::phi, false, 1, false, false},
    {"gamma", &Settings<T>::gamma, true, 1, false, false},
    {"coupler_error", &Settings<T>::coupler_error, false, 2, true, false},
    {"loss_db", &Settings<T>::loss_db, false, 4, true, true},
};

/// What light meets between the inputs and the outputs: a mesh and its settings, of which coupler_error and loss_db may
/// be null. The convention is that of python/retrolux/mesh/convention.py. T is float or double.
template <class T>
struct Mesh : Settings<const T> {
    index_t modes = 0;
    index_t mzis = 0;
    /// (mzis, 2): upper and lower mode of each MZI, in the order light meets them; the two differ.
    const std::int32_t* pairs = nullptr;
    /// (mzis): an order of the MZIs that carries light just as well and needs it close by; see order.h.
    const std::int32_t* order = nullptr;
    /// (mzis): another such order, in which the lower mode of an MZI is the upper one of the MZI before, often.
    const std::int32_t* chains = nullptr;
    /// (mzis, 2): the first and the last of the modes from which light gets to each MZI, if it enters there alone.
    const std::int32_t* reach = nullptr;
};

/// A batch of light: `batch` rows of `modes` interleaved complex amplitudes. Where a pass says so, data may be null for
/// the identity: one row for each mode, with light in that mode alone.
template <class T>
struct Light {
    T* data;
    index_t batch;
};

/// Where an adjoint pass leaves dL/d(setting). `theta`, `phi` and `gamma` come together; so do the others, which need
/// the former.
template <class T>
using Gradients = Settings<T>;

/// What the tap detectors behind the phase shifters read: |field|^2 at (theta, phi) of each MZI.
/// Wanted is `each`; or `sum`, for which `weight` is needed, and perhaps `second`; or, where all are null, nothing.
template <class T>
struct Taps {
    T* each = nullptr;          ///< (batch, mzis, 2): the power of every sample; or null
    const T* weight = nullptr;  ///< (batch): w, at least 0, by which a sample counts
    T* sum = nullptr;           ///< (mzis, 2): sum over the batch of w p
    T* second = nullptr;        ///< (mzis, 2): sum over the batch of w^2 p; or null
};

/// A sparse matrix in compressed rows: entries starts[i] to starts[i + 1] are those of row i.
struct SparseRows {
    index_t rows = 0;
    const std::int32_t* starts = nullptr;   ///< (rows + 1)
    const std::int32_t* columns = nullptr;  ///< (entries)
    const double* values = nullptr;         ///< (entries)
};

/// Numbers that a stream has for one step; behind them it would begin again.
inline constexpr index_t numbers_in_a_step = index_t(1) << 34;

/// Names one stream of random numbers; element i of it is the same whoever draws it, in whatever order.
struct NoiseKey {
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    std::uint32_t stream = 0;
};

/// What modulators, or coherent detectors, do to light: each amplitude becomes
/// gain x (1 + amplitude_std n0) e^{i phase_std n1} + noise_std (n2 + i n3), with normal numbers of its own.
/// Amplitude 32 g + i of the batch takes numbers 64 g + i and 64 g + 32 + i of either stream.
template <class T>
struct Disturbance {
    const T* gain = nullptr;  ///< (modes): amplitude transmission of each port; or null: 1
    T amplitude_std = 0;
    T phase_std = 0;  ///< [rad]
    T noise_std = 0;  ///< in each quadrature
    NoiseKey scale_key, noise_key;
};

/// Light made of two: (x + turn conj(other)), of which each sample is divided by its norm, unless that is 0, where
/// `normalise`, and conjugated last.
template <class T>
struct Superposition {
    const T* other = nullptr;  ///< (batch, modes); or null: x alone
    T turn_re = 0, turn_im = 0;
    bool normalise = false, conjugate = false;
};

}  // namespace retrolux
