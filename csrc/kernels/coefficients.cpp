#include "kernels/coefficients.h"

#include "kernels/elementary.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double quarter_pi = 7.85398163397448309616e-01;
// The two doubles around the square root of one half. Taking one for the cosine and the other for the sine of an ideal
// coupler makes its power right to 3e-17; the same for both would add 2e-16 at every coupler, always in one direction.
constexpr double above_square_root_half = 7.07106781186547572737e-01;
constexpr double below_square_root_half = 7.07106781186547461715e-01;

template <class T>
void couplers(const Mesh<T>& mesh, index_t first, int count, int which, double* cosine, double* sine) {
    if (!mesh.coupler_error) {
        for (int i = 0; i < count; ++i) {
            cosine[i] = above_square_root_half;
            sine[i] = below_square_root_half;
        }
        return;
    }
    double angle[Factors::block];
    for (int i = 0; i < count; ++i)
        angle[i] = quarter_pi + static_cast<double>(mesh.coupler_error[2 * (first + i) + which]);
    sine_cosine(angle, sine, cosine, count);
}

template <class T>
void arm(const Mesh<T>& mesh, index_t first, int count, int which, double* amplitude) {
    if (!mesh.loss_db) {
        for (int i = 0; i < count; ++i) amplitude[i] = 1;
        return;
    }
    double loss[Factors::block];
    for (int i = 0; i < count; ++i) loss[i] = static_cast<double>(mesh.loss_db[4 * (first + i) + which]);
    transmission(loss, amplitude, count);
}

template <class T>
Crossing<T> matrix(const Factors& f, int i) {
    const double cc = f.cos_2[i] * f.cos_1[i], ss = f.sin_2[i] * f.sin_1[i];
    const double cs = f.cos_2[i] * f.sin_1[i], sc = f.sin_2[i] * f.cos_1[i];
    const double q_re = f.cos_theta[i] * f.t2[i], q_im = f.sin_theta[i] * f.t2[i];
    const double p_re = f.cos_phi[i] * f.t0[i], p_im = f.sin_phi[i] * f.t0[i];
    const double t1 = f.t1[i], t3 = f.t3[i];
    const double aa_re = cc * q_re - ss * t3, aa_im = cc * q_im;
    const double ba_re = sc * q_re + cs * t3, ba_im = sc * q_im;
    return {T(p_re * aa_re - p_im * aa_im),
            T(p_re * aa_im + p_im * aa_re),
            T(-t1 * cs * q_im),
            T(t1 * (cs * q_re + sc * t3)),
            T(-(p_re * ba_im + p_im * ba_re)),
            T(p_re * ba_re - p_im * ba_im),
            T(t1 * (cc * t3 - ss * q_re)),
            T(-t1 * ss * q_im)};
}

template <class T>
Crossing<T> inverse(const Factors& f, int i) {
    const double cc = f.cos_1[i] * f.cos_2[i], ss = f.sin_1[i] * f.sin_2[i];
    const double cs = f.cos_1[i] * f.sin_2[i], sc = f.sin_1[i] * f.cos_2[i];
    const double q_re = f.cos_theta[i] / f.t2[i], q_im = -f.sin_theta[i] / f.t2[i];
    const double p_re = f.cos_phi[i] / f.t0[i], p_im = -f.sin_phi[i] / f.t0[i];
    const double t1 = 1 / f.t1[i], t3 = 1 / f.t3[i];
    const double aa_re = cc * q_re - ss * t3, aa_im = cc * q_im;
    const double ab_re = cs * q_re + sc * t3, ab_im = cs * q_im;
    return {T(p_re * aa_re - p_im * aa_im),
            T(p_re * aa_im + p_im * aa_re),
            T(p_re * ab_im + p_im * ab_re),
            T(-(p_re * ab_re - p_im * ab_im)),
            T(t1 * sc * q_im),
            T(-t1 * (sc * q_re + cs * t3)),
            T(t1 * (cc * t3 - ss * q_re)),
            T(-t1 * ss * q_im)};
}

template <class T>
Crossing<T> dagger(const Crossing<T>& c) {
    return {c.aa_re, -c.aa_im, c.ba_re, -c.ba_im, c.ab_re, -c.ab_im, c.bb_re, -c.bb_im};
}

template <class T>
Crossing<T> transpose(const Crossing<T>& c) {
    return {c.aa_re, c.aa_im, c.ba_re, c.ba_im, c.ab_re, c.ab_im, c.bb_re, c.bb_im};
}

/// Calls body(factors, offset in block, mzi) for every MZI, a share of the blocks on each thread.
template <class T, class Body>
void for_each_mzi(const Mesh<T>& mesh, int threads, const Body& body) {
    const index_t blocks = (mesh.mzis + Factors::block - 1) / Factors::block;
    const int workers = useful_workers(threads, blocks, 300.0 * static_cast<double>(mesh.mzis));
    in_parallel(workers, [&](int worker) {
        Factors factors;
        for (index_t b = share(blocks, workers, worker); b < share(blocks, workers, worker + 1); ++b) {
            const index_t first = b * Factors::block;
            const index_t left = mesh.mzis - first;
            const int count = left < Factors::block ? static_cast<int>(left) : Factors::block;
            load_factors(mesh, first, count, factors);
            for (int i = 0; i < count; ++i) body(factors, i, first + i);
        }
    });
}

}  // namespace

template <class T>
void load_factors(const Mesh<T>& mesh, index_t first, int count, Factors& factors) {
    double phase[Factors::block];
    for (int i = 0; i < count; ++i) phase[i] = static_cast<double>(mesh.theta[first + i]);
    sine_cosine(phase, factors.sin_theta, factors.cos_theta, count);
    for (int i = 0; i < count; ++i) phase[i] = static_cast<double>(mesh.phi[first + i]);
    sine_cosine(phase, factors.sin_phi, factors.cos_phi, count);
    couplers(mesh, first, count, 0, factors.cos_1, factors.sin_1);
    couplers(mesh, first, count, 1, factors.cos_2, factors.sin_2);
    arm(mesh, first, count, 0, factors.t0);
    arm(mesh, first, count, 1, factors.t1);
    arm(mesh, first, count, 2, factors.t2);
    arm(mesh, first, count, 3, factors.t3);
}

template <class T>
void forward_matrices(const Mesh<T>& mesh, Crossing<T>* crossings, int threads) {
    for_each_mzi(mesh, threads, [&](const Factors& f, int i, index_t mzi) { crossings[mzi] = matrix<T>(f, i); });
}

template <class T>
void reverse_matrices(const Mesh<T>& mesh, Crossing<T>* crossings, int threads) {
    for_each_mzi(mesh, threads,
                 [&](const Factors& f, int i, index_t mzi) { crossings[mzi] = dagger(matrix<T>(f, i)); });
}

template <class T>
void return_matrices(const Mesh<T>& mesh, Return<T>* returns, int threads) {
    for_each_mzi(mesh, threads, [&](const Factors& f, int i, index_t mzi) {
        const double c = f.cos_2[i], s = f.sin_2[i];
        returns[mzi] = {inverse<T>(f, i), dagger(matrix<T>(f, i)), T(-c * c), T(-s * s), T(c * s)};
    });
}

template <class T>
void forward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads) {
    for_each_mzi(mesh, threads, [&](const Factors& f, int i, index_t mzi) {
        tapped[mzi] = {matrix<T>(f, i), T(f.cos_2[i]), T(f.sin_2[i]), T(f.t0[i] * f.t0[i])};
    });
}

template <class T>
void backward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads) {
    for_each_mzi(mesh, threads, [&](const Factors& f, int i, index_t mzi) {
        // Backward light passes the phi tap before the loss of its arm, and leaves by the upper input port behind it.
        tapped[mzi] = {transpose(matrix<T>(f, i)), T(f.cos_2[i]), T(f.sin_2[i]), T(1 / (f.t0[i] * f.t0[i]))};
    });
}

template <class T>
void output_phases(const Mesh<T>& mesh, T* cosine, T* sine) {
    double phase[Factors::block], c[Factors::block], s[Factors::block];
    for (index_t first = 0; first < mesh.modes; first += Factors::block) {
        const index_t left = mesh.modes - first;
        const int count = left < Factors::block ? static_cast<int>(left) : Factors::block;
        for (int i = 0; i < count; ++i) phase[i] = static_cast<double>(mesh.gamma[first + i]);
        sine_cosine(phase, s, c, count);
        for (int i = 0; i < count; ++i) {
            cosine[first + i] = static_cast<T>(c[i]);
            sine[first + i] = static_cast<T>(s[i]);
        }
    }
}

template void load_factors(const Mesh<float>&, index_t, int, Factors&);
template void load_factors(const Mesh<double>&, index_t, int, Factors&);
template void forward_matrices(const Mesh<float>&, Crossing<float>*, int);
template void forward_matrices(const Mesh<double>&, Crossing<double>*, int);
template void reverse_matrices(const Mesh<float>&, Crossing<float>*, int);
template void reverse_matrices(const Mesh<double>&, Crossing<double>*, int);
template void return_matrices(const Mesh<float>&, Return<float>*, int);
template void return_matrices(const Mesh<double>&, Return<double>*, int);
template void forward_tapped(const Mesh<float>&, Tapped<float>*, int);
template void forward_tapped(const Mesh<double>&, Tapped<double>*, int);
template void backward_tapped(const Mesh<float>&, Tapped<float>*, int);
template void backward_tapped(const Mesh<double>&, Tapped<double>*, int);
template void output_phases(const Mesh<float>&, float*, float*);
template void output_phases(const Mesh<double>&, double*, double*);

}  // namespace retrolux::RETROLUX_ISA
