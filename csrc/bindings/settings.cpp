#include "bindings/settings.h"

#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace retrolux {

namespace {

/// "2, 7" for the element that lies `flat` places behind the first.
std::string place_text(const Shape& shape, index_t flat) {
    std::string text;
    for (const index_t* size = shape.end(); size-- != shape.begin();) {
        text = std::to_string(flat % *size) + (text.empty() ? "" : ", ") + text;
        flat /= *size;
    }
    return text;
}

void require_count(const py::tuple& settings) {
    const std::size_t count = std::size(setting_table<float>);
    if (settings.size() != count)
        throw std::invalid_argument("settings and gradients must be " + std::to_string(count) + ", got " +
                                    std::to_string(settings.size()));
}

template <class T>
Shape shape_of(const Setting<T>& setting, const Layout& layout, Stack stack) {
    const index_t count = setting.of_modes ? layout.modes() : layout.mzis();
    return setting.numbers == 1 ? stacked(stack, count) : stacked(stack, count, setting.numbers);
}

/// Refuses a number that is not finite, or a gain; one sentence says where and what it is.
template <class T>
void require_physical(const Setting<const T>& setting, const T* data, const Shape& shape) {
    constexpr T most = std::numeric_limits<T>::max();
    const T least = setting.is_loss ? T(0) : std::numeric_limits<T>::lowest();
    index_t size = 1;
    for (const index_t one : shape) size *= one;
    int wrong = 0;  // a plain loop without a way out, which vectors can run
    for (index_t i = 0; i < size; ++i) wrong |= !(data[i] >= least && data[i] <= most);
    if (!wrong) return;
    index_t i = 0;
    while (data[i] >= least && data[i] <= most) ++i;
    const std::string value = std::isnan(data[i]) ? "nan" : std::to_string(data[i]);
    throw std::invalid_argument(std::string(setting.name) + " must be finite" +
                                (setting.is_loss ? " and at least 0 dB" : "") + ", got " + value + " at [" +
                                place_text(shape, i) + "]");
}

}  // namespace

Shape stacked(Stack stack, index_t first) { return stack ? Shape{*stack, first} : Shape{first}; }
Shape stacked(Stack stack, index_t first, index_t second) {
    return stack ? Shape{*stack, first, second} : Shape{first, second};
}

Array first_setting(const py::tuple& settings) {
    require_count(settings);
    return {setting_table<float>[0].name, PyTuple_GET_ITEM(settings.ptr(), 0)};
}

Stack stack_of(const Array& first_setting) {
    return first_setting.dimensions() == 2 ? Stack(first_setting.shape(0)) : Stack();
}

template <class T>
Settings<T> settings_at(const Layout& layout, const py::tuple& settings, Stack stack) {
    require_count(settings);
    Settings<T> at;
    py::ssize_t i = 0;
    for (const Setting<T>& setting : setting_table<T>) {
        const py::handle given(PyTuple_GET_ITEM(settings.ptr(), i++));
        if (setting.optional && given.is_none()) continue;
        const Array array(setting.name, given, std::is_const_v<T> ? "" : "grad_");
        at.*setting.member = array.of_shape(shape_of(setting, layout, stack)).template reals<T>();
    }
    return at;
}

template <class T>
Mesh<T> mesh_at(const Layout& layout, const py::tuple& settings, Stack stack) {
    auto mesh = layout.mesh<T>();
    static_cast<Settings<const T>&>(mesh) = settings_at<const T>(layout, settings, stack);
    for (const Setting<const T>& setting : setting_table<const T>)
        if (const T* data = mesh.*setting.member) require_physical(setting, data, shape_of(setting, layout, stack));
    return mesh;
}

template Settings<float> settings_at(const Layout&, const py::tuple&, Stack);
template Settings<double> settings_at(const Layout&, const py::tuple&, Stack);
template Settings<const float> settings_at(const Layout&, const py::tuple&, Stack);
template Settings<const double> settings_at(const Layout&, const py::tuple&, Stack);
template Mesh<float> mesh_at(const Layout&, const py::tuple&, Stack);
template Mesh<double> mesh_at(const Layout&, const py::tuple&, Stack);

}  // namespace retrolux
