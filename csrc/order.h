#pragma once

#include <cstdint>

#include "types.h"

namespace retrolux {

/// Finds orders of the MZIs that use the first-level cache well. A band is 32 neighbouring modes. It slides down by one
/// mode per column, so that no band waits for a later one. One band crosses all columns before the next one starts:
/// each mode is loaded once, not once per column. A chain is the MZIs of a band on one diagonal, through 16 columns.
/// Where MZIs join modes that are not neighbours, bands may have to wait for each other. Both orders are then the one
/// in which the MZIs are numbered.
/// Writes two orders, shapes (mzis): each band column by column, and each band chain by chain.
void find_orders(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* order, std::int32_t* chains);

/// Writes the first and the last of the modes from which light gets to each MZI, shape (mzis, 2). Not every mode
/// between these two need be one of them.
void find_reach(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* reach);

}  // namespace retrolux
