// The fills that turn the stream's bits into numbers.
#include "kernels/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "kernels/math.h"

namespace tapeless {

namespace {

// ---- from bits to numbers, and over dtypes ----

/// float for the half types, else the type itself.
template <class T> using Wide = std::conditional_t<sizeof(T) == 2, float, T>;

template <class T>
constexpr bool is_floating_type =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

/// Bits of the significand: all integers up to 2^digits are exact.
template <class T> constexpr int digits_of = std::numeric_limits<T>::digits;
template <> constexpr int digits_of<Half> = 11;
template <> constexpr int digits_of<BFloat16> = 8;

template <class T> constexpr double largest_of = static_cast<double>(std::numeric_limits<T>::max());
template <> constexpr double largest_of<Half> = 65504.0;
template <> constexpr double largest_of<BFloat16> = 0x1.fep127;

/// [0, 1) with 24 bits; through int32, whose conversion vectorises.
float unit(uint32_t word) { return static_cast<float>(static_cast<int32_t>(word & 0xffffffu)) * 0x1p-24f; }

/// [0, 1) with 53 bits.
double unit(uint64_t pair) {
    return static_cast<double>(static_cast<int64_t>(pair & 0x1fffffffffffffu)) * 0x1p-53;
}

constexpr int64_t chunk = 512;  // a multiple of 16: blocks of normals never straddle two chunks

/// `body(words, start, count)` for the next n draws, in chunks that stay in the first cache.
template <class Body> void draw_words(Generator& generator, int64_t n, Body body) {
    uint32_t words[chunk];
    for (int64_t start = 0; start < n; start += chunk) {
        const int64_t count = std::min(chunk, n - start);
        generator.draw(words, static_cast<size_t>(count));
        body(words, start, count);
    }
}

/// The same for n pairs of draws.
template <class Body> void draw_pairs(Generator& generator, int64_t n, Body body) {
    uint32_t words[2 * chunk];
    uint64_t pairs[chunk];
    for (int64_t start = 0; start < n; start += chunk) {
        const int64_t count = std::min(chunk, n - start);
        generator.draw(words, static_cast<size_t>(2 * count));
        for (int64_t i = 0; i < count; ++i) pairs[i] = uint64_t{words[2 * i]} << 32 | words[2 * i + 1];
        body(pairs, start, count);
    }
}

/// The next n numbers in [0, 1) as `C`: one draw each for float, a pair each for double.
template <class C, class Body> void draw_units(Generator& generator, int64_t n, Body body) {
    C units[chunk];
    const auto convert_bits = [&](const auto* bits, int64_t start, int64_t count) {
        for (int64_t i = 0; i < count; ++i) units[i] = unit(bits[i]);
        body(units, start, count);
    };
    if constexpr (std::is_same_v<C, float>) {
        draw_words(generator, n, convert_bits);
    } else {
        draw_pairs(generator, n, convert_bits);
    }
}

template <class Visitor> void visit_floating(const char* name, DType dtype, Visitor visitor) {
    visit(dtype, [&](auto type) {
        if constexpr (is_floating_type<typename decltype(type)::type>) {
            visitor(type);
        } else {
            fail(ErrorKind::Runtime, name, ": dtype ", facts(dtype).name,
                 "; this distribution is continuous; give a floating-point tensor");
        }
    });
}

template <class Visitor> void visit_real(const char* name, DType dtype, Visitor visitor) {
    visit(dtype, [&](auto type) {
        if constexpr (is_complex_type<typename decltype(type)::type>) {
            fail(ErrorKind::NotImplemented, name, ": dtype ", facts(dtype).name,
                 "; not defined for complex numbers; draw the real and imaginary parts");
        } else {
            visitor(type);
        }
    });
}

/// One call of `sample` per element, converted to the dtype.
template <class T, class Sample> void fill_each(T* out, int64_t n, Sample sample) {
    for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(sample());
}

// ---- uniform ----

template <class T> void check_uniform(double from, double to) {
    constexpr double largest = largest_of<T>;
    check(from >= -largest && from <= largest, "uniform_: from=", from,
          "; it is out of bounds for the tensor's dtype (", largest, ")");
    check(to >= -largest && to <= largest, "uniform_: to=", to,
          "; it is out of bounds for the tensor's dtype (", largest, ")");
    check(from <= to, "uniform_: from=", from, " > to=", to, "; the range is [from, to); swap them");
    check(to - from <= largest, "uniform_: from=", from, ", to=", to,
          "; to - from is out of bounds for the tensor's dtype (", largest, ")");
}

template <class T> void uniform(Generator& generator, T* out, int64_t n, double from, double to) {
    using C = Wide<T>;
    const C low = static_cast<C>(from), span = static_cast<C>(to) - low;
    const T first = convert<T>(from), end = convert<T>(to);
    const C limit = static_cast<C>(end);
    draw_units<C>(generator, n, [&](C* units, int64_t start, int64_t count) {
        T* const part = out + start;
        if (low == 0) {
            for (int64_t i = 0; i < count; ++i) units[i] *= span;
        } else {  // One rounding, as PyTorch's compiler makes it on every machine with a fused instruction.
            for (int64_t i = 0; i < count; ++i) units[i] = std::fma(units[i], span, low);
        }
        for (int64_t i = 0; i < count; ++i) {
            const T value = convert<T>(units[i]);
            part[i] = static_cast<C>(value) == limit ? first : value;
        }
    });
}

// ---- normal ----

/// value * std + mean, rounded once.
template <class C> C scaled(C value, C mean, C std) {
    return mean == 0 ? value * std + mean : std::fma(value, std, mean);
}

/// log, and the cosine and sine of angles in [0, 2 pi], of 8 numbers. Float has its own: angles this small
/// need one short reduction, which serves both functions, and all of it vectorises.
void logarithms(float* x) {
    for (int j = 0; j < 8; ++j) x[j] = formula::log(x[j]);
}
void cosines_sines(const float* angle, float* cosine, float* sine) {
    constexpr double magic = 0x1.8p52;  // Adding it rounds to an integer, which the low bits then hold.
    for (int j = 0; j < 8; ++j) {
        const double wide = angle[j], shifted = wide * (2 / std::numbers::pi) + magic;
        const formula::detail::Angle at{wide - (shifted - magic) * (std::numbers::pi / 2), 0.0,
                                        std::bit_cast<uint64_t>(shifted)};
        const auto parts = formula::detail::sine_cosine_short(at);
        cosine[j] = static_cast<float>(formula::detail::cosine_from(at, parts));
        sine[j] = static_cast<float>(formula::detail::sine_from(at, parts, wide));
    }
}
/// For double the C library's, to give PyTorch's numbers to the bit.
void logarithms(double* x) {
    for (int j = 0; j < 8; ++j) x[j] = std::log(x[j]);
}
void cosines_sines(const double* angle, double* cosine, double* sine) {
    for (int j = 0; j < 8; ++j) cosine[j] = std::cos(angle[j]);
    for (int j = 0; j < 8; ++j) sine[j] = std::sin(angle[j]);
}

/// 16 uniforms to 16 normals, in place: number j and number j + 8 make a pair.
template <class C> void box_muller(C* block, C mean, C std) {
    C radius[8], angle[8], cosine[8], sine[8];
    for (int j = 0; j < 8; ++j) radius[j] = C(1) - block[j];  // (0, 1], for the logarithm.
    logarithms(radius);
    for (int j = 0; j < 8; ++j) radius[j] = std::sqrt(C(-2) * radius[j]);
    for (int j = 0; j < 8; ++j) angle[j] = C(2 * std::numbers::pi) * block[j + 8];
    cosines_sines(angle, cosine, sine);
    for (int j = 0; j < 8; ++j) block[j] = scaled(radius[j] * cosine[j], mean, std);
    for (int j = 0; j < 8; ++j) block[j + 8] = scaled(radius[j] * sine[j], mean, std);
}

/// n >= 16. A rest of fewer than 16 is not kept: the last 16 elements are drawn anew, over what is there.
template <class T> void normal_blocks(Generator& generator, T* out, int64_t n, double mean, double std) {
    using C = Wide<T>;
    const int64_t rest = n % 16;
    const auto write = [&](C* units, T* part, int64_t count) {
        for (int64_t j = 0; j < count; j += 16)
            box_muller(units + j, static_cast<C>(mean), static_cast<C>(std));
        for (int64_t j = 0; j < count; ++j) part[j] = convert<T>(units[j]);
    };
    draw_units<C>(generator, n - rest,
                  [&](C* units, int64_t start, int64_t count) { write(units, out + start, count); });
    if (rest == 0) return;
    // PyTorch's float and double draw the rest too and drop it; its half types do not.
    if constexpr (std::is_same_v<T, C>) draw_units<C>(generator, rest, [](C*, int64_t, int64_t) {});
    draw_units<C>(generator, 16,
                  [&](C* units, int64_t, int64_t count) { write(units, out + n - 16, count); });
}

void normal(Generator& generator, DType dtype, void* out, int64_t n, double mean, double std, bool blocks) {
    check(std >= 0.0, "normal expects std >= 0.0, but found std ", std);
    if (is_complex(dtype)) {  // Half of the variance to each part.
        n *= 2;
        std /= std::numbers::sqrt2;
    }
    visit_floating("normal_", real_of(dtype), [&](auto type) {
        using T = typename decltype(type)::type;
        T* const values = static_cast<T*>(out);
        if (blocks && n >= 16) return normal_blocks(generator, values, n, mean, std);
        fill_each(values, n, [&] { return scaled(draw_normal(generator), mean, std); });
    });
}

// ---- integers ----

/// Where the remainder of 32 bits would be too skewed, PyTorch takes 64.
constexpr uint64_t wide_range = uint64_t{1} << 28;

template <class T> T offset_from(int64_t base, uint64_t offset) {
    return convert<T>(static_cast<int64_t>(offset + static_cast<uint64_t>(base)));
}

/// base + draw % range, one draw each.
template <class T>
void integers_narrow(Generator& generator, T* out, int64_t n, uint32_t range, int64_t base) {
    draw_words(generator, n, [&](const uint32_t* bits, int64_t start, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[start + i] = offset_from<T>(base, bits[i] % range);
    });
}

template <class T> void integers(Generator& generator, T* out, int64_t n, uint64_t range, int64_t base) {
    if (range < wide_range) return integers_narrow(generator, out, n, static_cast<uint32_t>(range), base);
    draw_pairs(generator, n, [&](const uint64_t* bits, int64_t start, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[start + i] = offset_from<T>(base, bits[i] % range);
    });
}

template <class T> int64_t lowest_integer() {
    if constexpr (std::is_integral_v<T>) return static_cast<int64_t>(std::numeric_limits<T>::lowest());
    return std::is_same_v<T, Half> ? -65504 : std::numeric_limits<int64_t>::lowest();
}

/// The largest int64 within the dtype's bounds.
template <class T> int64_t highest_integer() {
    if constexpr (std::is_integral_v<T>) return static_cast<int64_t>(std::numeric_limits<T>::max());
    return std::is_same_v<T, Half> ? 65504 : std::numeric_limits<int64_t>::max();
}

/// `value` rounded to the dtype and back; past int64 it is the lowest int64, as the conversion gives on x86.
template <class T> int64_t rounded_to(int64_t value) {
    const double wide = static_cast<double>(static_cast<Wide<T>>(convert<T>(value)));
    if (!(wide < 0x1p63)) return std::numeric_limits<int64_t>::lowest();
    return static_cast<int64_t>(wide);
}

/// The distance between neighbours of the dtype near `value`.
template <class T> int64_t spacing_at(int64_t value) {
    const uint64_t magnitude =
        value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    return int64_t{1} << std::max(0, static_cast<int>(std::bit_width(magnitude)) - digits_of<T>);
}

/// Moves a lower bound up until rounding to the dtype cannot take a draw below it.
template <class T> int64_t inner_from(int64_t from) {
    if constexpr (!is_floating_type<T>) return from;
    if (from == std::numeric_limits<int64_t>::max()) return from;
    const int64_t above = rounded_to<T>(from + 1);
    return above < from ? above + spacing_at<T>(from + 1) : from;
}

/// Moves an upper bound down until rounding to the dtype cannot take a draw up to it.
template <class T> int64_t inner_to(int64_t to) {
    if constexpr (!is_floating_type<T>) return to;
    const int64_t below = rounded_to<T>(to - 1);
    return below >= to ? below - spacing_at<T>(to - 1) : to;
}

template <class T> void check_bounds(DType dtype, const char* name, int64_t value) {
    check(value >= lowest_integer<T>() && value <= highest_integer<T>(), "random_: ", name, " = ", value,
          "; ", name, " is out of bounds for ", facts(dtype).name, ", which holds ", lowest_integer<T>(),
          " to ", highest_integer<T>());
}

// ---- permutation ----

/// From this size on PyTorch builds the permutation inside out from 64-bit draws.
constexpr int64_t wide_permutation = std::numeric_limits<uint32_t>::max() / 20;

template <class T> void permutation(Generator& generator, T* out, int64_t n) {
    if (n >= wide_permutation) {
        for (int64_t i = 0; i < n; ++i) {
            const int64_t z = static_cast<int64_t>(generator.random64() % static_cast<uint64_t>(i + 1));
            out[i] = out[z];
            out[z] = convert<T>(i);
        }
        return;
    }
    for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(i);
    draw_words(generator, n - 1, [&](const uint32_t* bits, int64_t start, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            const int64_t here = start + i;
            std::swap(out[here], out[here + bits[i] % static_cast<uint32_t>(n - here)]);
        }
    });
}

// ---- bernoulli ----

template <class P> void check_probabilities(const P* probabilities, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const auto p = static_cast<Wide<P>>(probabilities[i]);
        check(p >= 0 && p <= 1, "bernoulli: probability ", p, " at element ", i,
              "; every one must be in [0, 1]; clamp them or use sigmoid");
    }
}

}  // namespace

double draw_unit(Generator& generator) { return unit(generator.random64()); }

/// One standard normal: the second of the last pair if it waits, else a new pair.
double draw_normal(Generator& generator) {
    if (generator.next_normal_double) {
        const double waiting = *generator.next_normal_double;
        generator.next_normal_double.reset();
        return waiting;
    }
    const double u1 = draw_unit(generator);
    const double u2 = draw_unit(generator);
    const double radius = std::sqrt(-2.0 * std::log1p(-u2));
    const double angle = 2.0 * std::numbers::pi * u1;
    generator.next_normal_double = radius * std::sin(angle);
    return radius * std::cos(angle);
}

// ---- the fills ----

void fill_uniform(Generator& generator, DType dtype, void* out, int64_t n, double from, double to) {
    if (is_complex(dtype)) n *= 2;
    visit_floating("uniform_", real_of(dtype), [&](auto type) {
        using T = typename decltype(type)::type;
        check_uniform<T>(from, to);
        uniform(generator, static_cast<T*>(out), n, from, to);
    });
}

void fill_normal(Generator& generator, DType dtype, void* out, int64_t n, double mean, double std) {
    normal(generator, dtype, out, n, mean, std, true);
}

void fill_normal_pairs(Generator& generator, DType dtype, void* out, int64_t n, double mean, double std) {
    normal(generator, dtype, out, n, mean, std, false);
}

void fill_integers(Generator& generator, DType dtype, void* out, int64_t n, int64_t from, int64_t to) {
    visit_real("random_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        check(from < to, "random_: from=", from, " >= to=", to,
              "; the range is [from, to); 'from' must be less than 'to'");
        check_bounds<T>(dtype, "from", from);
        check_bounds<T>(dtype, "to - 1", to - 1);
        const int64_t low = inner_from<T>(from), high = inner_to<T>(to);
        check(low < high, "random_: no value of ", facts(dtype).name, " lies in [", from, ", ", to,
              "); widen the range or use another dtype");
        const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
        integers(generator, static_cast<T*>(out), n, range, low);
    });
}

void fill_integers_from(Generator& generator, DType dtype, void* out, int64_t n, int64_t from) {
    visit_real("random_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        T* const values = static_cast<T*>(out);
        if (from == std::numeric_limits<int64_t>::lowest()) {
            check(std::is_same_v<T, int64_t> || (is_floating_type<T> && !std::is_same_v<T, Half>),
                  "random_: all 64 bits for ", facts(dtype).name,
                  "; only int64, bfloat16, float32 and float64 hold that range; give `from` and `to`");
            return fill_each(values, n, [&] { return static_cast<int64_t>(generator.random64()); });
        }
        int64_t last = highest_integer<T>();
        if constexpr (is_floating_type<T>) last = int64_t{1} << digits_of<T>;
        check_bounds<T>(dtype, "from", from);
        const int64_t low = inner_from<T>(from);
        check(!is_floating_type<T> || low < last, "random_: from=", from, "; ", facts(dtype).name,
              " holds all integers only up to ", last, "; give a `to`");
        const uint64_t range = static_cast<uint64_t>(last) - static_cast<uint64_t>(low) + 1;
        integers(generator, values, n, range, low);
    });
}

void fill_integers_all(Generator& generator, DType dtype, void* out, int64_t n) {
    visit_real("random_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        T* const values = static_cast<T*>(out);
        if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t>) {
            constexpr uint64_t count =
                std::is_same_v<T, double> ? (uint64_t{1} << 53) + 1 : uint64_t{1} << 63;
            fill_each(values, n, [&] { return static_cast<int64_t>(generator.random64() % count); });
        } else {
            constexpr uint32_t last =
                is_floating_type<T> ? uint32_t{1} << digits_of<T> : static_cast<uint32_t>(largest_of<T>);
            integers_narrow(generator, values, n, last + 1, 0);
        }
    });
}

void fill_permutation(Generator& generator, DType dtype, void* out, int64_t n) {
    check(n >= 0, "randperm: n = ", n, "; n must not be negative");
    check(dtype != DType::Bool, "randperm: dtype bool; give an integer or floating dtype");
    visit_real("randperm", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        int64_t last = highest_integer<T>();
        if constexpr (is_floating_type<T>) last = int64_t{1} << digits_of<T>;
        check(n - 1 <= last, "randperm: n = ", n, "; ", facts(dtype).name, " holds all integers only up to ",
              last, "; use a wider dtype");
        permutation(generator, static_cast<T*>(out), n);
    });
}

void fill_bernoulli(Generator& generator, DType dtype, void* out, int64_t n, double p) {
    check(p >= 0.0 && p <= 1.0, "bernoulli_ expects p to be in [0, 1], but got p=", p);
    visit_real("bernoulli_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        T* const values = static_cast<T*>(out);
        draw_units<double>(generator, n, [&](const double* units, int64_t start, int64_t count) {
            for (int64_t i = 0; i < count; ++i)
                values[start + i] = convert<T>(static_cast<float>(units[i] < p));
        });
    });
}

void fill_bernoulli(Generator& generator, DType dtype, void* out, int64_t n, DType p_dtype,
                    const void* probabilities) {
    visit_real("bernoulli", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        T* const values = static_cast<T*>(out);
        visit_floating("bernoulli's probabilities", p_dtype, [&](auto p_type) {
            using P = typename decltype(p_type)::type;
            using C = Wide<P>;
            const P* const p = static_cast<const P*>(probabilities);
            check_probabilities(p, n);
            draw_units<C>(generator, n, [&](const C* units, int64_t start, int64_t count) {
                for (int64_t i = 0; i < count; ++i) {
                    values[start + i] =
                        convert<T>(static_cast<float>(units[i] < static_cast<C>(p[start + i])));
                }
            });
        });
    });
}

void fill_exponential(Generator& generator, DType dtype, void* out, int64_t n, double rate) {
    check(rate > 0.0, "exponential_ expects lambda > 0.0, but found lambda=", rate);
    visit_floating("exponential_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        fill_each(static_cast<T*>(out), n, [&] { return -1.0 / rate * std::log1p(-draw_unit(generator)); });
    });
}

void fill_geometric(Generator& generator, DType dtype, void* out, int64_t n, double p) {
    check(p > 0.0 && p < 1.0, "geometric_ expects p to be in (0, 1), but got p=", p);
    if (dtype == DType::Bool) {
        fail(ErrorKind::NotImplemented,
             "\"geometric_cpu\" not implemented for 'Bool': it counts trials; give an "
             "integer or floating dtype");
    }
    visit_real("geometric_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        const double scale = std::log1p(-p);
        fill_each(static_cast<T*>(out), n, [&] { return std::ceil(std::log(draw_unit(generator)) / scale); });
    });
}

void fill_log_normal(Generator& generator, DType dtype, void* out, int64_t n, double mean, double std) {
    check(std > 0.0, "log_normal_ expects std > 0.0, but found std=", std);
    visit_floating("log_normal_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        fill_each(static_cast<T*>(out), n,
                  [&] { return std::exp(scaled(draw_normal(generator), mean, std)); });
    });
}

void fill_cauchy(Generator& generator, DType dtype, void* out, int64_t n, double median, double sigma) {
    check(sigma > 0.0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
    visit_floating("cauchy_", dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        fill_each(static_cast<T*>(out), n, [&] {
            return std::fma(sigma, std::tan(std::numbers::pi * (draw_unit(generator) - 0.5)), median);
        });
    });
}

}  // namespace tapeless
