#include "kernels/table.h"

#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

const Table table = {
    {forward<float>, reverse<float>, adjoint<float>},
    {forward<double>, reverse<double>, adjoint<double>},
};

}  // namespace retrolux::RETROLUX_ISA
