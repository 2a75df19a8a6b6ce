#pragma once

#include <optional>

#include "bindings/layout.h"

// Settings as Python hands them over: a tuple in the order of setting_table, of arrays or, where that may be left out,
// None. The settings of several meshes of one layout are stacked along a first dimension.

namespace retrolux {

/// How many meshes are stacked; nothing for one mesh, whose arrays have no such dimension.
using Stack = std::optional<index_t>;

/// The sizes with the stack in front of them.
Shape stacked(Stack stack, index_t first);
Shape stacked(Stack stack, index_t first, index_t second);

/// The first of the settings, whose precision and stack all others have.
Array first_setting(const py::tuple& settings);
Stack stack_of(const Array& first_setting);

/// Checks types and shapes. Where T is not const, this is room for gradients.
template <class T>
Settings<T> settings_at(const Layout& layout, const py::tuple& settings, Stack stack = {});

/// Checks also that every number is finite and that losses are not gains; the view is of the first mesh of a stack.
template <class T>
Mesh<T> mesh_at(const Layout& layout, const py::tuple& settings, Stack stack = {});

}  // namespace retrolux
