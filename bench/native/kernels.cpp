// Every kernel, for every instruction set that this processor runs, in both precisions, over modes and batches.
// bench_native [--benchmark_filter=forward/avx512/float ...] [THREADS]

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cpu.h"
#include "kernels/table.h"
#include "operations.h"
#include "work.h"

namespace {

using namespace retrolux;
using Clock = std::chrono::steady_clock;

struct Build {
    const char* name;
    Isa isa;
    const Table& table;
};

const Build builds[] = {
    {"baseline", Isa::baseline, baseline::table},
#ifdef RETROLUX_AVX2
    {"avx2", Isa::avx2, avx2::table},
#endif
#ifdef RETROLUX_AVX512
    {"avx512", Isa::avx512, avx512::table},
#endif
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Operations per second of one core: the best of many readings, since nothing runs faster than it can.
template <class T>
double measured_peak(const Passes<T>& passes) {
    double best = 0;
    for (int reading = 0; reading < 200; ++reading) {
        const Clock::time_point start = Clock::now();
        const double done = passes.multiply_adds(100'000);
        best = std::max(best, done / seconds_since(start));
    }
    return best;
}

/// Times `call`, which does something to each of `items`: the rate, the time of one and, where its floating-point
/// operations are counted, the share of the peak.
template <class Call>
void time_calls(benchmark::State& state, const char* item, double items, double operations, double peak,
                const Call& call) {
    using benchmark::Counter;
    call();  // the first call finds pages and starts threads
    const Clock::time_point start = Clock::now();
    for (auto _ : state) call();
    const double rate = operations * static_cast<double>(state.iterations()) / seconds_since(start);
    state.counters[item] = Counter(items, Counter::kIsIterationInvariantRate | Counter::kInvert);
    if (operations == 0) return;
    state.counters["FLOP"] = Counter(operations, Counter::kIsIterationInvariantRate);
    state.counters["% of peak"] = 100 * rate / peak;
}

template <class Run>
void add(const std::string& name, const Run& run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

/// Registers the passes of one instruction set and precision.
template <class T>
void add_passes(const Build& build, int threads) {
    using Method = void (Work<T>::*)(const Passes<T>&, int);
    struct Kernel {
        const char* name;
        Method method;
        double operations;  ///< per MZI and sample
    };
    const Kernel passes[] = {
        {"forward", &Work<T>::forward, operations::crossing},
        {"adjoint", &Work<T>::adjoint, operations::adjoint},
        {"forward_taps", &Work<T>::forward_taps, operations::tapped},
        {"backward_taps", &Work<T>::backward_taps, operations::tapped},
    };
    const Kernel matrices[] = {
        {"matrices", &Work<T>::matrices, operations::crossing},
        {"matrices_adjoint", &Work<T>::matrices_adjoint, operations::adjoint},
    };
    const std::string kind = std::string("/") + build.name + (sizeof(T) == sizeof(float) ? "/float" : "/double");
    const Passes<T>& table = of_precision<T>(build.table);
    const double core = measured_peak(table), peak = threads * core;
    benchmark::AddCustomContext("peak of one core" + kind, std::to_string(core / 1e9) + " GFLOP/s");

    const auto add_pass = [=, &table](const Kernel& pass, index_t modes, index_t batch, index_t meshes,
                                      const std::string& size) {
        add(pass.name + kind + size, [=, &table](benchmark::State& state) {
            Work<T> work(modes, batch, meshes);
            time_calls(state, "MZI and sample", work.crossings(), pass.operations * work.crossings(), peak,
                       [&] { (work.*pass.method)(table, threads); });
        });
    };
    for (const index_t modes : {8, 64, 256}) {
        const std::string size = "/modes:" + std::to_string(modes);
        for (const index_t batch : {1, 64, 600}) {
            const std::string sizes = size + "/batch:" + std::to_string(batch);
            for (const Kernel& pass : passes) add_pass(pass, modes, batch, 1, sizes);
            add("disturb" + kind + sizes, [=, &table](benchmark::State& state) {
                Work<T> work(modes, batch);
                time_calls(state, "amplitude", static_cast<double>(modes * batch), 0, peak,
                           [&] { work.disturb(table, threads); });
            });
        }
        for (const index_t meshes : {1, 16})
            for (const Kernel& pass : matrices)
                add_pass(pass, modes, modes, meshes, size + "/meshes:" + std::to_string(meshes));
    }
}

void add_normals(const Build& build, int threads) {
    for (const index_t count : {1'000, 100'000}) {
        add(std::string("normals/") + build.name + "/count:" + std::to_string(count),
            [=, &table = build.table](benchmark::State& state) {
                std::vector<float> values(static_cast<std::size_t>(count));
                time_calls(state, "number", static_cast<double>(count), 0, 0,
                           [&] { table.normals({1, 2, 3}, 0, count, values.data(), threads); });
            });
    }
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    if (argc > 2 || threads < 1) {
        std::fprintf(stderr, "usage: bench_native [--help] [--benchmark_OPTION ...] [THREADS], got '%s'\n",
                     argv[argc - 1]);
        return 2;
    }
    benchmark::AddCustomContext("threads", std::to_string(threads));
    for (const Build& build : builds) {
        if (!cpu_can_run(build.isa)) continue;
        add_passes<float>(build, threads);
        add_passes<double>(build, threads);
        add_normals(build, threads);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
