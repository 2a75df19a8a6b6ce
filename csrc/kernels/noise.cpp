#include <cmath>

#include "kernels/compiler.h"
#include "kernels/elementary.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/philox.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// A group of 64 normals serves 32 amplitudes: the first half disturbs moduli or real parts, the second phases or
/// imaginary parts.
constexpr int amplitudes = philox_group / 2;

/// (1 + amplitude_std n0) e^{i phase_std n1} for one group, real and imaginary parts apart.
template <class T>
void draw_scales(const Disturbance<T>& how, const PhiloxStream& stream, index_t group, T* __restrict re,
                 T* __restrict im) {
    alignas(64) float draws[philox_group];
    philox_normals(stream, static_cast<std::uint64_t>(group), draws);
    alignas(64) T phase[amplitudes], sine[amplitudes], cosine[amplitudes];
    for (int i = 0; i < amplitudes; ++i) phase[i] = how.phase_std * static_cast<T>(draws[amplitudes + i]);
    sine_cosine(phase, sine, cosine, amplitudes);
    for (int i = 0; i < amplitudes; ++i) {
        const T scale = T(1) + how.amplitude_std * static_cast<T>(draws[i]);
        re[i] = scale * cosine[i];
        im[i] = scale * sine[i];
    }
}

/// The same where phases stay within what the series of sine and cosine take as they are; normals stay below 6.
void draw_small_scales(const Disturbance<float>& how, const PhiloxStream& stream, index_t group, float* __restrict re,
                       float* __restrict im) {
    alignas(64) float draws[philox_group];
    philox_normals(stream, static_cast<std::uint64_t>(group), draws);
    for (int i = 0; i < amplitudes; ++i) {
        const float scale = 1.0f + how.amplitude_std * draws[i], phase = how.phase_std * draws[amplitudes + i];
        re[i] = scale * cosine_series(phase * phase);
        im[i] = scale * sine_series(phase);
    }
}
void draw_small_scales(const Disturbance<double>& how, const PhiloxStream& stream, index_t group, double* re,
                       double* im) {
    draw_scales(how, stream, group, re, im);
}

/// `count` amplitudes times (re, im), times `gain` where that is not null, with one number for each part. `in` and
/// `out` may be the same.
template <class T>
inline void multiply(const T* in, const T* __restrict re, const T* __restrict im, const T* __restrict gain, int count,
                     T* out) {
    RETROLUX_SIMD
    for (int i = 0; i < count; ++i) {
        const T x_re = in[2 * i], x_im = in[2 * i + 1];
        out[2 * i] = re[i] * x_re - im[i] * x_im;
        out[2 * i + 1] = re[i] * x_im + im[i] * x_re;
    }
    if (!gain) return;
    for (int i = 0; i < 2 * count; ++i) out[i] *= gain[i];
}

template <class T>
inline void add(const float* __restrict draws, T noise_std, int count, T* __restrict out) {
    for (int i = 0; i < count; ++i) {
        out[2 * i] += noise_std * static_cast<T>(draws[i]);
        out[2 * i + 1] += noise_std * static_cast<T>(draws[amplitudes + i]);
    }
}

/// Elements [first, first + count) of a stream, of which `draw_group(stream, group, values)` makes a group.
template <auto draw_group>
void draw(const NoiseKey& key, index_t first, index_t count, float* values, int threads, double operations) {
    if (count <= 0) return;
    const index_t first_group = first / philox_group;
    const index_t groups = (first + count - 1) / philox_group - first_group + 1;
    const int workers = useful_workers(threads, groups, operations * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        const PhiloxStream stream(key);
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            const index_t group = first_group + g;
            const index_t offset = group * philox_group - first;
            if (offset >= 0 && offset + philox_group <= count) {
                draw_group(stream, static_cast<std::uint64_t>(group), values + offset);
                continue;
            }
            float block[philox_group];
            draw_group(stream, static_cast<std::uint64_t>(group), block);
            for (index_t i = 0; i < philox_group; ++i)
                if (offset + i >= 0 && offset + i < count) values[offset + i] = block[i];
        }
    });
}

}  // namespace

void normals(const NoiseKey& key, index_t first, index_t count, float* values, int threads) {
    draw<philox_normals>(key, first, count, values, threads, costs::normal);
}

void uniforms(const NoiseKey& key, index_t first, index_t count, float* values, int threads) {
    draw<philox_uniforms>(key, first, count, values, threads, costs::uniform);
}

template <class T>
void add_noise(const T* x, const T* variance, T std, const NoiseKey& key, index_t count, T* y, int threads) {
    const index_t groups = (count + philox_group - 1) / philox_group;
    const int workers = useful_workers(threads, groups, costs::normal * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        const PhiloxStream stream(key);
        alignas(64) float draws[philox_group];
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            philox_normals(stream, static_cast<std::uint64_t>(g), draws);
            const index_t first = g * philox_group, left = count - first;
            const index_t here = left < philox_group ? left : philox_group;
            if (variance)
                for (index_t i = 0; i < here; ++i)
                    y[first + i] = x[first + i] + std * std::sqrt(variance[first + i]) * static_cast<T>(draws[i]);
            else
                for (index_t i = 0; i < here; ++i) y[first + i] = x[first + i] + std * static_cast<T>(draws[i]);
        }
    });
}

template <class T>
void disturb(Light<const T> x, index_t modes, T* y, const Disturbance<T>& how, int threads) {
    const index_t count = x.batch * modes;
    if (count <= 0) return;
    const index_t groups = (count + amplitudes - 1) / amplitudes;
    const bool scales = how.amplitude_std != 0 || how.phase_std != 0, adds = how.noise_std != 0;
    constexpr T small_phase = T(0.12);                                // [rad]; times 6 it is below pi/4
    const Scratch<T> gains(how.gain ? 2 * (modes + amplitudes) : 1);  // those of a sample, and of the next one's start
    if (how.gain)
        for (index_t i = 0; i < modes + amplitudes; ++i)
            gains.data()[2 * i] = gains.data()[2 * i + 1] = how.gain[i % modes];
    const int workers = useful_workers(threads, groups, 4 * costs::normal * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        const PhiloxStream scale_stream(how.scale_key), noise_stream(how.noise_key);
        alignas(64) float draws[philox_group];
        alignas(64) T re[amplitudes], im[amplitudes];
        for (int i = 0; i < amplitudes; ++i) re[i] = T(1);
        for (int i = 0; i < amplitudes; ++i) im[i] = T(0);
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            const index_t first = g * amplitudes;
            const int here = static_cast<int>(count - first < amplitudes ? count - first : amplitudes);
            const T* in = x.data + 2 * first;
            T* out = y + 2 * first;
            if (scales && how.phase_std <= small_phase)
                draw_small_scales(how, scale_stream, g, re, im);
            else if (scales)
                draw_scales(how, scale_stream, g, re, im);
            const T* gain = how.gain ? gains.data() + 2 * (first % modes) : nullptr;
            if (adds) philox_normals(noise_stream, static_cast<std::uint64_t>(g), draws);
            if (here == amplitudes) {  // a length that the compiler knows
                multiply(in, re, im, gain, amplitudes, out);
                if (adds) add(draws, how.noise_std, amplitudes, out);
            } else {
                multiply(in, re, im, gain, here, out);
                if (adds) add(draws, how.noise_std, here, out);
            }
        }
    });
}

template void add_noise(const float*, const float*, float, const NoiseKey&, index_t, float*, int);
template void add_noise(const double*, const double*, double, const NoiseKey&, index_t, double*, int);
template void disturb(Light<const float>, index_t, float*, const Disturbance<float>&, int);
template void disturb(Light<const double>, index_t, double*, const Disturbance<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
