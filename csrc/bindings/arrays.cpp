#include "bindings/arrays.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace retrolux {

namespace {

std::string shape_text(const index_t* sizes, std::size_t count) {
    std::string text = "(";
    for (std::size_t i = 0; i < count; ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
    return text + (count == 1 ? ",)" : ")");
}

/// Refuses a number that is not finite or below `least`; one sentence says where and what it is.
template <class T>
void require_finite(const char* name, const RealArray<T>& array, T least, const char* expected) {
    constexpr T most = std::numeric_limits<T>::max();
    const T* data = array.data();
    const index_t size = array.size();
    int wrong = 0;  // a plain loop without a way out, which vectors can run
    for (index_t i = 0; i < size; ++i) wrong |= !(data[i] >= least && data[i] <= most);
    if (!wrong) return;
    index_t i = 0;
    while (data[i] >= least && data[i] <= most) ++i;
    const std::string place = array.ndim() == 1
                                  ? std::to_string(i)
                                  : std::to_string(i / array.shape(1)) + ", " + std::to_string(i % array.shape(1));
    const std::string value = std::isnan(data[i]) ? "nan" : std::to_string(data[i]);
    throw std::invalid_argument(std::string(name) + " must be " + expected + ", got " + value + " at [" + place + "]");
}

std::atomic<bool> forked{false};

}  // namespace

Layout::Layout(index_t modes, const RealArray<std::int32_t>& pairs) : modes_(modes), mzis_(0) {
    if (modes < 1 || modes > (1 << 24))
        throw std::invalid_argument("modes must be between 1 and 16777216, got " + std::to_string(modes));
    if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("pairs must have shape (mzis, 2)");
    mzis_ = pairs.shape(0);
    const std::int32_t* data = pairs.data();
    for (index_t k = 0; k < mzis_; ++k) {
        const std::int32_t a = data[2 * k], b = data[2 * k + 1];
        if (a < 0 || b < 0 || a >= modes || b >= modes || a == b)
            throw std::invalid_argument("MZI " + std::to_string(k) + " must join two of " + std::to_string(modes) +
                                        " modes, got " + std::to_string(a) + " and " + std::to_string(b));
    }
    pairs_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(2 * mzis_));
    std::copy(data, data + 2 * mzis_, pairs_.get());
}

void require_shape(const char* name, const py::array& array, std::initializer_list<index_t> shape) {
    if (array.ndim() == static_cast<index_t>(shape.size()) &&
        std::equal(shape.begin(), shape.end(), array.shape(),
                   [](index_t want, py::ssize_t got) { return want == got; }))
        return;
    throw std::invalid_argument(std::string(name) + " must have shape " + shape_text(shape.begin(), shape.size()) +
                                ", got " + shape_text(array.shape(), static_cast<std::size_t>(array.ndim())));
}

template <class T>
Mesh<T> mesh_view(const Layout& layout, const Settings<T>& settings) {
    constexpr T any = std::numeric_limits<T>::lowest();
    require_shape("theta", settings.theta, {layout.mzis()});
    require_shape("phi", settings.phi, {layout.mzis()});
    require_shape("gamma", settings.gamma, {layout.modes()});
    require_finite("theta", settings.theta, any, "finite");
    require_finite("phi", settings.phi, any, "finite");
    require_finite("gamma", settings.gamma, any, "finite");
    Mesh<T> mesh{layout.modes(),      layout.mzis(),         layout.pairs(), settings.theta.data(),
                 settings.phi.data(), settings.gamma.data(), nullptr,        nullptr};
    if (settings.coupler_error) {
        require_shape("coupler_error", *settings.coupler_error, {layout.mzis(), 2});
        require_finite("coupler_error", *settings.coupler_error, any, "finite");
        mesh.coupler_error = settings.coupler_error->data();
    }
    if (settings.loss_db) {
        require_shape("loss_db", *settings.loss_db, {layout.mzis(), 4});
        require_finite("loss_db", *settings.loss_db, T(0), "finite and at least 0 dB");
        mesh.loss_db = settings.loss_db->data();
    }
    return mesh;
}

index_t require_batch(const char* name, const py::array& light, const Layout& layout) {
    if (light.ndim() != 2)
        throw std::invalid_argument(std::string(name) + " must have shape (batch, modes), got " +
                                    std::to_string(light.ndim()) + " dimensions");
    require_shape(name, light, {light.shape(0), layout.modes()});
    return light.shape(0);
}

int usable_threads(int asked) {
#if defined(__unix__) || defined(__APPLE__)
    static const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });
    (void)registered;
#endif
    if (asked < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(asked));
    return forked ? 1 : asked;
}

template Mesh<float> mesh_view(const Layout&, const Settings<float>&);
template Mesh<double> mesh_view(const Layout&, const Settings<double>&);

}  // namespace retrolux
