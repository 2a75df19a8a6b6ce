#include "kernels/sensitivity.h"

// A change of one factor of T = B2 D1 B1 D0 changes the output by K y, where K is that factor's logarithmic derivative
// seen from the output: dL = Re sum_jk K_jk M_jk. Rather than carry K to the output, M is carried towards the input:
// behind a factor V it becomes Vt M V^-t, and there K is as simple as the factor itself.

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double nepers_per_db = 1.15129254649702284201e-01;  // ln(10) / 20

struct Complex {
    double re, im;
};

struct Products {
    Complex aa, ab, ba, bb;
};

/// Behind a coupler B = [[c, is], [is, c]]: B M B^-1.
Products behind_coupler(const Products& m, double c, double s) {
    const double cc = c * c, ss = s * s, cs = c * s;
    return {{cc * m.aa.re + ss * m.bb.re + cs * (m.ab.im - m.ba.im),
             cc * m.aa.im + ss * m.bb.im + cs * (m.ba.re - m.ab.re)},
            {cc * m.ab.re + ss * m.ba.re + cs * (m.aa.im - m.bb.im),
             cc * m.ab.im + ss * m.ba.im + cs * (m.bb.re - m.aa.re)},
            {cc * m.ba.re + ss * m.ab.re + cs * (m.bb.im - m.aa.im),
             cc * m.ba.im + ss * m.ab.im + cs * (m.aa.re - m.bb.re)},
            {cc * m.bb.re + ss * m.aa.re + cs * (m.ba.im - m.ab.im),
             cc * m.bb.im + ss * m.aa.im + cs * (m.ab.re - m.ba.re)}};
}

/// Behind arms diag(p, t): only the products across the arms change, by p / t and t / p.
Products behind_arms(const Products& m, Complex p, double t) {
    const double power = p.re * p.re + p.im * p.im;
    const Complex up{p.re / t, p.im / t}, down{p.re * t / power, -p.im * t / power};
    return {m.aa,
            {up.re * m.ab.re - up.im * m.ab.im, up.re * m.ab.im + up.im * m.ab.re},
            {down.re * m.ba.re - down.im * m.ba.im, down.re * m.ba.im + down.im * m.ba.re},
            m.bb};
}

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
            const Products output{{s[0], s[1]}, {s[2], s[3]}, {s[4], s[5]}, {s[6], s[7]}};
            const Products inside = behind_coupler(output, f.cos_2[i], f.sin_2[i]);
            const Products middle = behind_arms(inside, {f.cos_theta[i] * f.t2[i], f.sin_theta[i] * f.t2[i]}, f.t3[i]);
            const Products input = behind_coupler(middle, f.cos_1[i], f.sin_1[i]);
            gradients.theta[k] = static_cast<T>(-inside.aa.im);
            gradients.phi[k] = static_cast<T>(-input.aa.im);
            if (gradients.coupler_error) {
                gradients.coupler_error[2 * k] = static_cast<T>(-(middle.ab.im + middle.ba.im));
                gradients.coupler_error[2 * k + 1] = static_cast<T>(-(output.ab.im + output.ba.im));
            }
            if (gradients.loss_db) {
                gradients.loss_db[4 * k] = static_cast<T>(-nepers_per_db * input.aa.re);
                gradients.loss_db[4 * k + 1] = static_cast<T>(-nepers_per_db * input.bb.re);
                gradients.loss_db[4 * k + 2] = static_cast<T>(-nepers_per_db * inside.aa.re);
                gradients.loss_db[4 * k + 3] = static_cast<T>(-nepers_per_db * inside.bb.re);
            }
        }
    }
}

template void gradients_from_products(const Mesh<float>&, const double*, const Gradients<float>&);
template void gradients_from_products(const Mesh<double>&, const double*, const Gradients<double>&);

}  // namespace retrolux::RETROLUX_ISA
