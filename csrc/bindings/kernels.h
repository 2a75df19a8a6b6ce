#pragma once

#include <string>

#include "cpu.h"
#include "kernels/table.h"

namespace retrolux {

/// The kernels compiled for one instruction set.
struct Kernels {
    const char* name;
    Isa isa;
    const Table* table;

    template <class T>
    const Passes<T>& passes() const;
};

}  // namespace retrolux
