// The elementary functions and the tiling of one instruction set, without Python in between.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "cpu.h"
#include "kernels/elementary.h"
#include "kernels/philox.h"
#include "kernels/tile.h"

using namespace retrolux;
using namespace retrolux::RETROLUX_ISA;

namespace {

int failures = 0;

void check(bool held, const char* what, double value) {
    if (held) return;
    ++failures;
    std::printf("FAILED: %s (at %.17g)\n", what, value);
}

double uniform(double low, double high) { return low + (high - low) * std::rand() / RAND_MAX; }

void sine_and_cosine_are_right_to_two_ulps() {
    constexpr int count = 64;
    double x[count], s[count], c[count];
    for (double size : {1e-8, 1.0, 10.0, 1e3, 9e5, 1e7, 1e12}) {
        for (int round = 0; round < 200; ++round) {
            for (double& value : x) value = uniform(-size, size);
            sine_cosine(x, s, c, count);
            for (int i = 0; i < count; ++i) {
                check(std::fabs(s[i] - std::sin(x[i])) < 2.3e-16, "sine", x[i]);
                check(std::fabs(c[i] - std::cos(x[i])) < 2.3e-16, "cosine", x[i]);
            }
        }
    }
    // Where the quadrant changes, and at zero.
    for (int k = -100; k <= 100; ++k) {
        double at[3] = {k * std::acos(0.0), std::nextafter(k * std::acos(0.0), 1e9),
                        std::nextafter((k + 0.5) * std::acos(0.0), -1e9)};
        sine_cosine(at, s, c, 3);
        for (int i = 0; i < 3; ++i) {
            check(std::fabs(s[i] - std::sin(at[i])) < 2.3e-16, "sine at a quadrant", at[i]);
            check(std::fabs(c[i] - std::cos(at[i])) < 2.3e-16, "cosine at a quadrant", at[i]);
        }
    }
}

void single_sine_and_cosine_are_right_to_single_precision() {
    float x[64], s[64], c[64];
    for (double size : {1e-4, 1.0, 10.0, 1e3, 8e3, 1e5, 1e9}) {
        for (int round = 0; round < 200; ++round) {
            for (float& value : x) value = static_cast<float>(uniform(-size, size));
            sine_cosine(x, s, c, 64);
            for (int i = 0; i < 64; ++i) {
                check(std::fabs(s[i] - std::sin(static_cast<double>(x[i]))) < 2e-7, "single sine", x[i]);
                check(std::fabs(c[i] - std::cos(static_cast<double>(x[i]))) < 2e-7, "single cosine", x[i]);
            }
        }
    }
}

void transmission_is_right_to_four_ulps() {
    double loss[64], amplitude[64];
    for (double most : {1e-9, 0.1, 3.0, 60.0, 5000.0}) {
        for (double& value : loss) value = uniform(0, most);
        loss[0] = 0;
        transmission(loss, amplitude, 64);
        check(amplitude[0] == 1.0, "no loss is no loss", 0);
        for (int i = 0; i < 64; ++i) {
            const double expected = std::pow(10.0, -loss[i] / 20);
            // The exponent's own rounding, loss/20 ln 10 of relative 1e-16, is part of the answer.
            check(std::fabs(amplitude[i] / expected - 1) < 1e-15 + loss[i] * 1e-16, "transmission", loss[i]);
        }
    }
}

/// The known answers that come with Random123, the generator's reference implementation.
void philox_gives_the_known_answers() {
    struct Answer {
        std::uint32_t counter[4], key[2], words[4];
    };
    const Answer answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (const Answer& a : answers) {
        const NoiseKey key{a.key[0] | std::uint64_t{a.key[1]} << 32, a.counter[1] | std::uint64_t{a.counter[2]} << 32,
                           a.counter[3]};
        const PhiloxWords found = philox(PhiloxStream(key), a.counter[0]);
        for (int w = 0; w < 4; ++w) check(found.words[w][0] == a.words[w], "Philox", w);
    }
}

template <class T>
void tiles_cover_every_sample_once() {
    for (index_t batch = 0; batch < 700; ++batch) {
        const Tiling<T> tiling(batch);
        index_t next = 0;
        for (index_t t = 0; t < tiling.tiles; ++t) {
            check(tiling.first(t) == next, "tiles follow each other", static_cast<double>(batch));
            check(tiling.count(t) >= 1, "no tile is empty", static_cast<double>(batch));
            next += tiling.count(t);
        }
        check(next == batch, "the batch is covered", static_cast<double>(batch));
    }
}

}  // namespace

int main() {
    if (!cpu_can_run(Isa::RETROLUX_ISA)) {
        std::printf("this processor cannot run these instructions\n");
        return 77;  // CTest: skipped
    }
    sine_and_cosine_are_right_to_two_ulps();
    single_sine_and_cosine_are_right_to_single_precision();
    transmission_is_right_to_four_ulps();
    philox_gives_the_known_answers();
    tiles_cover_every_sample_once<float>();
    tiles_cover_every_sample_once<double>();
    if (failures == 0) std::printf("all checks held\n");
    return failures == 0 ? 0 : 1;
}
