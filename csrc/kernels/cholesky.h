#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// A Hermitian matrix in double precision, real and imaginary parts apart; of each row the entries from the diagonal
/// on count. Rows lie `stride` apart, a multiple of `lanes`.
struct Hermitian {
    static constexpr int lanes = 8;
    double* re;
    double* im;
    index_t size, stride;

    static index_t stride_of(index_t size) { return (size + lanes - 1) / lanes * lanes; }
};

/// Row n of `rows`, of shape (size, size) in interleaved complex numbers, is column n of the Cholesky factor L with
/// matrix = L L†, found with the largest remaining pivot first. Where rounding has left the matrix not quite positive,
/// L L† has its diagonal, and pivots below `floor` times the largest are left out. Overwrites the matrix.
template <class T>
void cholesky(const Hermitian& matrix, double floor, T* rows);

}  // namespace retrolux::RETROLUX_ISA
