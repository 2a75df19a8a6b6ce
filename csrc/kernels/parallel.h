#pragma once

#include <atomic>
#include <new>

#include "kernels/costs.h"
#include "kernels/scratch.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Calls body(worker) once for each worker in [0, workers), each on a thread of its own where OpenMP is built in.
/// The body may throw std::bad_alloc and nothing else. No exception may leave a thread: it is thrown again here.
template <class Body>
inline void in_parallel(int workers, const Body& body) {
    std::atomic<bool> out_of_memory{false};
#pragma omp parallel for schedule(static, 1) num_threads(workers) if (workers > 1)
    for (int worker = 0; worker < workers; ++worker) {
        reserve_for_exceptions();
        try {
            body(worker);
        } catch (const std::bad_alloc&) {
            out_of_memory.store(true, std::memory_order_relaxed);
        }
    }
    if (out_of_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
}

/// As in_parallel, for light: what is too faint becomes dark.
template <class Body>
inline void in_parallel_for_light(int workers, const Body& body) {
    in_parallel(workers, [&](int worker) {
        [[maybe_unused]] const FlushSubnormals here;
        body(worker);
    });
}

/// How many of `threads` to wake for `items` independent pieces of work of `operations` altogether.
inline int useful_workers(int threads, index_t items, double operations) {
    const double most = 1.0 + operations / costs::worth_a_thread;
    index_t workers = threads < most ? threads : static_cast<index_t>(most);
    if (workers > items) workers = items;
    return workers < 1 ? 1 : static_cast<int>(workers);
}

/// First of `items` that belongs to `worker`; contiguous shares that differ by at most one.
inline index_t share(index_t items, int workers, int worker) { return items * worker / workers; }

}  // namespace retrolux::RETROLUX_ISA
