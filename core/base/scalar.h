// A number as Python hands it over: bool, integer, floating or complex, not yet of any element type.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

class Scalar {
public:
    Scalar() : Scalar(std::int64_t{0}) {}
    template <std::same_as<bool> T>  // Not what a pointer would turn into.
    Scalar(T value) : category_(Category::Bool), integer_(value) {}
    Scalar(std::int64_t value) : category_(Category::Integer), integer_(value) {}
    Scalar(int value) : Scalar(std::int64_t{value}) {}
    Scalar(double value) : category_(Category::Floating), complex_{value, 0} {}
    Scalar(Complex<double> value) : category_(Category::Complex), complex_(value) {}

    Category category() const { return category_; }
    bool is_zero() const { return to<bool>() == false; }

    template <class T> T to() const {
        if (category_ <= Category::Integer) return convert<T>(integer_);
        if (category_ == Category::Floating) return convert<T>(complex_.re);
        return convert<T>(complex_);
    }
    /// The dtype that a tensor made of this number has.
    DType dtype() const {
        switch (category_) {
            case Category::Bool:
                return DType::Bool;
            case Category::Integer:
                return DType::Int64;
            case Category::Floating:
                return default_dtype();
            case Category::Complex:
                return complex_of(default_dtype());
        }
        __builtin_unreachable();
    }

private:
    Category category_;
    union {
        std::int64_t integer_;
        Complex<double> complex_;
    };
};

}  // namespace tapeless
