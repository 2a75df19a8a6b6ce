#include "kernels/passes.h"
#include "kernels/vector.h"

namespace retrolux::RETROLUX_ISA {

template <class T>
double multiply_adds(index_t rounds) {
    // Every chain tends to shift / (1 - scale), far from overflow and underflow. What is read from volatile, and chains
    // of which no two start alike, have the compiler foresee none of the results.
    volatile T given[] = {T(0.999), T(0.001)};
    const Vector<T> scale = splat<T>(given[0]), shift = splat<T>(given[1]);
    // Twelve chains cover latency times throughput of the cores we know, and with their two constants, and a temporary
    // where there is no fused multiply-add, they fit into sixteen registers.
    Vector<T> a = scale, b = a + shift, c = b + shift, d = c + shift, e = d + shift, f = e + shift;
    Vector<T> g = f + shift, h = g + shift, i = h + shift, j = i + shift, k = j + shift, l = k + shift;
    for (index_t round = 0; round < rounds; ++round) {
        a = a * scale + shift;
        b = b * scale + shift;
        c = c * scale + shift;
        d = d * scale + shift;
        e = e * scale + shift;
        f = f * scale + shift;
        g = g * scale + shift;
        h = h * scale + shift;
        i = i * scale + shift;
        j = j * scale + shift;
        k = k * scale + shift;
        l = l * scale + shift;
    }
    const Vector<T> total = a + b + c + d + e + f + g + h + i + j + k + l;
    for (int lane = 0; lane < vector_lanes<T>; ++lane) given[0] = total[lane];  // so that no chain can be dropped
    return 2.0 * 12 * vector_lanes<T> * static_cast<double>(rounds);
}

template double multiply_adds<float>(index_t);
template double multiply_adds<double>(index_t);

}  // namespace retrolux::RETROLUX_ISA
