// Element types: names, sizes, categories, promotion, and a visitor that turns a DType into a C++ type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/complex.h"
#include "base/error.h"
#include "base/half.h"

namespace tapeless {

enum class DType : std::uint8_t {
    Bool,
    UInt8,
    Int8,
    Int16,
    Int32,
    Int64,
    Float16,
    BFloat16,
    Float32,
    Float64,
    Complex64,
    Complex128,
};
inline constexpr int kDTypes = 12;

/// The four steps of PyTorch's promotion ladder.
enum class Category : std::uint8_t { Bool, Integer, Floating, Complex };

struct DTypeFacts {
    const char* name;         ///< as Python prints it after "torch."
    const char* legacy_name;  ///< as PyTorch's messages name a tensor of it: Float, Long ...
    std::size_t size;         ///< bytes of one element
    Category category;
};
const DTypeFacts& facts(DType dtype);

inline std::size_t size_of(DType dtype) {
    constexpr std::uint8_t sizes[kDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
    return sizes[static_cast<int>(dtype)];
}
inline Category category(DType dtype) {
    if (dtype == DType::Bool) return Category::Bool;
    if (dtype <= DType::Int64) return Category::Integer;
    return dtype <= DType::Float64 ? Category::Floating : Category::Complex;
}
inline bool is_floating(DType dtype) { return category(dtype) == Category::Floating; }
inline bool is_complex(DType dtype) { return category(dtype) == Category::Complex; }
inline bool is_integral(DType dtype) { return category(dtype) <= Category::Integer; }
inline bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }
/// True where gradients make sense: floating point and complex.
inline bool is_differentiable(DType dtype) { return category(dtype) >= Category::Floating; }

/// The least dtype that holds both, by PyTorch's table.
DType promote(DType x, DType y);
/// float64 for complex128, float32 for complex64; a real dtype is itself.
DType real_of(DType dtype);
/// complex128 for float64, complex64 for other real dtypes.
DType complex_of(DType dtype);
/// The dtype that arithmetic on `dtype` is computed in: float32 for the half types.
inline DType compute_type(DType dtype) { return is_half(dtype) ? DType::Float32 : dtype; }
/// Whether PyTorch lets a result of `from` be written into a tensor of `to`.
bool can_cast(DType from, DType to);
DType default_dtype();
void set_default_dtype(DType dtype);

template <class T> inline constexpr bool is_complex_type = false;
template <class T> inline constexpr bool is_complex_type<Complex<T>> = true;

template <class T> struct Type {
    using type = T;
};

/// Calls `visitor(Type<T>{})` with the C++ type of `dtype`.
template <class Visitor> decltype(auto) visit(DType dtype, Visitor&& visitor) {
    switch (dtype) {
        case DType::Bool:
            return visitor(Type<bool>{});
        case DType::UInt8:
            return visitor(Type<std::uint8_t>{});
        case DType::Int8:
            return visitor(Type<std::int8_t>{});
        case DType::Int16:
            return visitor(Type<std::int16_t>{});
        case DType::Int32:
            return visitor(Type<std::int32_t>{});
        case DType::Int64:
            return visitor(Type<std::int64_t>{});
        case DType::Float16:
            return visitor(Type<Half>{});
        case DType::BFloat16:
            return visitor(Type<BFloat16>{});
        case DType::Float32:
            return visitor(Type<float>{});
        case DType::Float64:
            return visitor(Type<double>{});
        case DType::Complex64:
            return visitor(Type<Complex<float>>{});
        case DType::Complex128:
            return visitor(Type<Complex<double>>{});
    }
    __builtin_unreachable();
}

/// One element converted as PyTorch converts it: complex to real drops the imaginary part, anything to bool asks "not zero".
template <class To, class From> To convert(From value) {
    if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
        return convert<To>(static_cast<float>(value));
    } else if constexpr (is_complex_type<From>) {
        if constexpr (is_complex_type<To>) {
            using T = decltype(To{}.re);
            return To{static_cast<T>(value.re), static_cast<T>(value.im)};
        } else if constexpr (std::is_same_v<To, bool>) {
            return value.re != 0 || value.im != 0;
        } else {
            return convert<To>(value.re);
        }
    } else if constexpr (is_complex_type<To>) {
        using T = decltype(To{}.re);
        return To{static_cast<T>(value), T(0)};
    } else if constexpr (std::is_same_v<To, bool>) {
        return value != From(0);
    } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
        return To(static_cast<float>(value));
    } else if constexpr (std::is_integral_v<To> && sizeof(To) < 8 && std::is_floating_point_v<From>) {
        return static_cast<To>(
            static_cast<std::int64_t>(value));  // Wraps as PyTorch's does, where a direct cast is undefined.
    } else {
        return static_cast<To>(value);
    }
}

}  // namespace tapeless
