// Writes kernels: the words in CUDA C++ with the semantics of kernels/math_*.h, and the loop around a formula's code.
#include "kernels/cuda_text.h"

#include "base/error.h"

namespace tapeless {
namespace {

// Words that hold for every type. Integers wrap: they are computed without a sign, 64 bits wide.
constexpr const char* kWords = R"(// Words of formulas, in CUDA C++; nothing is included.
#define TL_WORD static __device__ __forceinline__
typedef unsigned long long tl_wide;
template <class T> struct TlType { static const bool whole = true, has_sign = T(-1) < T(0); };
template <> struct TlType<float> { static const bool whole = false, has_sign = true; };
template <> struct TlType<double> { static const bool whole = false, has_sign = true; };
template <> struct TlType<bool> { static const bool whole = true, has_sign = false; };
template <class T, bool whole = TlType<T>::whole> struct TlArithmetic {
    TL_WORD T add(T x, T y) { return T(tl_wide(x) + tl_wide(y)); }
    TL_WORD T sub(T x, T y) { return T(tl_wide(x) - tl_wide(y)); }
    TL_WORD T mul(T x, T y) { return T(tl_wide(x) * tl_wide(y)); }
    TL_WORD T neg(T x) { return T(tl_wide(0) - tl_wide(x)); }
};
template <class T> struct TlArithmetic<T, false> {
    TL_WORD T add(T x, T y) { return x + y; }
    TL_WORD T sub(T x, T y) { return x - y; }
    TL_WORD T mul(T x, T y) { return x * y; }
    TL_WORD T neg(T x) { return -x; }
};
template <class T> TL_WORD T tl_add(T x, T y) { return TlArithmetic<T>::add(x, y); }
template <class T> TL_WORD T tl_sub(T x, T y) { return TlArithmetic<T>::sub(x, y); }
template <class T> TL_WORD T tl_mul(T x, T y) { return TlArithmetic<T>::mul(x, y); }
template <class T> TL_WORD T tl_neg(T x) { return TlArithmetic<T>::neg(x); }
template <class T> TL_WORD T tl_div(T x, T y) { return x / y; }
template <class T> TL_WORD bool tl_eq(T x, T y) { return x == y; }
template <class T> TL_WORD bool tl_ne(T x, T y) { return x != y; }
template <class T> TL_WORD bool tl_lt(T x, T y) { return x < y; }
template <class T> TL_WORD bool tl_le(T x, T y) { return x <= y; }
template <class T> TL_WORD bool tl_gt(T x, T y) { return x > y; }
template <class T> TL_WORD bool tl_ge(T x, T y) { return x >= y; }
TL_WORD bool tl_logical_and(bool x, bool y) { return x && y; }
TL_WORD bool tl_logical_or(bool x, bool y) { return x || y; }
TL_WORD bool tl_logical_not(bool x) { return !x; }
template <class T> TL_WORD T tl_where(bool condition, T x, T y) { return condition ? x : y; }
template <class T> TL_WORD bool tl_negative(T x) { return TlType<T>::has_sign && x < T(0); }
template <class T> TL_WORD T tl_sign(T x) { return x > T(0) ? T(1) : tl_negative(x) ? T(-1) : T(0); }
template <class T> TL_WORD T tl_sgn(T x) { return tl_sign(x); }
template <class T> TL_WORD T tl_conj(T x) { return x; }
template <class T> TL_WORD T tl_real_part(T x) { return x; }
template <class T> TL_WORD bool tl_isnan(T x) { return x != x; }
template <class T> TL_WORD T tl_minimum(T x, T y) { return x < y || x != x ? x : y; }
template <class T> TL_WORD T tl_maximum(T x, T y) { return x > y || x != x ? x : y; }
template <class T> TL_WORD T tl_abs(T x) { return tl_negative(x) ? tl_neg(x) : x; }
template <class T> TL_WORD bool tl_isfinite(T) { return true; }
template <class T> TL_WORD bool tl_isinf(T) { return false; }
template <class T> TL_WORD bool tl_signbit(T x) { return tl_negative(x); }
)";

// Integers and bool; divisors are not zero, which the caller has checked, and if they are the result is 0.
constexpr const char* kIntegerWords = R"(
template <class T> TL_WORD bool tl_minus_one(T x) { return TlType<T>::has_sign && x == T(-1); }
template <class T> TL_WORD T tl_fmod(T x, T y) {
    if (y == T(0) || tl_minus_one(y)) return T(0);
    return T(x % y);
}
template <class T> TL_WORD T tl_gcd(T x, T y) {
    tl_wide a = tl_wide(tl_negative(x) ? -(long long)x : x), b = tl_wide(tl_negative(y) ? -(long long)y : y);
    while (b != 0) {
        const tl_wide rest = a % b;
        a = b;
        b = rest;
    }
    return T(a);
}
template <class T> TL_WORD T tl_lcm(T x, T y) {
    const T divisor = tl_gcd(x, y);
    return divisor == T(0) ? T(0) : tl_abs(tl_mul(T(x / divisor), y));
}
template <class T> TL_WORD T tl_remainder(T x, T y) {
    if (y == T(0) || tl_minus_one(y)) return T(0);
    const T rest = T(x % y);
    return rest != T(0) && tl_negative(rest) != tl_negative(y) ? T(rest + y) : rest;
}
template <class T> TL_WORD T tl_floor_divide(T x, T y) {
    if (y == T(0)) return T(0);
    if (tl_minus_one(y)) return tl_neg(x);
    return T(x / y - (x % y != 0 && tl_negative(x) != tl_negative(y) ? 1 : 0));
}
template <class T> TL_WORD T tl_pow(T x, T y) {
    if (tl_negative(y)) {
        if (x == T(1)) return x;
        if (tl_minus_one(x)) return (y & 1) != 0 ? x : T(1);
        return T(0);
    }
    tl_wide result = 1, square = tl_wide(x);
    for (tl_wide rest = tl_wide(y); rest != 0; rest >>= 1) {
        if ((rest & 1) != 0) result *= square;
        square *= square;
    }
    return T(result);
}
template <class T> TL_WORD T tl_bitwise_and(T x, T y) { return T(x & y); }
template <class T> TL_WORD T tl_bitwise_or(T x, T y) { return T(x | y); }
template <class T> TL_WORD T tl_bitwise_xor(T x, T y) { return T(x ^ y); }
template <class T> TL_WORD T tl_bitwise_not(T x) { return T(~x); }
TL_WORD bool tl_bitwise_not(bool x) { return !x; }
template <class T> TL_WORD bool tl_shifts_out(T y) { return tl_negative(y) || tl_wide(y) >= 8 * sizeof(T); }
template <class T> TL_WORD T tl_bitwise_left_shift(T x, T y) {
    return tl_shifts_out(y) ? T(0) : T(tl_wide(x) << tl_wide(y));
}
template <class T> TL_WORD T tl_bitwise_right_shift(T x, T y) {
    return tl_shifts_out(y) ? T(tl_negative(x) ? -1 : 0) : T(x >> int(y));
}
)";

// Floating point; @ stands for the type, and $ for the letter that ends the C library's name of a float function.
constexpr const char* kFloatWords = R"(
TL_WORD @ tl_abs(@ x) { return fabs$(x); }
TL_WORD bool tl_isfinite(@ x) { return x - x == @(0); }
TL_WORD bool tl_isinf(@ x) { return fabs$(x) > @(1) && x - x != @(0) && x == x; }
TL_WORD bool tl_signbit(@ x) { return copysign$(@(1), x) < @(0); }
TL_WORD @ tl_copysign(@ x, @ y) { return copysign$(x, y); }
TL_WORD @ tl_floor(@ x) { return floor$(x); }
TL_WORD @ tl_ceil(@ x) { return ceil$(x); }
TL_WORD @ tl_trunc(@ x) { return trunc$(x); }
TL_WORD @ tl_round(@ x) { return rint$(x); }
TL_WORD @ tl_sqrt(@ x) { return sqrt$(x); }
TL_WORD @ tl_rsqrt(@ x) { return @(1) / sqrt$(x); }
TL_WORD @ tl_reciprocal(@ x) { return @(1) / x; }
TL_WORD @ tl_exp(@ x) { return exp$(x); }
TL_WORD @ tl_expm1(@ x) { return expm1$(x); }
TL_WORD @ tl_log(@ x) { return log$(x); }
TL_WORD @ tl_log1p(@ x) { return log1p$(x); }
TL_WORD @ tl_sin(@ x) { return sin$(x); }
TL_WORD @ tl_cos(@ x) { return cos$(x); }
TL_WORD @ tl_tan(@ x) { return tan$(x); }
TL_WORD @ tl_tanh(@ x) { return tanh$(x); }
TL_WORD @ tl_erf(@ x) { return erf$(x); }
TL_WORD @ tl_pow(@ x, @ y) { return pow$(x, y); }
TL_WORD @ tl_exp2(@ x) { return exp2$(x); }
TL_WORD @ tl_log2(@ x) { return log2$(x); }
TL_WORD @ tl_log10(@ x) { return log10$(x); }
TL_WORD @ tl_sinh(@ x) { return sinh$(x); }
TL_WORD @ tl_cosh(@ x) { return cosh$(x); }
TL_WORD @ tl_asin(@ x) { return asin$(x); }
TL_WORD @ tl_acos(@ x) { return acos$(x); }
TL_WORD @ tl_atan(@ x) { return atan$(x); }
TL_WORD @ tl_asinh(@ x) { return asinh$(x); }
TL_WORD @ tl_acosh(@ x) { return acosh$(x); }
TL_WORD @ tl_atanh(@ x) { return atanh$(x); }
TL_WORD @ tl_atan2(@ x, @ y) { return atan2$(x, y); }
TL_WORD @ tl_hypot(@ x, @ y) { return hypot$(x, y); }
TL_WORD @ tl_fmod(@ x, @ y) { return fmod$(x, y); }
TL_WORD @ tl_logaddexp(@ x, @ y) {
    const @ high = x < y ? y : x, low = x < y ? x : y;
    if (x != x || y != y) return x + y;
    return high - high != @(0) ? high : high + log1p$(exp$(low - high));
}
TL_WORD @ tl_logaddexp2(@ x, @ y) {
    const @ high = x < y ? y : x, low = x < y ? x : y;
    if (x != x || y != y) return x + y;
    return high - high != @(0) ? high : high + log1p$(exp2$(low - high)) * @(1.4426950408889634);
}
TL_WORD @ tl_xlogy(@ x, @ y) { return x == @(0) && y == y ? @(0) : x * log$(y); }
TL_WORD @ tl_special_xlog1py(@ x, @ y) { return x == @(0) && y == y ? @(0) : x * log1p$(y); }
TL_WORD @ tl_sinc(@ x) {
    const @ size = fabs$(x), rest = size - @(2) * rint$(@(0.5) * size), turn = fabs$(rest);
    if (x == @(0)) return @(1);
    const @ sine = sin$(@(3.1415926535897931) * (turn > @(0.5) ? @(1) - turn : turn));
    return copysign$(sine, rest) / (@(3.1415926535897931) * size) + @(0);
}
TL_WORD @ tl_sigmoid(@ x) {
    const @ e = exp$(-fabs$(x));
    return (x >= @(0) ? @(1) : e) / (@(1) + e);
}
TL_WORD @ tl_remainder(@ x, @ y) {
    const @ rest = fmod$(x, y);
    return rest != @(0) && (y < @(0)) != (rest < @(0)) ? rest + y : rest;
}
TL_WORD @ tl_floor_divide(@ x, @ y) {
    if (y == @(0)) return x / y;
    const @ rest = fmod$(x, y);
    @ quotient = (x - rest) / y;
    if (rest != @(0) && (y < @(0)) != (rest < @(0))) quotient = quotient - @(1);
    if (quotient == @(0)) return copysign$(@(0), x / y);
    const @ floored = floor$(quotient);
    return quotient - floored > @(0.5) ? floored + @(1) : floored;
}
)";

// Special functions: the very text that the CPU compiles, which the build puts into this file of one string.
constexpr const char* kSpecialWords =
#include TAPELESS_SPECIAL_WORDS
    ;
// As rows know them; float is computed in double.
constexpr const char* kSpecialOfOne =
    "digamma erfc erfinv i0 lgamma special_erfcx special_i0e special_i1 special_i1e special_log_ndtr "
    "special_ndtri";
constexpr const char* kSpecialOfTwo = "igamma igammac special_zeta";

// A kernel is a loop over a grid; on the host the grid is one thread.
constexpr const char* kHost = R"(// What stands in for CUDA on the host.
#define __global__
#define __device__
#define __forceinline__ inline
static const struct { unsigned x; } blockIdx = {0}, threadIdx = {0}, blockDim = {1}, gridDim = {1};
)";
// The C library's functions, declared rather than included: names from <math.h> would meet CUDA's own.
constexpr const char* kHostFunctions =
    "fabs floor ceil trunc rint sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan tanh sinh cosh asin "
    "acos "
    "atan asinh acosh atanh erf";
constexpr const char* kHostFunctionsOfTwo = "pow fmod copysign atan2 hypot";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
    return text;
}

/// `text` for each of the words of a list, which stands for $.
std::string for_each_word(const char* words, const std::string& text) {
    std::string out, name;
    for (const char* at = words;; ++at) {
        if (*at != ' ' && *at != 0) {
            name += *at;
            continue;
        }
        out += replaced(text, "$", name);
        name.clear();
        if (*at == 0) return out;
    }
}

std::string host_declarations() {
    return for_each_word(kHostFunctions, "extern \"C\" double $(double);\nextern \"C\" float $f(float);\n") +
           for_each_word(kHostFunctionsOfTwo,
                         "extern \"C\" double $(double, double);\nextern \"C\" float $f(float, float);\n");
}

std::string special_words() {
    return kSpecialWords +
           for_each_word(kSpecialOfOne, "TL_WORD float tl_$(float x) { return float(tl_$(double(x))); }\n") +
           for_each_word(
               kSpecialOfTwo,
               "TL_WORD float tl_$(float x, float y) { return float(tl_$(double(x), double(y))); }\n");
}

/// CUDA's name of a dtype; null where no kernel can be written.
const char* type_name(DType dtype) {
    switch (dtype) {
        case DType::Bool:
            return "bool";
        case DType::UInt8:
            return "unsigned char";
        case DType::Int8:
            return "signed char";
        case DType::Int16:
            return "short";
        case DType::Int32:
            return "int";
        case DType::Int64:
            return "long long";
        case DType::Float32:
            return "float";
        case DType::Float64:
            return "double";
        default:
            return nullptr;
    }
}

constexpr const char* kSymbols[] = {"x", "y", "z", "w"};

}  // namespace

bool has_kernel_text(DType dtype) { return type_name(dtype) != nullptr; }

std::string kernel_name(const KernelText& kernel) {
    std::string name = std::string("tl_") + kernel.row + "_" + facts(kernel.dtype).name;
    if (kernel.gradient >= 0) name += "_gradient" + std::to_string(kernel.gradient);
    return name;
}

std::string kernel_text(const KernelText& kernel) {
    check(has_kernel_text(kernel.dtype) && has_kernel_text(kernel.result), "kernel_text: a kernel of ",
          kernel.row, " in ", facts(kernel.dtype).name,
          " was asked for; kernels are written for bool, integers, float32 and float64");
    const bool backward = kernel.gradient >= 0;
    const std::string type = type_name(kernel.dtype), row_result = type_name(kernel.result);
    const std::string result = backward ? type : row_result;
    std::string parameters, loads;
    const std::vector<bool> reached = kernel.code->reach(kernel.root);
    auto used = [&](const std::string& symbol) {
        for (int i = 0; i <= kernel.root; ++i) {
            const CodeNode& node = (*kernel.code)[i];
            if (reached[static_cast<std::size_t>(i)] && node.kind == CodeNode::Kind::Symbol &&
                node.word == symbol)
                return true;
        }
        return false;
    };
    auto operand = [&](const std::string& symbol, const std::string& stored, bool condition) {
        parameters += "const " + stored + "* in_" + symbol + ", ";
        const std::string value = "in_" + symbol + "[i]";
        if (!used(symbol)) return;
        loads += condition ? "    const bool " + symbol + " = " + value + ";\n"
                           : "    const T " + symbol + " = T(" + value + ");\n";
    };
    if (backward) operand("g", row_result, false);
    for (int k = 0; k < kernel.arity; ++k) {
        const bool condition = (kernel.bool_operands >> k) & 1;
        operand(kSymbols[k], condition ? "bool" : type, condition);
    }
    if (backward) operand("out", row_result, false);
    std::string value;
    const std::string statements = kernel.code->print(kernel.root, value);
    return "extern \"C\" __global__ void " + kernel_name(kernel) + "(" + result + "* to, " + parameters +
           "long long count) {\n    typedef " + type + " T;\n    typedef " + result +
           " R;\n"
           "    const long long step = (long long)gridDim.x * blockDim.x;\n"
           "    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) "
           "{\n" +
           replaced(loads + statements, "\n    ", "\n        ").insert(0, "    ") + "        to[i] = R(" +
           value + ");\n    }\n}\n";
}

const char* cuda_prelude() {
    static const std::string text = std::string(kWords) + kIntegerWords +
                                    replaced(replaced(kFloatWords, "@", "float"), "$", "f") +
                                    replaced(replaced(kFloatWords, "@", "double"), "$", "") + special_words();
    return text.c_str();
}

const char* host_prelude() {
    static const std::string text = kHost + host_declarations();
    return text.c_str();
}

}  // namespace tapeless
