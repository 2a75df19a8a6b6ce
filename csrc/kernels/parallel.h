#pragma once

#include <atomic>
#include <exception>
#include <new>

#include "kernels/scratch.h"
#include "kernels/transpose.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Calls body(worker) once for each worker in [0, workers), each on a thread of its own where OpenMP is built in.
/// The body may throw std::bad_alloc and nothing else. No exception may leave a thread: it is thrown again here.
template <class Body>
inline void in_parallel(int workers, const Body& body) {
    std::atomic<bool> out_of_memory{false};
#pragma omp parallel for schedule(static, 1) num_threads(workers) if (workers > 1)
    for (int worker = 0; worker < workers; ++worker) {
        // Has the C++ runtime find memory for what exceptions of this thread need, while there is some: later it would
        // end the process. Compilers think that the call does nothing, and leave it out where nobody wants its result.
        asm volatile("" : : "r"(std::uncaught_exceptions()));
        try {
            body(worker);
        } catch (const std::bad_alloc&) {
            out_of_memory.store(true, std::memory_order_relaxed);
        }
    }
    if (out_of_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
}

/// While it lives, results of its thread below 1e-38 (1e-308 in double precision) become zero. Light that leaks across
/// many columns gets there, and processors by Intel take a hundred times as long for every operation on such numbers.
class FlushSubnormals {
public:
#if defined(__x86_64__)
    FlushSubnormals() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | flush | as_zero); }
    ~FlushSubnormals() { __builtin_ia32_ldmxcsr(before_); }

private:
    static constexpr unsigned flush = 1u << 15, as_zero = 1u << 6;
    unsigned before_;
#endif
};

/// As in_parallel, for light: what is too faint becomes dark.
template <class Body>
inline void in_parallel_for_light(int workers, const Body& body) {
    in_parallel(workers, [&](int worker) {
        [[maybe_unused]] const FlushSubnormals here;
        body(worker);
    });
}

/// What a core does in the ten microseconds that make it worth to wake another.
inline constexpr double operations_worth_a_thread = vector_bytes == 64 ? 1e6 : vector_bytes == 32 ? 4e5 : 2e5;

/// How many of `threads` to wake for `items` independent pieces of work of `operations` altogether.
inline int useful_workers(int threads, index_t items, double operations) {
    const double most = 1.0 + operations / operations_worth_a_thread;
    index_t workers = threads < most ? threads : static_cast<index_t>(most);
    if (workers > items) workers = items;
    return workers < 1 ? 1 : static_cast<int>(workers);
}

/// First of `items` that belongs to `worker`; contiguous shares that differ by at most one.
inline index_t share(index_t items, int workers, int worker) { return items * worker / workers; }

}  // namespace retrolux::RETROLUX_ISA
