#include "kernels/rotations.h"

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/compiler.h"
#include "kernels/elementary.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

// Pending phases are fractions of a turn as whole numbers: their sums wrap where phases do, exactly. In double
// precision a unit is 2^-64 of a turn, of which the upper 52 bits count, 1.4e-15 rad; in single precision 2^-32, 1.5e-9
// rad.
template <class T>
using Turns = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

template <class Whole>
constexpr int last_bit = 8 * sizeof(Whole) - 1;
template <class Whole>
constexpr Whole half_turn = Whole(1) << last_bit<Whole>;

constexpr double pi = 3.14159265358979323846;
constexpr double inverse_of_two_pi = 1.59154943091895335769e-01;

/// Up to this size [rad], the fraction of a turn that an angle comes to is found the quick way.
constexpr double reducible = 1e6;

/// The fraction of a turn between -1/2 and 1/2 that an angle comes to [rad], right to the last bits that are counted.
inline double fraction_of_turn(float angle) {
    const double turns = static_cast<double>(angle) * inverse_of_two_pi;
    return turns - std::rint(turns);
}
inline double fraction_of_turn(double angle) {
    // Cody and Waite's reduction, as in elementary.h: a turn in three parts.
    constexpr double turn_1 = 6.28318530693650245667e+00;
    constexpr double turn_2 = 2.43084020252158639064e-10;
    constexpr double turn_3 = 8.08906499518380252616e-21;
    const double k = std::rint(angle * inverse_of_two_pi);
    return (((angle - k * turn_1) - k * turn_2) - k * turn_3) * inverse_of_two_pi;
}
/// The same for angles of any size: the C library knows as many digits of pi as that takes.
inline double fraction_of_many_turns(double angle) {
    return std::atan2(std::sin(angle), std::cos(angle)) * inverse_of_two_pi;
}

inline std::uint64_t bits_of(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

template <class Whole>
inline Whole to_turns(double fraction);
template <>
inline std::uint32_t to_turns(double fraction) {
    constexpr double units_in_the_last_bits = 1.5 * (1 << 20);
    return static_cast<std::uint32_t>(bits_of(fraction + units_in_the_last_bits));
}
template <>
inline std::uint64_t to_turns(double fraction) {
    return (bits_of(fraction + 1.5) << 12) ^ half_turn<std::uint64_t>;  // between one and two
}

/// Half of an angle between -pi and pi [rad].
template <class T>
inline T half_angle(std::uint32_t angle) {
    return static_cast<T>(static_cast<std::int32_t>(angle)) * static_cast<T>(pi / 4294967296.0);
}
template <class T>
inline T half_angle(std::uint64_t angle) {
    const std::uint64_t bits = ((angle ^ half_turn<std::uint64_t>) >> 12) | std::uint64_t(1023) << 52;
    double between_one_and_two;
    std::memcpy(&between_one_and_two, &bits, sizeof bits);
    return (between_one_and_two - 1.5) * pi;
}

constexpr int block = 64;

int block_at(index_t first, index_t end) { return end - first < block ? static_cast<int>(end - first) : block; }

template <class T>
void find_turns(const T* angles, int count, Turns<T>* turns) {
    T largest = 0;
    for (int i = 0; i < count; ++i) {
        largest = std::fabs(angles[i]) > largest ? std::fabs(angles[i]) : largest;
        turns[i] = to_turns<Turns<T>>(fraction_of_turn(angles[i]));
    }
    if (!(largest > T(reducible))) return;
    for (int i = 0; i < count; ++i)
        if (std::fabs(angles[i]) > T(reducible))
            turns[i] = to_turns<Turns<T>>(fraction_of_many_turns(static_cast<double>(angles[i])));
}

/// The shears of rotations by angles between -pi/2 and pi/2.
template <class T>
void find_shears(const Turns<T>* angles, int count, T* tangent, T* sine) {
    for (int i = 0; i < count; ++i) {
        const T half = half_angle<T>(angles[i]);
        const T s = sine_series(half), c = cosine_series(half * half);
        tangent[i] = s / c;
        sine[i] = 2 * s * c;
    }
}

/// Pushes the pending phases of two modes through an MZI. Writes the angles by which it turns its upper mode and mixes.
/// The lowest bit of `phase`, which no phase needs, says whether the mixing angle has changed its sign.
template <class Whole>
inline void push_phases(Whole theta, Whole phi, Whole& upper, Whole& lower, Whole& phase, Whole& mix) {
    constexpr Whole half = half_turn<Whole>, quarter = half >> 1;
    const Whole half_theta = theta >> 1, angle = quarter - half_theta;
    const Whole difference = phi + upper - lower, both = lower + half_theta + quarter;
    // Beyond a quarter of a turn, -1 is taken from the upper mode and pushed through the mixing, which turns its sign.
    const Whole flip = (difference + quarter) & half, flipped = flip >> last_bit<Whole>;
    phase = ((difference ^ flip) & ~Whole(1)) | flipped;
    mix = (angle ^ (0 - flipped)) + flipped;
    upper = both + flip;
    lower = both + half;
}

/// How many MZIs from the first on, of `count`, sit side by side without a gap: most of a column as a rule.
int side_by_side(const std::int32_t* pairs, int count) {
    const std::int32_t upper = pairs[0];
    int i = 0;
    while (i < count && pairs[2 * i] == upper + 2 * i && pairs[2 * i + 1] == upper + 2 * i + 1) ++i;
    return i;
}

/// Pushes the `pending` phases of all modes through MZIs [first, first + count), count <= block.
template <class T>
void push_phases(const Mesh<T>& mesh, index_t first, int count, Turns<T>* pending, Turns<T>* phase, Turns<T>* mix) {
    Turns<T> theta[block], phi[block];
    find_turns(mesh.theta + first, count, theta);
    find_turns(mesh.phi + first, count, phi);
    const std::int32_t* pairs = mesh.pairs + 2 * first;
    int i = 0;
    while (i < count) {
        const int together = side_by_side(pairs + 2 * i, count - i);
        Turns<T>* const modes = pending + pairs[2 * i];
        RETROLUX_SIMD
        for (int j = 0; j < together; ++j)
            push_phases(theta[i + j], phi[i + j], modes[2 * j], modes[2 * j + 1], phase[i + j], mix[i + j]);
        i += together;
        if (together > 0) continue;
        push_phases(theta[i], phi[i], pending[pairs[2 * i]], pending[pairs[2 * i + 1]], phase[i], mix[i]);
        ++i;
    }
}

}  // namespace

template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads) {
    // One thread pushes phases through a stretch of MZIs, one after the other; all threads then find their shears.
    const double operations = costs::rotation * static_cast<double>(mesh.mzis);
    const index_t stretch = useful_workers(threads, mesh.mzis, operations) > 1 ? 16384 : 1024;
    const Scratch<Turns<T>> turns(mesh.modes + 2 * stretch);
    Turns<T>*pending = turns.data(), *phase = pending + mesh.modes, *mix = phase + stretch;
    for (index_t m = 0; m < mesh.modes; ++m) pending[m] = 0;
    for (index_t start = 0; start < mesh.mzis; start += stretch) {
        const index_t end = start + stretch < mesh.mzis ? start + stretch : mesh.mzis;
        for (index_t first = start; first < end; first += block)
            push_phases(mesh, first, block_at(first, end), pending, phase + first - start, mix + first - start);
        const index_t blocks = (end - start + block - 1) / block;
        const int workers = useful_workers(threads, blocks, costs::rotation * static_cast<double>(end - start));
        in_parallel(workers, [&](int worker) {
            T phase_tangent[block], phase_sine[block], mix_tangent[block], mix_sine[block];
            for (index_t b = share(blocks, workers, worker); b < share(blocks, workers, worker + 1); ++b) {
                const index_t offset = b * block;
                const int count = block_at(start + offset, end);
                find_shears(phase + offset, count, phase_tangent, phase_sine);
                find_shears(mix + offset, count, mix_tangent, mix_sine);
                Rotation<T>* mzis = rotations.mzis + start + offset;
                for (int i = 0; i < count; ++i)
                    mzis[i] = {{phase_tangent[i], phase_sine[i]}, {mix_tangent[i], mix_sine[i]}};
                if (!rotations.slopes) continue;
                for (int i = 0; i < count; ++i)
                    rotations.slopes[start + offset + i] = static_cast<T>(phase[offset + i] & 1) - T(0.5);
            }
        });
    }

    Turns<T> gamma[block];
    double angle[block], cosine[block], sine[block];
    for (index_t first = 0; first < mesh.modes; first += block) {
        const int count = block_at(first, mesh.modes);
        find_turns(mesh.gamma + first, count, gamma);
        for (int i = 0; i < count; ++i) angle[i] = 2 * half_angle<double>(gamma[i] + pending[first + i]);
        sine_cosine(angle, sine, cosine, count);
        for (int i = 0; i < count; ++i) {
            rotations.cosine[first + i] = static_cast<T>(cosine[i]);
            rotations.sine[first + i] = static_cast<T>(sine[i]);
        }
    }
}

template void find_rotations(const Mesh<float>&, const Rotations<float>&, int);
template void find_rotations(const Mesh<double>&, const Rotations<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
