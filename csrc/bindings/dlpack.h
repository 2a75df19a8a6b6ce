#pragma once

#include <cstdint>

// The part of DLPack's C exchange interface, version 1, that reads a tensor where it lies: how libraries of tensors and
// of kernels meet without linking each other. Layouts are those of dlpack.h, github.com/dmlc/dlpack.

namespace retrolux::dlpack {

struct Device {
    std::int32_t type;
    std::int32_t id;
};
inline constexpr std::int32_t on_cpu = 1;

struct Type {
    std::uint8_t code;
    std::uint8_t bits;  ///< of a whole number, both parts of a complex one
    std::uint16_t lanes;
};
inline constexpr std::uint8_t integer_code = 0, real_code = 2, complex_code = 5;

/// DLTensor.
struct Tensor {
    void* data;
    Device device;
    std::int32_t dimensions;
    Type type;
    std::int64_t* shape;    ///< (dimensions)
    std::int64_t* strides;  ///< (dimensions), in numbers
    std::uint64_t byte_offset;
};

struct Version {
    std::uint32_t major;
    std::uint32_t minor;
};

/// DLPackExchangeAPI: what `__dlpack_c_exchange_api__` of a tensor's type points to, in a capsule of the name below.
struct Api {
    Version version;
    Api* older;
    void (*allocate)();
    void (*take_from_python)();
    void (*give_to_python)();
    /// Describes a tensor, which keeps owning its memory: 0, or -1 with an exception of Python's. Null: not offered.
    int (*describe)(void* object, Tensor* tensor);
    void (*current_stream)();
};
inline constexpr const char* capsule_name = "dlpack_exchange_api";
inline constexpr std::uint32_t known_version = 1;

}  // namespace retrolux::dlpack
