// Runs one kernel once, on one thread and fixed input, for callgrind to count its instructions.
// counted KERNEL runs it; counted prints the compiler.

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "work.h"

namespace {

using namespace retrolux;

/// A batch that is cut into tiles of all three widths, and into pieces of sums.
constexpr index_t modes = 64, batch = 300;

const std::map<std::string, std::function<void()>>& kernels() {
    static Work<float> work(modes, batch);
    static std::vector<float> values(100'000);
    static const std::map<std::string, std::function<void()>> all = {
        {"forward", [] { work.forward(baseline::table.single_precision, 1); }},
        {"adjoint", [] { work.adjoint(baseline::table.single_precision, 1); }},
        {"taps", [] { work.forward_taps(baseline::table.single_precision, 1); }},
        {"normals",
         [] { baseline::table.normals({1, 2, 3}, 0, static_cast<index_t>(values.size()), values.data(), 1); }},
    };
    return all;
}

}  // namespace

/// Callgrind counts from its entry to its return: --toggle-collect=retrolux_counted.
extern "C" __attribute__((noinline)) void retrolux_counted(const std::function<void()>& kernel) { kernel(); }

int main(int argc, char** argv) {
    if (argc == 1) {
        std::puts(COMPILER);
        return 0;
    }
    const auto kernel = kernels().find(argv[1]);
    if (argc != 2 || kernel == kernels().end()) {
        std::fprintf(stderr, "usage: counted [forward | adjoint | taps | normals]\n");
        return 2;
    }
    retrolux_counted(kernel->second);
    return 0;
}
