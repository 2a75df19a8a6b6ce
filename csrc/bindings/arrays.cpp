#include "bindings/arrays.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#ifdef _OPENMP
#include <omp.h>
#endif

namespace retrolux {

namespace {

std::string shape_text(const index_t* sizes, std::size_t count) {
    std::string text = "(";
    for (std::size_t i = 0; i < count; ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
    return text + (count == 1 ? ",)" : ")");
}

/// "2, 7" for the element that lies `flat` places behind the first.
std::string place_text(const std::vector<index_t>& shape, index_t flat) {
    std::string text;
    for (std::size_t d = shape.size(); d-- > 0;) {
        text = std::to_string(flat % shape[d]) + (text.empty() ? "" : ", ") + text;
        flat /= shape[d];
    }
    return text;
}

/// Refuses a number that is not finite or below `least`; one sentence says where and what it is.
template <class T>
void require_finite(const char* name, const T* data, const std::vector<index_t>& shape, T least, const char* expected) {
    constexpr T most = std::numeric_limits<T>::max();
    const index_t size = std::accumulate(shape.begin(), shape.end(), index_t(1), std::multiplies<index_t>());
    int wrong = 0;  // a plain loop without a way out, which vectors can run
    for (index_t i = 0; i < size; ++i) wrong |= !(data[i] >= least && data[i] <= most);
    if (!wrong) return;
    index_t i = 0;
    while (data[i] >= least && data[i] <= most) ++i;
    const std::string value = std::isnan(data[i]) ? "nan" : std::to_string(data[i]);
    throw std::invalid_argument(std::string(name) + " must be " + expected + ", got " + value + " at [" +
                                place_text(shape, i) + "]");
}

std::atomic<bool> forked{false};

/// Any number gives the same bits: more than a machine has processors is for tests, and for them a few are enough.
int most_threads() {
#ifdef _OPENMP
    static const int most = std::max(64, omp_get_num_procs());
    return most;
#else
    return 1;
#endif
}

}  // namespace

void require_shape(const char* name, const py::array& array, const std::vector<index_t>& shape) {
    if (array.ndim() == static_cast<index_t>(shape.size()) &&
        std::equal(shape.begin(), shape.end(), array.shape(),
                   [](index_t want, py::ssize_t got) { return want == got; }))
        return;
    throw std::invalid_argument(std::string(name) + " must have shape " + shape_text(shape.data(), shape.size()) +
                                ", got " + shape_text(array.shape(), static_cast<std::size_t>(array.ndim())));
}

namespace {

/// The view of one mesh, or of the first of those that `stack`, one dimension or none, puts before all shapes.
template <class T>
Mesh<T> checked_view(const Layout& layout, const Settings<T>& settings, const std::vector<index_t>& stack) {
    const auto checked = [&](const char* name, const RealArray<T>& array, std::vector<index_t> shape) {
        shape.insert(shape.begin(), stack.begin(), stack.end());
        require_shape(name, array, shape);
        return array.data();
    };
    const index_t modes = layout.modes(), mzis = layout.mzis();
    return mesh_at<T>(layout, stack,
                      {checked("theta", settings.theta, {mzis}), checked("phi", settings.phi, {mzis}),
                       checked("gamma", settings.gamma, {modes}),
                       settings.coupler_error ? checked("coupler_error", *settings.coupler_error, {mzis, 2}) : nullptr,
                       settings.loss_db ? checked("loss_db", *settings.loss_db, {mzis, 4}) : nullptr});
}

}  // namespace

template <class T>
Mesh<T> mesh_at(const Layout& layout, const std::vector<index_t>& stack, const SettingsAt<T>& at) {
    constexpr T any = std::numeric_limits<T>::lowest();
    const auto check = [&](const char* name, const T* data, std::vector<index_t> shape, T least, const char* expected) {
        if (!data) return;
        shape.insert(shape.begin(), stack.begin(), stack.end());
        require_finite(name, data, shape, least, expected);
    };
    const index_t modes = layout.modes(), mzis = layout.mzis();
    check("theta", at.theta, {mzis}, any, "finite");
    check("phi", at.phi, {mzis}, any, "finite");
    check("gamma", at.gamma, {modes}, any, "finite");
    check("coupler_error", at.coupler_error, {mzis, 2}, any, "finite");
    check("loss_db", at.loss_db, {mzis, 4}, T(0), "finite and at least 0 dB");
    return {modes,    mzis,   layout.pairs(), layout.order(),   layout.chains(), layout.reach(),
            at.theta, at.phi, at.gamma,       at.coupler_error, at.loss_db};
}

template <class T>
Mesh<T> mesh_view(const Layout& layout, const Settings<T>& settings) {
    return checked_view(layout, settings, {});
}

template <class T>
Mesh<T> stacked_view(const Layout& layout, const Settings<T>& settings, index_t meshes) {
    return checked_view(layout, settings, {meshes});
}

index_t require_batch(const char* name, const py::array& light, const Layout& layout) {
    if (light.ndim() != 2)
        throw std::invalid_argument(std::string(name) + " must have shape (batch, modes), got " +
                                    std::to_string(light.ndim()) + " dimensions");
    require_shape(name, light, {light.shape(0), layout.modes()});
    return light.shape(0);
}

void require_in_a_step(index_t first, index_t count) {
    if (first > numbers_in_a_step - count)
        throw std::invalid_argument("a step of a stream has 2**34 random numbers, got " + std::to_string(count) +
                                    " to draw from number " + std::to_string(first) + " on");
}

void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
    if (pthread_atfork(nullptr, nullptr, [] { forked = true; }) != 0) throw std::bad_alloc();
#endif
}

int usable_threads(int asked) {
    if (asked < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(asked));
    return forked ? 1 : std::min(asked, most_threads());
}

template Mesh<float> mesh_at(const Layout&, const std::vector<index_t>&, const SettingsAt<float>&);
template Mesh<double> mesh_at(const Layout&, const std::vector<index_t>&, const SettingsAt<double>&);
template Mesh<float> mesh_view(const Layout&, const Settings<float>&);
template Mesh<double> mesh_view(const Layout&, const Settings<double>&);
template Mesh<float> stacked_view(const Layout&, const Settings<float>&, index_t);
template Mesh<double> stacked_view(const Layout&, const Settings<double>&, index_t);

}  // namespace retrolux
