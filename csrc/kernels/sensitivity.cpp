#include "kernels/sensitivity.h"

// The products are carried from both sides to each factor of T = B2 D1 B1 D0: docs/physics/adjoint.md.

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double nepers_per_db = 1.15129254649702284201e-01;  // ln(10) / 20

struct Complex {
    double re, im;
};
Complex operator*(double r, Complex z) { return {r * z.re, r * z.im}; }
Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }

/// c a + i s b: what a coupler makes of two amplitudes, on the side of a.
Complex coupled(double c, Complex a, double s, Complex b) { return {c * a.re - s * b.im, c * a.im + s * b.re}; }

/// Sums over gradient j and light k.
struct Products {
    Complex aa, ab, ba, bb;

    /// With the gradient in front of a coupler instead of behind it.
    Products gradient_before(double c, double s) const {
        return {coupled(c, aa, s, ba), coupled(c, ab, s, bb), coupled(c, ba, s, aa), coupled(c, bb, s, ab)};
    }
    /// With the light behind arms diag(p, t).
    Products light_behind_arms(Complex p, double t) const { return {p * aa, t * ab, p * ba, t * bb}; }
    /// With the light behind a coupler.
    Products light_behind(double c, double s) const {
        return {coupled(c, aa, s, ab), coupled(c, ab, s, aa), coupled(c, ba, s, bb), coupled(c, bb, s, ba)};
    }
};

}  // namespace

template <class T>
void gradients_from_products(const Mesh<T>& mesh, const double* products, const Gradients<T>& gradients) {
    Factors f;
    for (index_t first = 0; first < mesh.mzis; first += Factors::block) {
        const index_t left = mesh.mzis - first;
        const int count = left < Factors::block ? static_cast<int>(left) : Factors::block;
        load_factors(mesh, first, count, f);
        for (int i = 0; i < count; ++i) {
            const index_t k = first + i;
            const double* s = products + 8 * k;
            const Complex p{f.cos_phi[i] * f.t0[i], f.sin_phi[i] * f.t0[i]};
            const Complex q{f.cos_theta[i] * f.t2[i], f.sin_theta[i] * f.t2[i]};
            const double c = f.cos_1[i], sine = f.sin_1[i], t = f.t3[i];
            const Products ends{{s[0], s[1]}, {s[2], s[3]}, {s[4], s[5]}, {s[6], s[7]}};
            // The gradient behind the arms of theta; the light behind those of phi, then in front of those of theta.
            const Products outer = ends.gradient_before(f.cos_2[i], f.sin_2[i]).light_behind_arms(p, f.t1[i]);
            const Products inner = outer.light_behind(c, sine);
            // Gradient times light of each arm, behind it; phi's gradient comes through theta's arms and coupler 1.
            const Complex theta = q * inner.aa, below_theta = t * inner.bb;
            const Complex phi = coupled(c, q * outer.aa, sine, t * outer.ba);
            const Complex below_phi = coupled(c, t * outer.bb, sine, q * outer.ab);
            gradients.theta[k] = static_cast<T>(-theta.im);
            gradients.phi[k] = static_cast<T>(-phi.im);
            if (gradients.coupler_error) {
                const Complex first_coupler = q * inner.ab + t * inner.ba, second_coupler = t * inner.ab + q * inner.ba;
                gradients.coupler_error[2 * k] = static_cast<T>(-first_coupler.im);
                gradients.coupler_error[2 * k + 1] = static_cast<T>(-second_coupler.im);
            }
            if (gradients.loss_db) {
                gradients.loss_db[4 * k] = static_cast<T>(-nepers_per_db * phi.re);
                gradients.loss_db[4 * k + 1] = static_cast<T>(-nepers_per_db * below_phi.re);
                gradients.loss_db[4 * k + 2] = static_cast<T>(-nepers_per_db * theta.re);
                gradients.loss_db[4 * k + 3] = static_cast<T>(-nepers_per_db * below_theta.re);
            }
        }
    }
}

template void gradients_from_products(const Mesh<float>&, const double*, const Gradients<float>&);
template void gradients_from_products(const Mesh<double>&, const double*, const Gradients<double>&);

}  // namespace retrolux::RETROLUX_ISA
