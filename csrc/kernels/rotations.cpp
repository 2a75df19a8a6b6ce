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
/// MZIs whose phases are handed on, one after the other, before their shears are found on all threads.
constexpr index_t together = 16384;

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

/// Hands the phases `pending` behind each mode on, past MZIs [first, first + count), count <= block. Leaves what is to
/// be done to the upper mode and to both, and the slopes.
template <class T>
void hand_on(const Mesh<T>& mesh, index_t first, int count, Turns* pending, Turns* phase, Turns* mix, T* slopes) {
    Turns theta[block], phi[block];
    find_turns(mesh.theta + first, count, theta);
    find_turns(mesh.phi + first, count, phi);
    for (int i = 0; i < count; ++i) {
        const index_t k = first + i;
        Turns& upper = pending[mesh.pairs[2 * k]];
        Turns& lower = pending[mesh.pairs[2 * k + 1]];
        const Turns half_theta = theta[i] >> 1, angle = quarter_turn - half_theta;
        const Turns difference = phi[i] + upper - lower, both = lower + half_theta + quarter_turn;
        // A difference beyond a quarter of a turn: -1 on the upper mode, which behind the mixing is there again,
        // where the angle has changed its sign.
        const Turns flip = (difference + quarter_turn) & half_turn;
        const Turns all_if_flipped = 0 - (flip >> 63);
        phase[i] = difference ^ flip;
        mix[i] = (angle ^ all_if_flipped) - all_if_flipped;
        if (slopes) slopes[k] = static_cast<T>(static_cast<int>(flip >> 63) - 0.5);
        upper = both + flip;
        lower = both + half_turn;
    }
}

}  // namespace

template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads) {
    const Scratch<Turns> turns(mesh.modes + 2 * together);
    Turns *pending = turns.data(), *phase = pending + mesh.modes, *mix = phase + together;
    for (index_t m = 0; m < mesh.modes; ++m) pending[m] = 0;
    for (index_t start = 0; start < mesh.mzis; start += together) {
        const index_t end = start + together < mesh.mzis ? start + together : mesh.mzis;
        for (index_t first = start; first < end; first += block)
            hand_on(mesh, first, block_at(first, end), pending, phase + first - start, mix + first - start,
                    rotations.slopes);
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
