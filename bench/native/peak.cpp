#include "peak.h"

#include "chains.h"

namespace retrolux::RETROLUX_ISA {

const Peak peak = {{chain_operations<float>, multiply_add<float>}, {chain_operations<double>, multiply_add<double>}};

}  // namespace retrolux::RETROLUX_ISA
