#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/elementary.h"
#include "kernels/vector.h"
#include "types.h"

// Random numbers that depend on a key and a position, not on who drew what before:
// Philox 4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11.

namespace retrolux::RETROLUX_ISA {

/// Blocks of four numbers that are computed side by side, in vector registers.
inline constexpr int philox_blocks = 16;
/// Numbers that one call of `philox_normals` or `philox_uniforms` makes.
inline constexpr int philox_group = 4 * philox_blocks;

/// Words of the counter, or of the result: word w of block i is words[w][i].
struct PhiloxWords {
    std::uint32_t words[4][philox_blocks];
};

/// A vector as 64-bit lanes, and as the halves of these.
using PhiloxLanes = Vector<std::uint64_t>;
using PhiloxHalves = Vector<std::uint32_t>;

/// A key with its ten rounds, spread over vectors once for all that is drawn with it.
struct PhiloxStream {
    static constexpr int rounds = 10;
    PhiloxLanes step_lower, step_upper, stream, keys[rounds][2];

    explicit PhiloxStream(const NoiseKey& key)
        : step_lower(splat(key.step)), step_upper(splat(key.step >> 32)), stream(splat<std::uint64_t>(key.stream)) {
        std::uint32_t lower = static_cast<std::uint32_t>(key.seed), upper = static_cast<std::uint32_t>(key.seed >> 32);
        for (PhiloxLanes(&round)[2] : keys) {
            round[0] = splat<std::uint64_t>(lower);
            round[1] = splat<std::uint64_t>(upper);
            lower += 0x9E3779B9u;
            upper += 0xBB67AE85u;
        }
    }
};

/// Counters of as many blocks as there are lanes. Their words live in 64-bit lanes, where only the lower halves count:
/// no vector is ever widened.
struct PhiloxCounters {
    PhiloxLanes c0, c1, c2, c3;

    void mix(const PhiloxLanes (&keys)[2]) {
        const PhiloxLanes multiplier_0 = splat<std::uint64_t>(0xD2511F53u);
        const PhiloxLanes multiplier_1 = splat<std::uint64_t>(0xCD9E8D57u);
        const PhiloxLanes product_0 = multiply_lower(multiplier_0, c0), product_1 = multiply_lower(multiplier_1, c2);
        c0 = (product_1 >> 32) ^ c1 ^ keys[0];
        c1 = product_1;
        c2 = (product_0 >> 32) ^ c3 ^ keys[1];
        c3 = product_0;
    }
};

/// The lower halves of all lanes of two vectors, in turns of two.
inline PhiloxHalves lower_halves(PhiloxLanes a_lanes, PhiloxLanes b_lanes) {
    constexpr int lanes = vector_lanes<std::uint32_t>;
    PhiloxHalves a, b;
    std::memcpy(&a, &a_lanes, sizeof a);
    std::memcpy(&b, &b_lanes, sizeof b);
    using Half = std::uint32_t;
    if constexpr (lanes == 4)
        return shuffle<Half, 0, 2, 4, 6>(a, b);
    else if constexpr (lanes == 8)
        return shuffle<Half, 0, 2, 8, 10, 4, 6, 12, 14>(a, b);
    else
        return shuffle<Half, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30>(a, b);
}

/// The ten rounds on sixteen consecutive counters (first_block + i, step, stream).
inline PhiloxWords philox(const PhiloxStream& stream, std::uint64_t first_block) {
    // The counter holds 32 bits of block, 64 of step and 32 of stream: see numbers_in_a_step.
    constexpr int width = vector_lanes<std::uint64_t>;
    PhiloxLanes offset{};  // which lanes of the first of two vectors become neighbours, see lower_halves
    for (int i = 0; i < width; ++i) offset[i] = static_cast<std::uint64_t>(i / 2 * 4 + i % 2);
    PhiloxWords result;
    for (int first = 0; first < philox_blocks; first += 2 * width) {
        const PhiloxLanes block = offset + (first_block + static_cast<std::uint64_t>(first));
        PhiloxCounters a{block, stream.step_lower, stream.step_upper, stream.stream}, b = a;
        b.c0 += splat<std::uint64_t>(2);
        for (const PhiloxLanes(&keys)[2] : stream.keys) {
            a.mix(keys);
            b.mix(keys);
        }
        const PhiloxLanes words[4][2] = {{a.c0, b.c0}, {a.c1, b.c1}, {a.c2, b.c2}, {a.c3, b.c3}};
        for (int w = 0; w < 4; ++w) store(lower_halves(words[w][0], words[w][1]), &result.words[w][first]);
    }
    return result;
}

/// Natural logarithm of (word + 1/2) / 2^32, relative error below 3e-7.
inline float log_uniform(std::uint32_t word) {
    const float value = (static_cast<float>(static_cast<std::int32_t>(word >> 8)) + 0.5f);  // of 2^24
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    // value = 2^exponent * mantissa with the mantissa between sqrt(1/2) and sqrt(2).
    const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;
    const std::int32_t mantissa_bits = bits - exponent * (1 << 23);
    float mantissa;
    std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
    // log m = 2 artanh z, z = (m - 1) / (m + 1), |z| < 0.172: the term of z^11 is below 1e-9.
    const float z = (mantissa - 1.0f) / (mantissa + 1.0f);
    const float z2 = z * z;
    const float series = 2.0f * z * (1.0f + z2 * (1.0f / 3 + z2 * (1.0f / 5 + z2 * (1.0f / 7 + z2 * (1.0f / 9)))));
    return series + static_cast<float>(exponent - 24) * 6.93147181e-01f;
}

/// Sixty-four standard normals, elements [64 group, 64 group + 64) of the stream: words 0 and 1 of block i give
/// elements i and 16 + i, words 2 and 3 elements 32 + i and 48 + i. Box and Muller's transform; the largest value
/// is 5.9 (24 bits of uniform for the radius).
inline void philox_normals(const PhiloxStream& stream, std::uint64_t group, float* __restrict values) {
    const PhiloxWords x = philox(stream, group * philox_blocks);
    for (int pair = 0; pair < 2; ++pair) {
        const std::uint32_t* radius_words = x.words[2 * pair];
        const std::uint32_t* angle_words = x.words[2 * pair + 1];
        float* first = values + 2 * pair * philox_blocks;
        float* second = first + philox_blocks;
        for (int i = 0; i < philox_blocks; ++i) {
            const float radius = std::sqrt(-2.0f * log_uniform(radius_words[i]));
            // The upper two bits of the angle are its quadrant, the rest its place in [-pi/4, pi/4).
            const std::uint32_t word = angle_words[i];
            const std::uint32_t quadrant = word >> 30;
            const float fraction = static_cast<float>(static_cast<std::int32_t>((word << 2) >> 9)) - 4194303.5f;
            const float r = fraction * (7.85398163e-01f / 4194304.0f);
            const float s = sine_series(r), c = cosine_series(r * r);
            const float sine = (quadrant & 1u) ? c : s;
            const float cosine = (quadrant & 1u) ? s : c;
            first[i] = radius * ((quadrant & 2u) ? -sine : sine);
            second[i] = radius * (((quadrant + 1u) & 2u) ? -cosine : cosine);
        }
    }
}

/// Sixty-four numbers uniform on [0, 1) in steps of 2^-24, elements [64 group, 64 group + 64) of the stream: word w of
/// block i gives element 16 w + i.
inline void philox_uniforms(const PhiloxStream& stream, std::uint64_t group, float* __restrict values) {
    const PhiloxWords x = philox(stream, group * philox_blocks);
    for (int w = 0; w < 4; ++w)
        for (int i = 0; i < philox_blocks; ++i)
            values[w * philox_blocks + i] =
                static_cast<float>(static_cast<std::int32_t>(x.words[w][i] >> 8)) * 0x1p-24f;
}

}  // namespace retrolux::RETROLUX_ISA
