#include "kernels/table.h"

#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

const Table table = {
    {forward<float>, reverse<float>, forward_taps<float>, backward_taps<float>, adjoint<float>, matrices<float>,
     matrices_adjoint<float>, disturb<float>, add_noise<float>, superpose<float>, scale<float>, modulus<float>,
     modulus_adjoint<float>},
    {forward<double>, reverse<double>, forward_taps<double>, backward_taps<double>, adjoint<double>, matrices<double>,
     matrices_adjoint<double>, disturb<double>, add_noise<double>, superpose<double>, scale<double>, modulus<double>,
     modulus_adjoint<double>},
    multiply,
    normals,
    uniforms,
};

}  // namespace retrolux::RETROLUX_ISA
