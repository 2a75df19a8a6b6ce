#pragma once

#include <string>
#include <vector>

#include "cpu.h"
#include "kernels/table.h"

namespace retrolux {

/// The kernels compiled for one instruction set.
struct Build {
    const char* name;
    Isa isa;
    const Table* table;

    template <class T>
    const Passes<T>& passes() const;
};

/// The instruction sets that were compiled in, in ascending order of preference.
const std::vector<Build>& builds();

/// Throws std::invalid_argument where an instruction set is unknown or this processor cannot run it.
const Build& usable_build(const std::string& isa);

}  // namespace retrolux
