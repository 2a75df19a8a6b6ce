#include "kernels/elementary.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/philox.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double operations_per_normal = 40;

}  // namespace

void normals(const NoiseKey& key, index_t first, index_t count, float* values, int threads) {
    if (count <= 0) return;
    const index_t first_group = first / philox_normals_count;
    const index_t groups = (first + count - 1) / philox_normals_count - first_group + 1;
    const int workers = useful_workers(threads, groups, operations_per_normal * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            const index_t group = first_group + g;
            const index_t offset = group * philox_normals_count - first;
            if (offset >= 0 && offset + philox_normals_count <= count) {
                philox_normals(key, static_cast<std::uint64_t>(group), values + offset);
                continue;
            }
            float block[philox_normals_count];
            philox_normals(key, static_cast<std::uint64_t>(group), block);
            for (index_t i = 0; i < philox_normals_count; ++i)
                if (offset + i >= 0 && offset + i < count) values[offset + i] = block[i];
        }
    });
}

template <class T>
void disturb(const T* x, T* y, index_t count, T amplitude_std, T phase_std, const NoiseKey& key, int threads) {
    // Amplitude k takes normals 2k and 2k + 1, so a group of normals serves half as many amplitudes.
    constexpr int amplitudes = philox_normals_count / 2;
    const index_t groups = (count + amplitudes - 1) / amplitudes;
    const int workers = useful_workers(threads, groups, 4 * operations_per_normal * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        float draws[philox_normals_count];
        double phase[amplitudes], sine[amplitudes], cosine[amplitudes];
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            philox_normals(key, static_cast<std::uint64_t>(g), draws);
            for (int i = 0; i < amplitudes; ++i) phase[i] = static_cast<double>(phase_std) * draws[2 * i + 1];
            sine_cosine(phase, sine, cosine, amplitudes);
            const index_t first = g * amplitudes;
            const int here = static_cast<int>(count - first < amplitudes ? count - first : amplitudes);
            for (int i = 0; i < here; ++i) {
                const T scale = T(1) + amplitude_std * static_cast<T>(draws[2 * i]);
                const T re = scale * static_cast<T>(cosine[i]), im = scale * static_cast<T>(sine[i]);
                const T x_re = x[2 * (first + i)], x_im = x[2 * (first + i) + 1];
                y[2 * (first + i)] = re * x_re - im * x_im;
                y[2 * (first + i) + 1] = re * x_im + im * x_re;
            }
        }
    });
}

template void disturb(const float*, float*, index_t, float, float, const NoiseKey&, int);
template void disturb(const double*, double*, index_t, double, double, const NoiseKey&, int);

}  // namespace retrolux::RETROLUX_ISA
