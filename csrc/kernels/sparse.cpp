#include "kernels/parallel.h"
#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

void multiply(const SparseRows& matrix, const double* x, double* y, int threads) {
    const int workers = useful_workers(threads, matrix.rows, 4.0 * matrix.starts[matrix.rows]);
    in_parallel(workers, [&](int worker) {
        for (index_t i = share(matrix.rows, workers, worker); i < share(matrix.rows, workers, worker + 1); ++i) {
            double sum = 0;
            for (index_t k = matrix.starts[i]; k < matrix.starts[i + 1]; ++k)
                sum += matrix.values[k] * x[matrix.columns[k]];
            y[i] = sum;
        }
    });
}

}  // namespace retrolux::RETROLUX_ISA
