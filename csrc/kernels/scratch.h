#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Uninitialised memory that starts on a cache line, for the length of a scope. The C library keeps plain blocks at
/// hand, and is slower with aligned ones.
template <class T>
class Scratch {
public:
    explicit Scratch(index_t count)
        : block_(::operator new(static_cast<std::size_t>(count) * sizeof(T) + cache_line)),
          data_(reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(block_) + cache_line - 1) & ~(cache_line - 1))) {
    }
    ~Scratch() { ::operator delete(block_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* data() const { return data_; }

private:
    static constexpr std::uintptr_t cache_line = 64;
    void* block_;
    T* data_;
};

}  // namespace retrolux::RETROLUX_ISA
