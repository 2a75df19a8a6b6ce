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
void disturb(Light<const T> x, index_t modes, T* y, const Disturbance<T>& how, int threads) {
    // A group of 64 normals serves 32 amplitudes: the first half disturbs moduli or real parts, the second phases or
    // imaginary parts.
    constexpr int amplitudes = philox_normals_count / 2;
    const index_t count = x.batch * modes;
    const index_t groups = (count + amplitudes - 1) / amplitudes;
    const bool scales = how.amplitude_std != 0 || how.phase_std != 0, adds = how.noise_std != 0;
    const int workers = useful_workers(threads, groups, 4 * operations_per_normal * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        float draws[philox_normals_count];
        T phase[amplitudes], sine[amplitudes], cosine[amplitudes], re[amplitudes], im[amplitudes];
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            const index_t first = g * amplitudes;
            const int here = static_cast<int>(count - first < amplitudes ? count - first : amplitudes);
            const T* in = x.data + 2 * first;
            T* out = y + 2 * first;
            for (int i = 0; i < amplitudes; ++i) re[i] = T(1);
            for (int i = 0; i < amplitudes; ++i) im[i] = T(0);
            if (scales) {
                philox_normals(how.scale_key, static_cast<std::uint64_t>(g), draws);
                for (int i = 0; i < amplitudes; ++i) phase[i] = how.phase_std * static_cast<T>(draws[amplitudes + i]);
                sine_cosine(phase, sine, cosine, amplitudes);
                for (int i = 0; i < amplitudes; ++i) {
                    const T scale = T(1) + how.amplitude_std * static_cast<T>(draws[i]);
                    re[i] = scale * cosine[i];
                    im[i] = scale * sine[i];
                }
            }
            if (how.gain) {
                index_t mode = first % modes;
                for (int i = 0; i < here; ++i) {
                    re[i] *= how.gain[mode];
                    im[i] *= how.gain[mode];
                    mode = mode + 1 < modes ? mode + 1 : 0;
                }
            }
            for (int i = 0; i < here; ++i) {
                const T x_re = in[2 * i], x_im = in[2 * i + 1];
                out[2 * i] = re[i] * x_re - im[i] * x_im;
                out[2 * i + 1] = re[i] * x_im + im[i] * x_re;
            }
            if (adds) {
                philox_normals(how.noise_key, static_cast<std::uint64_t>(g), draws);
                for (int i = 0; i < here; ++i) {
                    out[2 * i] += how.noise_std * static_cast<T>(draws[i]);
                    out[2 * i + 1] += how.noise_std * static_cast<T>(draws[amplitudes + i]);
                }
            }
        }
    });
}

template void disturb(Light<const float>, index_t, float*, const Disturbance<float>&, int);
template void disturb(Light<const double>, index_t, double*, const Disturbance<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
