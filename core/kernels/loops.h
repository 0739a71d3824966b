// The number reader's loops, included only by the per-ISA translation units.
#pragma once

#include <cstring>
#include <utility>

#include "kernels/formula.h"
#include "kernels/math_careful.h"

namespace tapeless::formula {
namespace {  // Everything here is per translation unit: merged across ISA levels, a v4 loop would run on a v2 machine.

/// How a value lies in memory: bool as a byte, which gcc can vectorise where it cannot a bool*.
template <class T> using Stored = std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>;

template <class T> inline T load(const void* base, std::int64_t i) {
    if constexpr (std::is_same_v<T, bool>) {
        return static_cast<const unsigned char*>(base)[i] != 0;
    } else {
        return static_cast<const T*>(base)[i];
    }
}

template <class T> struct RealOf {
    using type = T;
};
template <class T> struct RealOf<Complex<T>> {
    using type = T;
};

template <class To, class From> inline To as(From value) {
    if constexpr (std::is_same_v<From, Literal>) {
        return value.template as<To>();
    } else if constexpr (std::is_same_v<To, From>) {
        return value;
    } else if constexpr (is_complex_type<To> && !is_complex_type<From>) {
        return To{static_cast<decltype(To{}.re)>(value), 0};
    } else if constexpr (is_complex_type<From> && !is_complex_type<To>) {
        return static_cast<To>(value.re);
    } else {
        return static_cast<To>(value);
    }
}

template <class T, Result result>
using ResultOf = std::conditional_t<result == Result::Bool, bool,
                                    std::conditional_t<result == Result::Real, typename RealOf<T>::type, T>>;

template <class F, class T, class R, unsigned bools, std::size_t... K>
void forward_loop_of(void* out, const void* const* in, std::int64_t count, std::index_sequence<K...>) {
    Stored<R>* to = static_cast<Stored<R>*>(out);
    const void* const from[] = {in[K]...};
    count &= -16;  // Callers pad to whole groups, so there is no scalar tail with other bits.
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = static_cast<Stored<R>>(
            as<R>(F{}(load<std::conditional_t<((bools >> K) & 1) != 0, bool, T>>(from[K], i)...)));
    }
}

template <class F, class T, class R, unsigned bools, int arity>
void forward_loop(void* out, const void* const* in, std::int64_t count) {
    forward_loop_of<F, T, R, bools>(out, in, count, std::make_index_sequence<arity>());
}

/// Operands: g, the row's operands, out, all in the dtype of the computation, where the row's own result may be real.
/// Gradient `which` only; the compiler drops what it does not need.
template <class D, class T, unsigned bools, std::size_t which, std::size_t... K>
void derivative_loop_of(void* out, const void* const* in, std::int64_t count, std::index_sequence<K...>) {
    T* to = static_cast<T*>(out);
    const void* const from[] = {in[K + 1]...};
    const void *g = in[0], *result = in[sizeof...(K) + 1];
    count &= -16;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = as<T>(std::get<which>(
            D{}(load<T>(g, i), load<std::conditional_t<((bools >> K) & 1) != 0, bool, T>>(from[K], i)...,
                load<T>(result, i))));
    }
}

template <class D, class T, unsigned bools, int arity, std::size_t which>
void derivative_loop(void* out, const void* const* in, std::int64_t count) {
    derivative_loop_of<D, T, bools, which>(out, in, count, std::make_index_sequence<arity>());
}

/// The packed loop over `operands` inputs, and then `careful(inputs)` for each element whose input number `angle` is
/// beyond what that loop can do. The output may be one of the inputs.
template <Loop packed, int operands, int angle, class Careful_>
void mended_loop(void* out, const void* const* in, std::int64_t count, Careful_ careful) {
    constexpr std::int64_t kPiece = 256;
    double kept[operands][kPiece];
    for (std::int64_t at = 0; at < count; at += kPiece) {
        const std::int64_t length = count - at < kPiece ? count - at : kPiece;
        double* to = static_cast<double*>(out) + at;
        const void* from[operands + 1];
        for (int k = 0; k < operands; ++k) from[k] = static_cast<const double*>(in[k]) + at;
        from[operands] = from[0];  // Not used, but without optimisation it may be loaded.
        const double* angles = static_cast<const double*>(from[angle]);
        bool any = false;
        for (std::int64_t i = 0; i < length; ++i) any |= abs(angles[i]) >= kLargestAngle;
        for (int k = 0; any && k < operands; ++k) std::memcpy(kept[k], from[k], sizeof(double) * length);
        packed(to, from, length);
        for (std::int64_t i = 0; any && i < length; ++i) {
            if (abs(kept[angle][i]) >= kLargestAngle) to[i] = careful(kept, i).value;
        }
    }
}

/// A row of one angle, in double.
template <class F> void forward_of_angles(void* out, const void* const* in, std::int64_t count) {
    mended_loop<&forward_loop<F, double, double, 0, 1>, 1, 0>(
        out, in, count, [](const auto& x, std::int64_t i) { return F{}(Careful{x[0][i]}); });
}
/// Its derivative's operands are g, the angle, and out, which is not read.
template <class D> void derivative_of_angles(void* out, const void* const* in, std::int64_t count) {
    mended_loop<&derivative_loop<D, double, 0, 1, 0>, 2, 1>(
        out, in, count, [](const auto& x, std::int64_t i) {
            return std::get<0>(D{}(Careful{x[0][i]}, Careful{x[1][i]}, Careful{}));
        });
}

/// What a derivative returns: a tuple with a number, a literal or NoGradient for each operand.
template <class D, class T, unsigned bools, std::size_t... K>
auto gradients_of(std::index_sequence<K...>)
    -> decltype(D{}(T(), std::conditional_t<((bools >> K) & 1) != 0, bool, T>()..., T()));

template <class D, class T, unsigned bools, int arity, std::size_t which, bool angles>
void fill_derivative(Loop& loop) {
    using Gradients = decltype(gradients_of<D, T, bools>(std::make_index_sequence<arity>()));
    if constexpr (angles && std::is_same_v<T, double>) {
        loop = &derivative_of_angles<D>;
    } else if constexpr (!std::is_same_v<std::tuple_element_t<which, Gradients>, NoGradient>) {
        loop = &derivative_loop<D, T, bools, arity, which>;
    }
}

template <const auto& family, std::size_t I, class T, DType dtype> void fill_row(RowLoops* rows) {
    constexpr const auto& row = std::get<I>(family);
    using Row = std::remove_cvref_t<decltype(row)>;
    constexpr Facts facts = row.facts;
    if constexpr (in_domain(facts.domain, dtype)) {
        using F = decltype(row.forward);
        using D = decltype(row.derivative);
        using R = ResultOf<T, facts.result>;
        constexpr int at = static_cast<int>(dtype);
        if constexpr ((facts.angles & 1) && std::is_same_v<T, double>) {
            rows[I].forward[at] = &forward_of_angles<std::remove_const_t<F>>;
        } else {
            rows[I].forward[at] =
                &forward_loop<std::remove_const_t<F>, T, R, facts.bool_operands, Row::arity>;
        }
        if constexpr (Row::differentiable && dtype >= DType::Float16) {
            [&]<std::size_t... which>(std::index_sequence<which...>) {
                (fill_derivative<std::remove_const_t<D>, T, facts.bool_operands, Row::arity, which,
                                 (facts.angles & 2) != 0>(rows[I].derivative[which][at]),
                 ...);
            }(std::make_index_sequence<Row::arity>());
        }
    }
}

template <const auto& family, class T, DType dtype> void fill_rows(RowLoops* rows) {
    constexpr std::size_t count = std::tuple_size_v<std::remove_cvref_t<decltype(family)>>;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (fill_row<family, I, T, dtype>(rows), ...);
    }(std::make_index_sequence<count>());
}

// The dtype classes; the build compiles each family once per class and ISA level, with TAPELESS_CLASS naming one.
namespace float32 {
template <const auto& family> void fill(RowLoops* rows) { fill_rows<family, float, DType::Float32>(rows); }
}  // namespace float32
namespace float64 {
template <const auto& family> void fill(RowLoops* rows) { fill_rows<family, double, DType::Float64>(rows); }
}  // namespace float64
namespace integer {
template <const auto& family> void fill(RowLoops* rows) {
    fill_rows<family, bool, DType::Bool>(rows);
    fill_rows<family, std::uint8_t, DType::UInt8>(rows);
    fill_rows<family, std::int8_t, DType::Int8>(rows);
    fill_rows<family, std::int16_t, DType::Int16>(rows);
    fill_rows<family, std::int32_t, DType::Int32>(rows);
    fill_rows<family, std::int64_t, DType::Int64>(rows);
}
}  // namespace integer
namespace complex {
template <const auto& family> void fill(RowLoops* rows) {
    fill_rows<family, Complex<float>, DType::Complex64>(rows);
    fill_rows<family, Complex<double>, DType::Complex128>(rows);
}
}  // namespace complex

}  // namespace
}  // namespace tapeless::formula
