// The facts of each element type and PyTorch's promotion rules.
#include "base/dtype.h"

#include <algorithm>

namespace tapeless {

const DTypeFacts& facts(DType dtype) {
    static constexpr DTypeFacts table[kDTypes] = {
        {"bool", "Bool", 1, Category::Bool},
        {"uint8", "Byte", 1, Category::Integer},
        {"int8", "Char", 1, Category::Integer},
        {"int16", "Short", 2, Category::Integer},
        {"int32", "Int", 4, Category::Integer},
        {"int64", "Long", 8, Category::Integer},
        {"float16", "Half", 2, Category::Floating},
        {"bfloat16", "BFloat16", 2, Category::Floating},
        {"float32", "Float", 4, Category::Floating},
        {"float64", "Double", 8, Category::Floating},
        {"complex64", "ComplexFloat", 8, Category::Complex},
        {"complex128", "ComplexDouble", 16, Category::Complex},
    };
    return table[static_cast<int>(dtype)];
}

DType promote(DType x, DType y) {
    if (x == y) return x;
    const DType low = std::min(x, y), high = std::max(x, y);
    if (low == DType::UInt8 && high == DType::Int8) return DType::Int16;
    if (low == DType::Float16 && high == DType::BFloat16) return DType::Float32;
    if (high == DType::Complex64 && low == DType::Float64) return DType::Complex128;
    return high;  // The enumeration is in the order of the ladder; the three pairs above are its only joins.
}

DType real_of(DType dtype) {
    if (dtype == DType::Complex64) return DType::Float32;
    return dtype == DType::Complex128 ? DType::Float64 : dtype;
}

DType complex_of(DType dtype) {
    return dtype == DType::Float64 || dtype == DType::Complex128 ? DType::Complex128 : DType::Complex64;
}

bool can_cast(DType from, DType to) {
    if (is_complex(from) && !is_complex(to)) return false;
    if (is_floating(from) && is_integral(to)) return false;
    return from == DType::Bool || to != DType::Bool;
}

namespace {
DType the_default_dtype = DType::Float32;
}

DType default_dtype() { return the_default_dtype; }
void set_default_dtype(DType dtype) { the_default_dtype = dtype; }

}  // namespace tapeless
