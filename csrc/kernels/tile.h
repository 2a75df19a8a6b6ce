#pragma once

#include "kernels/transpose.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

// A tile holds `lanes` samples of all modes, real and imaginary parts apart, and stays in the first-level cache while
// the light crosses every column: mode m has its real parts at tile + 2 m lanes and its imaginary parts right behind.

/// Lanes of a tile. Wide: 256 bytes a plane, long enough to hide the sums over lanes. Narrow: 64 bytes, one vector of
/// AVX-512, for small batches and the rest of others. Medium: in between, so that two threads share a batch of 64.
template <class T>
inline constexpr int wide = 256 / sizeof(T);
template <class T>
inline constexpr int medium = 128 / sizeof(T);
template <class T>
inline constexpr int narrow = 64 / sizeof(T);

template <int count>
struct Lanes {
    static constexpr int value = count;
};

/// How a batch is cut into tiles: wide ones, then medium ones, then at most one narrow one. A batch that fits into one
/// wide tile makes none, so that two threads have work; with `one_thread` it makes one.
template <class T>
struct Tiling {
    index_t batch;
    index_t wide_tiles;
    index_t medium_tiles;
    index_t tiles;

    explicit Tiling(index_t batch_, bool one_thread = false)
        : batch(batch_), wide_tiles(one_thread || batch_ > wide<T> ? batch_ / wide<T> : 0) {
        index_t left = batch - wide_tiles * wide<T>;
        if ((one_thread || wide_tiles > 0) && left > medium<T> + narrow<T>) {
            ++wide_tiles;
            left = 0;
        }
        medium_tiles = (left + medium<T> - narrow<T> - 1) / medium<T>;
        left -= medium_tiles * medium<T>;
        tiles = wide_tiles + medium_tiles + (left > 0 ? 1 : 0);
    }
    /// Calls body(lanes) with the lanes of a tile as a type, whose `value` they are.
    template <class Body>
    void with_lanes(index_t tile, const Body& body) const {
        if (tile < wide_tiles)
            body(Lanes<wide<T>>{});
        else if (tile < wide_tiles + medium_tiles)
            body(Lanes<medium<T>>{});
        else
            body(Lanes<narrow<T>>{});
    }
    index_t first(index_t tile) const {
        const index_t behind_wide = tile - wide_tiles;
        if (behind_wide < 0) return tile * wide<T>;
        const index_t medium_before = behind_wide < medium_tiles ? behind_wide : medium_tiles;
        return wide_tiles * wide<T> + medium_before * medium<T>;
    }
    int count(index_t tile) const {
        const index_t left = batch - first(tile);
        const int lanes = tile < wide_tiles ? wide<T> : tile < wide_tiles + medium_tiles ? medium<T> : narrow<T>;
        return left < lanes ? static_cast<int>(left) : lanes;
    }
};

/// Brings `count` rows of interleaved complex amplitudes into a tile; lanes beyond them are dark.
template <class T, int lanes>
inline void pack(const T* rows, int count, index_t modes, T* __restrict tile) {
    constexpr int block = vector_lanes<T>;
    const index_t width = 2 * modes, blocks_end = width / block * block;
    const int lanes_end = count / block * block;
    for (int l = 0; l < lanes_end; l += block)
        for (index_t i = 0; i < blocks_end; i += block)
            transpose_block(rows + l * width + i, width, tile + i * lanes + l, lanes);
    for (index_t i = 0; i < width; ++i) {
        for (int l = i < blocks_end ? lanes_end : 0; l < count; ++l) tile[i * lanes + l] = rows[l * width + i];
        for (int l = count; l < lanes; ++l) tile[i * lanes + l] = 0;
    }
}

/// Rows [first, first + count) of the identity: light in one mode each.
template <class T, int lanes>
inline void pack_identity(index_t first, int count, index_t modes, T* __restrict tile) {
    for (index_t i = 0; i < 2 * modes * lanes; ++i) tile[i] = 0;
    for (int l = 0; l < count; ++l) tile[2 * (first + l) * lanes + l] = 1;
}

/// Whether no light from modes [first, first + count) gets to an MZI.
template <class T>
inline bool stays_dark(const Mesh<T>& mesh, index_t mzi, index_t first, int count) {
    return mesh.reach[2 * mzi + 1] < first || mesh.reach[2 * mzi] >= first + count;
}

template <class T, int lanes>
inline void unpack(const T* __restrict tile, int count, index_t modes, T* __restrict rows) {
    constexpr int block = vector_lanes<T>;
    const index_t width = 2 * modes, blocks_end = width / block * block;
    const int lanes_end = count / block * block;
    for (int l = 0; l < lanes_end; l += block)
        for (index_t i = 0; i < blocks_end; i += block)
            transpose_block(tile + i * lanes + l, lanes, rows + l * width + i, width);
    for (int l = 0; l < count; ++l)
        for (index_t i = l < lanes_end ? blocks_end : 0; i < width; ++i) rows[l * width + i] = tile[i * lanes + l];
}

/// Multiplies one mode by a number of modulus one.
template <class T, int lanes>
inline void rotate(T* __restrict mode, T cosine, T sine) {
    for (int l = 0; l < lanes; ++l) {
        const T re = mode[l], im = mode[lanes + l];
        mode[l] = cosine * re - sine * im;
        mode[lanes + l] = cosine * im + sine * re;
    }
}

}  // namespace retrolux::RETROLUX_ISA
