#pragma once

#include <pthread.h>

#include <cstddef>
#include <new>

#include "types.h"

namespace retrolux::RETROLUX_ISA {

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

/// Where each thread keeps its spare blocks. They are not thread_local: where there is no memory for such a variable of
/// a library that was loaded late, or to note its destructor, the C library ends the process.
struct SpareBlocksKey {
    pthread_key_t key;

    SpareBlocksKey() {
        const auto destroy = [](void* blocks) { delete static_cast<SpareBlocks*>(blocks); };
        if (pthread_key_create(&key, destroy) != 0) throw std::bad_alloc();
    }
};

/// The spare blocks of the thread that asks. Throws std::bad_alloc where there is no memory for them.
inline SpareBlocks& spare_blocks() {
    static const SpareBlocksKey of_threads;
    if (void* blocks = pthread_getspecific(of_threads.key)) return *static_cast<SpareBlocks*>(blocks);
    SpareBlocks* const blocks = new SpareBlocks;
    if (pthread_setspecific(of_threads.key, blocks) == 0) return *blocks;
    delete blocks;
    throw std::bad_alloc();
}

/// Uninitialised memory that starts on a cache line, for the length of a scope of the thread that asks for it.
template <class T>
class Scratch {
public:
    explicit Scratch(index_t count)
        : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(spare_blocks().take(bytes_))) {}
    ~Scratch() { spare_blocks().give(data_, bytes_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* data() const { return data_; }

private:
    std::size_t bytes_;
    T* data_;
};

}  // namespace retrolux::RETROLUX_ISA
