#pragma once

#include <cstdint>

#include "types.h"

namespace retrolux {

/// Light in a band of modes that slides by one mode a column goes through all columns before the next band does, and
/// stays in the first-level cache meanwhile: a mode comes and goes once instead of once a column. Chains are the MZIs
/// of a band on one diagonal, through a few columns. Where modes that are not neighbours meet, bands may have to wait
/// for each other; then the MZIs stay as they are numbered.
/// Writes two orders, shapes (mzis): bands column by column, and bands chain by chain.
void find_orders(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* order, std::int32_t* chains);

/// Writes the first and the last of the modes from which light gets to each MZI, shape (mzis, 2).
/// Modes between the first and the last of a reach need not all belong to it.
void find_reach(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* reach);

}  // namespace retrolux
