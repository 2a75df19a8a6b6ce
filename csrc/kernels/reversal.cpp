#include "kernels/reversal.h"

#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// By how much the losses of the paths to one output may differ [dB]: rounding errors become 30 times as large at most,
/// 1000 times in double precision.
template <class T>
constexpr T most_difference = sizeof(T) == sizeof(float) ? 30 : 60;
/// How much a path may take altogether [dB]: faint light, of 1e-30 (1e-300 in double precision), gets to the outputs.
constexpr int most_loss = 120;

template <class T>
T larger(T a, T b) {
    return a > b ? a : b;
}
template <class T>
T smaller(T a, T b) {
    return a < b ? a : b;
}

}  // namespace

template <class T>
bool can_be_reversed(const Mesh<T>& mesh) {
    // An error at an output grows by at most the largest loss of the paths to it; light there has lost at least what
    // the path of the smallest loss takes.
    const Scratch<T> losses(2 * mesh.modes);
    T *const least = losses.data(), *const most = least + mesh.modes;
    for (index_t m = 0; m < 2 * mesh.modes; ++m) losses.data()[m] = 0;
    for (index_t k = 0; k < mesh.mzis; ++k) {
        const T* arms = mesh.loss_db + 4 * k;
        const index_t a = mesh.pairs[2 * k], b = mesh.pairs[2 * k + 1];
        least[a] = least[b] = smaller(least[a], least[b]) + smaller(arms[0], arms[1]) + smaller(arms[2], arms[3]);
        most[a] = most[b] = larger(most[a], most[b]) + larger(arms[0], arms[1]) + larger(arms[2], arms[3]);
    }
    for (index_t m = 0; m < mesh.modes; ++m)
        if (!(most[m] - least[m] <= most_difference<T> && most[m] <= T(most_loss))) return false;
    return true;
}

template bool can_be_reversed(const Mesh<float>&);
template bool can_be_reversed(const Mesh<double>&);

}  // namespace retrolux::RETROLUX_ISA
