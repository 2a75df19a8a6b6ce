#pragma once

#include <cstdint>

namespace retrolux {

/// The multiply-add chains of python/retrolux/bench/chains.h in one precision.
template <class T>
struct Chains {
    int operations;  ///< of one round
    double (*run)(std::int64_t rounds, T scale, T shift);
};

/// The chains compiled for one instruction set.
struct Peak {
    Chains<float> single_precision;
    Chains<double> double_precision;
};

namespace baseline {
extern const Peak peak;
}
namespace avx2 {
extern const Peak peak;
}
namespace avx512 {
extern const Peak peak;
}

}  // namespace retrolux
