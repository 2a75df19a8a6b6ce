#pragma once

#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

#include "kernels/table.h"
#include "order.h"

namespace retrolux {

/// Something for the kernels to do: an ideal rectangular mesh, or several of them, light and gradients. All at random,
/// and the same in every run.
template <class T>
class Work {
public:
    explicit Work(index_t modes_, index_t batch_, index_t meshes_ = 1)
        : modes(modes_), mzis(modes * (modes - 1) / 2), batch(batch_), meshes(meshes_) {
        for (index_t column = 0; column < modes; ++column) {
            for (index_t upper = column % 2; upper + 1 < modes; upper += 2) {
                pairs.push_back(static_cast<std::int32_t>(upper));
                pairs.push_back(static_cast<std::int32_t>(upper + 1));
            }
        }
        const auto count = static_cast<std::size_t>(mzis);
        order.resize(count);
        chains.resize(count);
        reach.resize(2 * count);
        find_orders(modes, mzis, pairs.data(), order.data(), chains.data());
        find_reach(modes, mzis, pairs.data(), reach.data());
        for (std::vector<T>* settings : {&theta, &phi, &grad_theta, &grad_phi}) fill(*settings, meshes * mzis);
        for (std::vector<T>* settings : {&gamma, &grad_gamma}) fill(*settings, meshes * modes);
        for (std::vector<T>* light : {&x, &y, &grad_x, &grad_y}) fill(*light, 2 * meshes * batch * modes);
        for (std::vector<T>* readings : {&sum, &second}) fill(*readings, 2 * mzis);
        fill(weight, batch);
    }

    void forward(const Passes<T>& passes, int threads) { passes.forward(mesh(), light(x), y.data(), threads); }
    void adjoint(const Passes<T>& passes, int threads) {
        passes.adjoint(mesh(), light(y), grad_y.data(), nullptr, grad_x.data(), gradients(), threads);
    }
    void forward_taps(const Passes<T>& passes, int threads) {
        passes.forward_taps(mesh(), light(x), y.data(), taps(), threads);
    }
    void backward_taps(const Passes<T>& passes, int threads) {
        passes.backward_taps(mesh(), light(x), y.data(), taps(), threads);
    }
    /// These two need as many samples as modes: light is the matrices.
    void matrices(const Passes<T>& passes, int threads) { passes.matrices(mesh(), meshes, y.data(), threads); }
    void matrices_adjoint(const Passes<T>& passes, int threads) {
        passes.matrices_adjoint(mesh(), meshes, y.data(), grad_y.data(), gradients(), threads);
    }
    /// All that the kernel can do to light: errors of modulus and phase, and noise.
    void disturb(const Passes<T>& passes, int threads) {
        Disturbance<T> how;
        how.gain = gamma.data();
        how.amplitude_std = how.phase_std = how.noise_std = T(0.01);
        how.scale_key = {1, 2, 3};
        how.noise_key = {1, 2, 4};
        passes.disturb(light(x), modes, y.data(), how, threads);
    }

    /// Samples that cross an MZI in one pass.
    double crossings() const { return static_cast<double>(mzis * batch * meshes); }

    const index_t modes, mzis, batch, meshes;

private:
    void fill(std::vector<T>& values, index_t count) {
        values.resize(static_cast<std::size_t>(count));
        for (T& value : values) value = static_cast<T>(random_()) / static_cast<T>(random_.max());
    }
    Mesh<T> mesh() const {
        Mesh<T> mesh;
        mesh.modes = modes;
        mesh.mzis = mzis;
        mesh.pairs = pairs.data();
        mesh.order = order.data();
        mesh.chains = chains.data();
        mesh.reach = reach.data();
        mesh.theta = theta.data();
        mesh.phi = phi.data();
        mesh.gamma = gamma.data();
        return mesh;
    }
    Light<const T> light(const std::vector<T>& amplitudes) const { return {amplitudes.data(), batch}; }
    Gradients<T> gradients() {
        Gradients<T> gradients;
        gradients.theta = grad_theta.data();
        gradients.phi = grad_phi.data();
        gradients.gamma = grad_gamma.data();
        return gradients;
    }
    Taps<T> taps() {
        Taps<T> taps;
        taps.weight = weight.data();
        taps.sum = sum.data();
        taps.second = second.data();
        return taps;
    }

    std::minstd_rand random_{1};
    std::vector<std::int32_t> pairs, order, chains, reach;
    std::vector<T> theta, phi, gamma, grad_theta, grad_phi, grad_gamma, x, y, grad_x, grad_y, weight, sum, second;
};

/// The passes of a precision.
template <class T>
const Passes<T>& of_precision(const Table& table) {
    if constexpr (std::is_same_v<T, float>)
        return table.single_precision;
    else
        return table.double_precision;
}

}  // namespace retrolux
