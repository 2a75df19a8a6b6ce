#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// The 2x2 complex matrix of one MZI, [[aa, ab], [ba, bb]].
template <class T>
struct Crossing {
    T aa_re, aa_im, ab_re, ab_im, ba_re, ba_im, bb_re, bb_im;
};

/// dL/dtheta of one MZI from light y and gradient g at its output ports:
/// aa Im(conj(g_a) y_a) + bb Im(conj(g_b) y_b) + ab [Re(conj(g_a) y_b) - Re(conj(g_b) y_a)].
template <class T>
struct ThetaWeights {
    T aa, bb, ab;
};

/// One MZI in a tapped pass: its matrix, and how the fields at the taps follow from those at its ports.
template <class T>
struct Tapped {
    Crossing<T> matrix;  ///< T for light that goes forward, its transpose for light that goes backward
    T cosine, sine;      ///< of coupler 2, which alone lies between the theta tap and the output ports
    T phi_power;         ///< power at the phi tap for unit power at the upper input port
};

/// The factors of T for a block of MZIs, in double precision:
/// T = B(coupler 2) diag(q, t3) B(coupler 1) diag(p, t1), with q = e^{i theta} t2 and p = e^{i phi} t0.
struct Factors {
    static constexpr int block = 64;
    double cos_theta[block], sin_theta[block], cos_phi[block], sin_phi[block];
    double cos_1[block], sin_1[block], cos_2[block], sin_2[block];  ///< coupler angles pi/4 + error
    double t0[block], t1[block], t2[block], t3[block];
};

/// Factors of MZIs [first, first + count), count <= Factors::block.
template <class T>
void load_factors(const Mesh<T>& mesh, index_t first, int count, Factors& factors);

/// Matrices T of all MZIs, for light that goes forward. Shape (mzis).
template <class T>
void forward_matrices(const Mesh<T>& mesh, Crossing<T>* crossings, int threads);

/// Matrices T† of all MZIs, for gradients that go back. Shape (mzis).
template <class T>
void reverse_matrices(const Mesh<T>& mesh, Crossing<T>* crossings, int threads);

/// Matrices T† and T^-1 of all MZIs, for gradients that go back and light that is traced back. Shapes (mzis).
template <class T>
void inverse_matrices(const Mesh<T>& mesh, Crossing<T>* daggers, Crossing<T>* inverses, int threads);

/// Shape (mzis).
template <class T>
void theta_weights(const Mesh<T>& mesh, ThetaWeights<T>* weights);

/// For tapped passes of light that goes forward, or backward. Shape (mzis).
template <class T>
void forward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads);
template <class T>
void backward_tapped(const Mesh<T>& mesh, Tapped<T>* tapped, int threads);

/// e^{i gamma}. Shapes (modes).
template <class T>
void output_phases(const Mesh<T>& mesh, T* cosine, T* sine);

}  // namespace retrolux::RETROLUX_ISA
