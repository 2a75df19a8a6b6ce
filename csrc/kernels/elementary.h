#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "types.h"

// Elementary functions as plain loops, which the compiler turns into vector code. The C library's take one number a
// call.

namespace retrolux::RETROLUX_ISA {

/// Sine of r and cosine of the root of r2, for |r| up to pi/4: within 1e-7 of the true value.
inline float sine_series(float r) {
    const float r2 = r * r;
    return r * (1.0f + r2 * (-1.66666546e-01f + r2 * (8.33216087e-03f + r2 * -1.95152959e-04f)));
}
inline float cosine_series(float r2) {
    return 1.0f + r2 * (-0.5f + r2 * (4.16666457e-02f + r2 * (-1.38873163e-03f + r2 * 2.44331571e-05f)));
}

/// The same within 2e-16: Taylor's series with the minimax corrections of fdlibm on [-pi/4, pi/4].
inline double sine_series(double r) {
    const double r2 = r * r;
    return r + r * r2 *
                   (-1.66666666666666324348e-01 +
                    r2 * (8.33333333332248946124e-03 +
                          r2 * (-1.98412698298579493134e-04 +
                                r2 * (2.75573137070700676789e-06 +
                                      r2 * (-2.50507602534068634195e-08 + r2 * 1.58969099521155010221e-10)))));
}
inline double cosine_series(double r2) {
    return 1.0 - 0.5 * r2 +
           r2 * r2 *
               (4.16666666666666019037e-02 +
                r2 * (-1.38888888888741095749e-03 +
                      r2 * (2.48015872894767294178e-05 +
                            r2 * (-2.75573143513906633035e-07 +
                                  r2 * (2.08757232129817482790e-09 + r2 * -1.13596475577881948265e-11)))));
}

/// Sine and cosine to within 2e-7 of the true value, for finite x [rad].
inline void sine_cosine(const float* x, float* sine, float* cosine, int count) {
    // Cody and Waite's reduction as below; the first parts have 8 and 11 bits.
    constexpr float half_pi_1 = 1.5703125f, half_pi_2 = 4.83751297e-04f, half_pi_3 = 7.54978995e-08f;
    constexpr float reducible = 8192.0f;
    float largest = 0;
    for (int i = 0; i < count; ++i) largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
    if (largest > reducible) {
        for (int i = 0; i < count; ++i) {
            sine[i] = static_cast<float>(std::sin(static_cast<double>(x[i])));
            cosine[i] = static_cast<float>(std::cos(static_cast<double>(x[i])));
        }
        return;
    }
    for (int i = 0; i < count; ++i) {
        const float k = std::rint(x[i] * 6.36619772e-01f);
        const float r = ((x[i] - k * half_pi_1) - k * half_pi_2) - k * half_pi_3;
        const float s = sine_series(r), c = cosine_series(r * r);
        const std::int32_t quadrant = static_cast<std::int32_t>(k);
        const float sin_r = (quadrant & 1) ? c : s;
        const float cos_r = (quadrant & 1) ? s : c;
        sine[i] = (quadrant & 2) ? -sin_r : sin_r;
        cosine[i] = ((quadrant + 1) & 2) ? -cos_r : cos_r;
    }
}

/// Sine and cosine to within 2e-16 of the true value, for finite x [rad].
inline void sine_cosine(const double* x, double* sine, double* cosine, int count) {
    // Cody and Waite's reduction: pi/2 in three parts, the first two of 33 bits, so that k * part is exact for k <
    // 2^20.
    constexpr double half_pi_1 = 1.57079632673412561417e+00;
    constexpr double half_pi_2 = 6.07710050630396597660e-11;
    constexpr double half_pi_3 = 2.02226624879595063154e-21;
    constexpr double reducible = 1e6;
    double largest = 0;
    for (int i = 0; i < count; ++i) largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
    if (largest > reducible) {
        for (int i = 0; i < count; ++i) {
            sine[i] = std::sin(x[i]);
            cosine[i] = std::cos(x[i]);
        }
        return;
    }
    for (int i = 0; i < count; ++i) {
        const double k = std::rint(x[i] * 6.36619772367581382433e-01);
        const double r = ((x[i] - k * half_pi_1) - k * half_pi_2) - k * half_pi_3;
        const double s = sine_series(r), c = cosine_series(r * r);
        const std::int32_t quadrant = static_cast<std::int32_t>(k);
        const double sin_r = (quadrant & 1) ? c : s;
        const double cos_r = (quadrant & 1) ? s : c;
        sine[i] = (quadrant & 2) ? -sin_r : sin_r;
        cosine[i] = ((quadrant + 1) & 2) ? -cos_r : cos_r;
    }
}

/// Amplitude transmission 10^(-loss/20) of a loss ≥ 0 [dB]; zero below 10^-300.
inline void transmission(const double* loss_db, double* amplitude, int count) {
    for (int i = 0; i < count; ++i) {
        const double loss = loss_db[i] < 6000.0 ? loss_db[i] : 6000.0;
        const double exponent = loss * -1.66096404744368117394e-01;  // log2(10) / 20
        const double k = std::rint(exponent);
        const double z = (exponent - k) * 6.93147180559945309417e-01;
        double series = 1.0 / 6227020800.0;  // e^z, |z| < 0.35: the term of z^14 is below 1e-17
        series = series * z + 1.0 / 479001600.0;
        series = series * z + 1.0 / 39916800.0;
        series = series * z + 1.0 / 3628800.0;
        series = series * z + 1.0 / 362880.0;
        series = series * z + 1.0 / 40320.0;
        series = series * z + 1.0 / 5040.0;
        series = series * z + 1.0 / 720.0;
        series = series * z + 1.0 / 120.0;
        series = series * z + 1.0 / 24.0;
        series = series * z + 1.0 / 6.0;
        series = series * z + 0.5;
        series = series * z + 1.0;
        series = series * z + 1.0;
        const std::int64_t bits = static_cast<std::int64_t>(static_cast<std::int32_t>(k) + 1023) << 52;
        double power;
        std::memcpy(&power, &bits, sizeof power);
        amplitude[i] = series * power;
    }
}

}  // namespace retrolux::RETROLUX_ISA
