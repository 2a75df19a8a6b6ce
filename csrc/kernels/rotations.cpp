#include "kernels/rotations.h"

#include <cstdint>
#include <cstring>

#include "kernels/elementary.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

// Phases on their way to the outputs are whole numbers, fractions of a turn in units of 2^-64: sums wrap where phases
// do, exactly. The upper 52 bits of a phase count, 1.4e-15 rad.
using Turns = std::uint64_t;
constexpr Turns half_turn = Turns(1) << 63, quarter_turn = Turns(1) << 62;

constexpr double pi = 3.14159265358979323846;
constexpr double inverse_of_two_pi = 1.59154943091895335769e-01;

inline Turns to_turns(double angle) {
    const double turns = angle * inverse_of_two_pi;
    const double between_one_and_two = (turns - std::rint(turns)) + 1.5;
    Turns bits;
    std::memcpy(&bits, &between_one_and_two, sizeof bits);
    return (bits << 12) ^ half_turn;
}

/// Half of an angle between -pi and pi [rad].
inline double half_angle(Turns angle) {
    const Turns bits = ((angle ^ half_turn) >> 12) | Turns(1023) << 52;
    double between_one_and_two;
    std::memcpy(&between_one_and_two, &bits, sizeof bits);
    return (between_one_and_two - 1.5) * pi;
}

constexpr double operations_per_mzi = 100;  // what could be done in the time that its shears take
constexpr int block = 64;

int block_at(index_t first, index_t end) { return end - first < block ? static_cast<int>(end - first) : block; }

template <class T>
void find_turns(const T* angles, int count, Turns* turns) {
    for (int i = 0; i < count; ++i) turns[i] = to_turns(static_cast<double>(angles[i]));
}

/// The shears of rotations by angles between -pi/2 and pi/2.
template <class T>
void find_shears(const Turns* angles, int count, T* tangent, T* sine) {
    for (int i = 0; i < count; ++i) {
        const T half = static_cast<T>(half_angle(angles[i]));
        const T s = sine_series(half), c = cosine_series(half * half);
        tangent[i] = s / c;
        sine[i] = 2 * s * c;
    }
}

/// One MZI: takes the phases that its modes come with, and leaves those they go on with, what is to be done to the
/// upper mode and to both, and in the lowest bit of `phase`, which no phase needs, whether the mixing angle has changed
/// its sign.
inline void hand_on(Turns theta, Turns phi, Turns& upper, Turns& lower, Turns& phase, Turns& mix) {
    const Turns half_theta = theta >> 1, angle = quarter_turn - half_theta;
    const Turns difference = phi + upper - lower, both = lower + half_theta + quarter_turn;
    // A difference beyond a quarter of a turn: -1 on the upper mode, which behind the mixing is there again.
    const Turns flip = (difference + quarter_turn) & half_turn, flipped = flip >> 63;
    phase = (difference ^ flip) | flipped;
    mix = (angle ^ (0 - flipped)) + flipped;
    upper = both + flip;
    lower = both + half_turn;
}

/// How many MZIs from the first on, of `count`, sit side by side without a gap: most of a column as a rule.
int side_by_side(const std::int32_t* pairs, int count) {
    const std::int32_t upper = pairs[0];
    int i = 0;
    while (i < count && pairs[2 * i] == upper + 2 * i && pairs[2 * i + 1] == upper + 2 * i + 1) ++i;
    return i;
}

/// Hands the phases `pending` behind each mode on, past MZIs [first, first + count), count <= block.
template <class T>
void hand_on(const Mesh<T>& mesh, index_t first, int count, Turns* pending, Turns* phase, Turns* mix) {
    Turns theta[block], phi[block];
    find_turns(mesh.theta + first, count, theta);
    find_turns(mesh.phi + first, count, phi);
    const std::int32_t* pairs = mesh.pairs + 2 * first;
    int i = 0;
    while (i < count) {
        const int together = side_by_side(pairs + 2 * i, count - i);
        Turns* const modes = pending + pairs[2 * i];
#pragma omp simd
        for (int j = 0; j < together; ++j)
            hand_on(theta[i + j], phi[i + j], modes[2 * j], modes[2 * j + 1], phase[i + j], mix[i + j]);
        i += together;
        if (together > 0) continue;
        hand_on(theta[i], phi[i], pending[pairs[2 * i]], pending[pairs[2 * i + 1]], phase[i], mix[i]);
        ++i;
    }
}

}  // namespace

template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads) {
    // Phases are handed on one MZI after the other, a stretch of them at a time, whose shears all threads then find.
    const double operations = operations_per_mzi * static_cast<double>(mesh.mzis);
    const index_t stretch = useful_workers(threads, mesh.mzis, operations) > 1 ? 16384 : 1024;
    const Scratch<Turns> turns(mesh.modes + 2 * stretch);
    Turns *pending = turns.data(), *phase = pending + mesh.modes, *mix = phase + stretch;
    for (index_t m = 0; m < mesh.modes; ++m) pending[m] = 0;
    for (index_t start = 0; start < mesh.mzis; start += stretch) {
        const index_t end = start + stretch < mesh.mzis ? start + stretch : mesh.mzis;
        for (index_t first = start; first < end; first += block)
            hand_on(mesh, first, block_at(first, end), pending, phase + first - start, mix + first - start);
        const index_t blocks = (end - start + block - 1) / block;
        const int workers = useful_workers(threads, blocks, operations_per_mzi * static_cast<double>(end - start));
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

    Turns gamma[block];
    double angle[block], cosine[block], sine[block];
    for (index_t first = 0; first < mesh.modes; first += block) {
        const int count = block_at(first, mesh.modes);
        find_turns(mesh.gamma + first, count, gamma);
        for (int i = 0; i < count; ++i) angle[i] = 2 * half_angle(gamma[i] + pending[first + i]);
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
