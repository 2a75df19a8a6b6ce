#include "kernels/parallel.h"
#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

void multiply(const SparseRows& matrix, const double* x, double* y, int threads) {
    const int workers = useful_workers(threads, matrix.rows, costs::sparse_entry * matrix.starts[matrix.rows]);
    in_parallel(workers, [&](int worker) {
        for (index_t i = share(matrix.rows, workers, worker); i < share(matrix.rows, workers, worker + 1); ++i) {
            // Four sums at once: one alone would wait for each of its additions.
            double sums[4] = {0, 0, 0, 0};
            const index_t end = matrix.starts[i + 1];
            index_t k = matrix.starts[i];
            for (; k + 4 <= end; k += 4)
                for (int j = 0; j < 4; ++j) sums[j] += matrix.values[k + j] * x[matrix.columns[k + j]];
            for (; k < end; ++k) sums[0] += matrix.values[k] * x[matrix.columns[k]];
            y[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        }
    });
}

}  // namespace retrolux::RETROLUX_ISA
