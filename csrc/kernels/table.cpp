#include "kernels/table.h"

#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

namespace {

template <class T>
constexpr Passes<T> passes() {
    Passes<T> passes{};
    passes.forward = forward<T>;
    passes.reverse = reverse<T>;
    passes.forward_taps = forward_taps<T>;
    passes.backward_taps = backward_taps<T>;
    passes.adjoint = adjoint<T>;
    passes.matrices = matrices<T>;
    passes.matrices_adjoint = matrices_adjoint<T>;
    passes.disturb = disturb<T>;
    passes.add_noise = add_noise<T>;
    passes.superpose = superpose<T>;
    passes.scale = scale<T>;
    passes.modulus = modulus<T>;
    passes.modulus_adjoint = modulus_adjoint<T>;
    passes.multiply_adds = multiply_adds<T>;
    return passes;
}

constexpr Table all() {
    Table table{};
    table.single_precision = passes<float>();
    table.double_precision = passes<double>();
    table.multiply = multiply;
    table.normals = normals;
    table.uniforms = uniforms;
    return table;
}

}  // namespace

const Table table = all();

}  // namespace retrolux::RETROLUX_ISA
