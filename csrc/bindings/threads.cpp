#include "bindings/threads.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#ifdef _OPENMP
#include <omp.h>
#endif

namespace retrolux {

namespace {

std::atomic<bool> forked{false};

/// Any number gives the same bits: more than a machine has processors is for tests, and for them a few are enough.
int most_threads() {
#ifdef _OPENMP
    static const int most = std::max(64, omp_get_num_procs());
    return most;
#else
    return 1;
#endif
}

}  // namespace

void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
    if (pthread_atfork(nullptr, nullptr, [] { forked = true; }) != 0) throw std::bad_alloc();
#endif
}

int usable_threads(int asked) {
    if (asked < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(asked));
    return forked ? 1 : std::min(asked, most_threads());
}

}  // namespace retrolux
