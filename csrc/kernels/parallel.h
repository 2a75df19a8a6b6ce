#pragma once

#include <new>

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Calls body(worker) once for each worker in [0, workers), each on a thread of its own where OpenMP is built in.
/// The body must not throw.
template <class Body>
inline void in_parallel(int workers, const Body& body) {
#pragma omp parallel for schedule(static, 1) num_threads(workers) if (workers > 1)
    for (int worker = 0; worker < workers; ++worker) body(worker);
}

/// How many of `threads` to wake for `items` independent pieces of work of `operations` altogether.
/// Waking a thread costs microseconds, in which a core does about 10^5 operations.
inline int useful_workers(int threads, index_t items, double operations) {
    const double most = 1.0 + operations / 2e5;
    index_t workers = threads < most ? threads : static_cast<index_t>(most);
    if (workers > items) workers = items;
    return workers < 1 ? 1 : static_cast<int>(workers);
}

/// First of `items` that belongs to `worker`; contiguous shares that differ by at most one.
inline index_t share(index_t items, int workers, int worker) { return items * worker / workers; }

/// Uninitialised memory that starts on a cache line; freed with its scope.
template <class T>
class Scratch {
public:
    explicit Scratch(index_t count)
        : data_(static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T), alignment))) {}
    ~Scratch() { ::operator delete(data_, alignment); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* data() const { return data_; }

private:
    static constexpr std::align_val_t alignment{64};
    T* data_;
};

}  // namespace retrolux::RETROLUX_ISA
