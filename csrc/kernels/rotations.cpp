#include "kernels/rotations.h"

#include <cstdint>
#include <cstring>

#include "kernels/elementary.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

// Phases on their way to the outputs are whole numbers, fractions of a turn in units of 2^-64: sums wrap where phases do,
// exactly. The upper 52 bits of a phase count, 1.4e-15 rad.
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

/// Hands the phases on from MZI to MZI. Leaves what is to be done to the upper mode and to both, `pending` at the
/// outputs, and the slopes.
template <class T>
void hand_on(const Mesh<T>& mesh, Turns* phase, Turns* mix, Turns* pending, T* slopes) {
    for (index_t m = 0; m < mesh.modes; ++m) pending[m] = 0;
    Turns theta[block], phi[block];
    for (index_t first = 0; first < mesh.mzis; first += block) {
        const int count = block_at(first, mesh.mzis);
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
            phase[k] = difference ^ flip;
            mix[k] = flip ? 0 - angle : angle;
            if (slopes) slopes[k] = flip ? T(0.5) : T(-0.5);
            upper = both + flip;
            lower = both + half_turn;
        }
    }
}

}  // namespace

template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads) {
    const Scratch<Turns> turns(2 * mesh.mzis + mesh.modes);
    Turns *phase = turns.data(), *mix = phase + mesh.mzis, *pending = mix + mesh.mzis;
    hand_on(mesh, phase, mix, pending, rotations.slopes);

    const index_t blocks = (mesh.mzis + block - 1) / block;
    const int workers = useful_workers(threads, blocks, 60.0 * static_cast<double>(mesh.mzis));
    in_parallel(workers, [&](int worker) {
        T phase_tangent[block], phase_sine[block], mix_tangent[block], mix_sine[block];
        for (index_t b = share(blocks, workers, worker); b < share(blocks, workers, worker + 1); ++b) {
            const index_t first = b * block;
            const int count = block_at(first, mesh.mzis);
            find_shears(phase + first, count, phase_tangent, phase_sine);
            find_shears(mix + first, count, mix_tangent, mix_sine);
            for (int i = 0; i < count; ++i)
                rotations.mzis[first + i] = {{phase_tangent[i], phase_sine[i]}, {mix_tangent[i], mix_sine[i]}};
        }
    });

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
