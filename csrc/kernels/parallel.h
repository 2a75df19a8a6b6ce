#pragma once

#include <atomic>
#include <cstddef>
#include <new>

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

/// A few blocks of memory that one thread has finished with. Fresh memory from the system costs a page fault for every
/// 4 KB, which for a small batch would be more than the light's whole pass.
class SpareBlocks {
public:
    ~SpareBlocks() {
        for (const Block& block : blocks_) release(block.data);
    }
    /// A block of at least `bytes`, aligned to a cache line; `bytes` becomes its true size.
    void* take(std::size_t& bytes) {
        for (Block& block : blocks_) {
            if (!block.data || block.bytes < bytes || block.bytes > 4 * bytes + smallest) continue;
            void* data = block.data;
            bytes = block.bytes;
            block = {};
            return data;
        }
        return ::operator new(bytes, alignment);
    }
    void give(void* data, std::size_t bytes) {
        for (Block& block : blocks_) {
            if (block.data || bytes > largest) continue;
            block = {data, bytes};
            return;
        }
        release(data);
    }

private:
    struct Block {
        void* data = nullptr;
        std::size_t bytes = 0;
    };
    static constexpr std::align_val_t alignment{64};
    static constexpr std::size_t smallest = 1 << 12, largest = 1 << 22;
    static void release(void* data) { ::operator delete(data, alignment); }

    Block blocks_[6];
};

/// Uninitialised memory that starts on a cache line, for the length of a scope of the thread that asks for it.
template <class T>
class Scratch {
public:
    explicit Scratch(index_t count)
        : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(spare().take(bytes_))) {}
    ~Scratch() { spare().give(data_, bytes_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* data() const { return data_; }

private:
    static SpareBlocks& spare() {
        static thread_local SpareBlocks blocks;
        return blocks;
    }
    std::size_t bytes_;
    T* data_;
};

}  // namespace retrolux::RETROLUX_ISA
