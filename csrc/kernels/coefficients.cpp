#include "kernels/coefficients.h"

#include "kernels/elementary.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double quarter_pi = 7.85398163397448309616e-01;
// The two doubles around the square root of one half, for the cosine and the sine of an ideal coupler. Together they
// keep its power to 3e-17. One for both would add 2e-16 at every coupler, always in one direction.
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

/// The entries of a block of 2x2 matrices, each in an array of its own, so that they are computed by vectors.
template <class T>
struct Entries {
    T aa_re[Factors::block], aa_im[Factors::block], ab_re[Factors::block], ab_im[Factors::block];
    T ba_re[Factors::block], ba_im[Factors::block], bb_re[Factors::block], bb_im[Factors::block];

    Crossing<T> matrix(int i) const {
        return {aa_re[i], aa_im[i], ab_re[i], ab_im[i], ba_re[i], ba_im[i], bb_re[i], bb_im[i]};
    }
    Crossing<T> transpose(int i) const {
        return {aa_re[i], aa_im[i], ba_re[i], ba_im[i], ab_re[i], ab_im[i], bb_re[i], bb_im[i]};
    }
    Crossing<T> dagger(int i) const {
        return {aa_re[i], -aa_im[i], ba_re[i], -ba_im[i], ab_re[i], -ab_im[i], bb_re[i], -bb_im[i]};
    }
};

template <class T>
void matrices(const Factors& f, int count, Entries<T>& m) {
    for (int i = 0; i < count; ++i) {
        const double cc = f.cos_2[i] * f.cos_1[i], ss = f.sin_2[i] * f.sin_1[i];
        const double cs = f.cos_2[i] * f.sin_1[i], sc = f.sin_2[i] * f.cos_1[i];
        const double q_re = f.cos_theta[i] * f.t2[i], q_im = f.sin_theta[i] * f.t2[i];
        const double p_re = f.cos_phi[i] * f.t0[i], p_im = f.sin_phi[i] * f.t0[i];
        const double t1 = f.t1[i], t3 = f.t3[i];
        const double aa_re = cc * q_re - ss * t3, aa_im = cc * q_im;
        const double ba_re = sc * q_re + cs * t3, ba_im = sc * q_im;
        m.aa_re[i] = static_cast<T>(p_re * aa_re - p_im * aa_im);
        m.aa_im[i] = static_cast<T>(p_re * aa_im + p_im * aa_re);
        m.ab_re[i] = static_cast<T>(-t1 * cs * q_im);
        m.ab_im[i] = static_cast<T>(t1 * (cs * q_re + sc * t3));
        m.ba_re[i] = static_cast<T>(-(p_re * ba_im + p_im * ba_re));
        m.ba_im[i] = static_cast<T>(p_re * ba_re - p_im * ba_im);
        m.bb_re[i] = static_cast<T>(t1 * (cc * t3 - ss * q_re));
        m.bb_im[i] = static_cast<T>(-t1 * ss * q_im);
    }
}

template <class T>
void invert(const Factors& f, int count, Entries<T>& m) {
    for (int i = 0; i < count; ++i) {
        const double cc = f.cos_1[i] * f.cos_2[i], ss = f.sin_1[i] * f.sin_2[i];
        const double cs = f.cos_1[i] * f.sin_2[i], sc = f.sin_1[i] * f.cos_2[i];
        const double q_re = f.cos_theta[i] / f.t2[i], q_im = -f.sin_theta[i] / f.t2[i];
        const double p_re = f.cos_phi[i] / f.t0[i], p_im = -f.sin_phi[i] / f.t0[i];
        const double t1 = 1 / f.t1[i], t3 = 1 / f.t3[i];
        const double aa_re = cc * q_re - ss * t3, aa_im = cc * q_im;
        const double ab_re = cs * q_re + sc * t3, ab_im = cs * q_im;
        m.aa_re[i] = static_cast<T>(p_re * aa_re - p_im * aa_im);
        m.aa_im[i] = static_cast<T>(p_re * aa_im + p_im * aa_re);
        m.ab_re[i] = static_cast<T>(p_re * ab_im + p_im * ab_re);
        m.ab_im[i] = static_cast<T>(-(p_re * ab_re - p_im * ab_im));
        m.ba_re[i] = static_cast<T>(t1 * sc * q_im);
        m.ba_im[i] = static_cast<T>(-t1 * (sc * q_re + cs * t3));
        m.bb_re[i] = static_cast<T>(t1 * (cc * t3 - ss * q_re));
        m.bb_im[i] = static_cast<T>(-t1 * ss * q_im);
    }
}

/// Calls body(factors, first MZI, count) for every block, a share of the blocks on each thread.
template <class T, class Body>
void for_each_block(const Mesh<T>& mesh, int threads, const Body& body) {
    const index_t blocks = (mesh.mzis + Factors::block - 1) / Factors::block;
    const int workers = useful_workers(threads, blocks, costs::coefficients * static_cast<double>(mesh.mzis));
    in_parallel(workers, [&](int worker) {
        Factors factors;
        for (index_t b = share(blocks, workers, worker); b < share(blocks, workers, worker + 1); ++b) {
            const index_t first = b * Factors::block;
            const index_t left = mesh.mzis - first;
            const int count = left < Factors::block ? static_cast<int>(left) : Factors::block;
            load_factors(mesh, first, count, factors);
            body(factors, first, count);
        }
    });
}

/// Calls body(factors, matrices T, first MZI, count) likewise.
template <class T, class Body>
void for_each_matrix(const Mesh<T>& mesh, int threads, const Body& body) {
    for_each_block(mesh, threads, [&](const Factors& factors, index_t first, int count) {
        Entries<T> entries;
        matrices(factors, count, entries);
        body(factors, entries, first, count);
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
    for_each_matrix(mesh, threads, [&](const Factors&, const Entries<T>& entries, index_t first, int count) {
        for (int i = 0; i < count; ++i) crossings[first + i] = entries.matrix(i);
    });
}

template <class T>
void reverse_matrices(const Mesh<T>& mesh, Crossing<T>* crossings, int threads) {
    for_each_matrix(mesh, threads, [&](const Factors&, const Entries<T>& entries, index_t first, int count) {
        for (int i = 0; i < count; ++i) crossings[first + i] = entries.dagger(i);
    });
}

template <class T>
void inverse_matrices(const Mesh<T>& mesh, Crossing<T>* daggers, Crossing<T>* inverses, int threads) {
    for_each_matrix(mesh, threads, [&](const Factors& f, const Entries<T>& entries, index_t first, int count) {
        for (int i = 0; i < count; ++i) daggers[first + i] = entries.dagger(i);
        Entries<T> back;
        invert(f, count, back);
        for (int i = 0; i < count; ++i) inverses[first + i] = back.matrix(i);
    });
}

template <class T>
void theta_weights(const Mesh<T>& mesh, ThetaWeights<T>* weights) {
    double cosine[Factors::block], sine[Factors::block];
    for (index_t first = 0; first < mesh.mzis; first += Factors::block) {
        const index_t left = mesh.mzis - first;
        const int count = left < Factors::block ? static_cast<int>(left) : Factors::block;
        couplers(mesh, first, count, 1, cosine, sine);
        for (int i = 0; i < count; ++i) {
            const T c = static_cast<T>(cosine[i]), s = static_cast<T>(sine[i]);
            weights[first + i] = {-c * c, -s * s, c * s};
        }
    }
}

template <class T>
void forward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads) {
    for_each_matrix(mesh, threads, [&](const Factors& f, const Entries<T>& entries, index_t first, int count) {
        for (int i = 0; i < count; ++i)
            tapped[first + i] = {entries.matrix(i), T(f.cos_2[i]), T(f.sin_2[i]), T(f.t0[i] * f.t0[i])};
    });
}

template <class T>
void backward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads) {
    for_each_matrix(mesh, threads, [&](const Factors& f, const Entries<T>& entries, index_t first, int count) {
        // Backward light passes the phi tap before the loss of its arm, and leaves by the upper input port behind it.
        for (int i = 0; i < count; ++i)
            tapped[first + i] = {entries.transpose(i), T(f.cos_2[i]), T(f.sin_2[i]), T(1 / (f.t0[i] * f.t0[i]))};
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
template void inverse_matrices(const Mesh<float>&, Crossing<float>*, Crossing<float>*, int);
template void inverse_matrices(const Mesh<double>&, Crossing<double>*, Crossing<double>*, int);
template void theta_weights(const Mesh<float>&, ThetaWeights<float>*);
template void theta_weights(const Mesh<double>&, ThetaWeights<double>*);
template void forward_tapped(const Mesh<float>&, Tapped<float>*, int);
template void forward_tapped(const Mesh<double>&, Tapped<double>*, int);
template void backward_tapped(const Mesh<float>&, Tapped<float>*, int);
template void backward_tapped(const Mesh<double>&, Tapped<double>*, int);
template void output_phases(const Mesh<float>&, float*, float*);
template void output_phases(const Mesh<double>&, double*, double*);

}  // namespace retrolux::RETROLUX_ISA
