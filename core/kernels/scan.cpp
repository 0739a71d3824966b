// Running results: several rows at a time, because each step waits for the one before it, or a strip of columns.
#include "kernels/scan.h"

#include <cmath>

#include "kernels/math.h"

namespace tapeless {

using namespace fold_detail;

namespace {

/// The place of step i.
std::int64_t place(const Extents& x, bool reverse, std::int64_t i) { return reverse ? x.length - 1 - i : i; }

template <int count, class State, class Step>
void scan_rows(const Extents& x, bool reverse, std::int64_t row, const Step& step) {
    State states[count];
    auto all = [&](std::int64_t i, auto first) {
        const std::int64_t at = row * x.length + place(x, reverse, i);
        for (int k = 0; k < count; ++k) step(states[k], at + k * x.length, i, first);
    };
    if (x.length > 0) all(0, std::true_type{});
    for (std::int64_t i = 1; i < x.length; ++i) all(i, std::false_type{});
}

template <class State, class Step>
void scan_strip(const Extents& x, bool reverse, std::int64_t begin, std::int64_t width, const Step& step) {
    State states[kStrip];
    auto all = [&](std::int64_t i, auto first) {
        const std::int64_t at = begin + place(x, reverse, i) * x.columns;
        for (std::int64_t c = 0; c < width; ++c) step(states[c], at + c, i, first);
    };
    if (x.length > 0) all(0, std::true_type{});
    for (std::int64_t i = 1; i < x.length; ++i) all(i, std::false_type{});
}

/// Calls step(state, element, i, first) for the elements along `length` one after another; `first` is a constant.
template <class State, class Step> void scan(const Extents& x, bool reverse, const Step& step) {
    constexpr int together = 4;
    const bool rows = x.columns == 1;
    const std::int64_t across = std::max<std::int64_t>(1, strip_width(x));
    const std::int64_t strips = (x.columns + across - 1) / across;
    auto work = [&](std::int64_t begin, std::int64_t end) {
        std::int64_t i = begin;
        for (; rows && i + together <= end; i += together) scan_rows<together, State>(x, reverse, i, step);
        for (; rows && i < end; ++i) scan_rows<1, State>(x, reverse, i, step);
        for (; i < end; ++i) {
            const std::int64_t at = i % strips * across;
            scan_strip<State>(x, reverse, i / strips * x.length * x.columns + at,
                              std::min(across, x.columns - at), step);
        }
    };
    const std::int64_t tasks = x.outer * strips;
    if (x.numel() < kWorth) return work(0, tasks);
    const std::int64_t each = std::max<std::int64_t>(1, x.length * across);
    parallel_blocks(tasks, std::max<std::int64_t>(rows ? together : 1, kWorth / 4 / each), work);
}

template <class A> struct Total {
    A value{};
};

}  // namespace

void running(Running which, DType dtype, const char* in, const Extents& x, bool reverse, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        using A = Wide<T>;
        using R = std::conditional_t<std::is_integral_v<T>, std::int64_t, T>;
        const T* values = reinterpret_cast<const T*>(in);
        R* results = reinterpret_cast<R*>(out);
        auto with = [&](auto op) {
            scan<Total<A>>(x, reverse, [=](Total<A>& total, std::int64_t at, std::int64_t, auto first) {
                const A value = convert<A>(values[at]);
                total.value = first ? value : decltype(op)::of(total.value, value);
                results[at] = convert<R>(total.value);
            });
        };
        which == Running::Sum ? with(Plus{}) : with(Times{});
    });
}

void run_recurrence(DType dtype, const char* a, const char* b, const Extents& x, bool reverse, char* out) {
    const std::int64_t ahead = reverse ? x.columns : 0;
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (!std::is_integral_v<T>) {
            using A = Wide<T>;
            const T* factors = reinterpret_cast<const T*>(a) + ahead;
            const T* terms = reinterpret_cast<const T*>(b);
            T* results = reinterpret_cast<T*>(out);
            scan<Total<A>>(x, reverse, [=](Total<A>& total, std::int64_t at, std::int64_t, auto first) {
                const A term = convert<A>(terms[at]);
                if constexpr (first) {
                    total.value = term;
                } else {
                    total.value = term + convert<A>(factors[at]) * total.value;
                }
                results[at] = convert<T>(total.value);
            });
        }
    });
}

namespace {

/// log(exp(x) + exp(y)), for which the larger of the two is added to what is near 0.
double add_logarithms(double x, double y) {
    if (x != x || y != y) return x + y;
    const double low = std::min(x, y), high = std::max(x, y);
    if (low == high && high - high != 0) return high;
    return high + formula::log1p(formula::exp(low - high));
}

Complex<double> add_logarithms(Complex<double> x, Complex<double> y) {
    const Complex<double> sum = x + y;
    if (sum.re != sum.re || sum.im != sum.im) return {NAN, NAN};
    const Complex<double> low = x.re < y.re ? x : y, high = x.re < y.re ? y : x;
    const bool infinite = low.re == high.re && high.re - high.re != 0;
    if (infinite) return high.re < 0 ? high : formula::log(formula::exp(low) + formula::exp(high));
    return high + formula::log1p(formula::exp(low - high));
}

}  // namespace

void running_logarithm(DType dtype, const char* in, const Extents& x, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (!std::is_integral_v<T>) {
            using A = Wide<T>;
            const T* values = reinterpret_cast<const T*>(in);
            T* results = reinterpret_cast<T*>(out);
            scan<Total<A>>(x, false, [=](Total<A>& total, std::int64_t at, std::int64_t, auto first) {
                const A value = convert<A>(values[at]);
                total.value = first ? value : add_logarithms(value, total.value);
                results[at] = convert<T>(total.value);
            });
        }
    });
}

namespace {

template <class T> struct Best {
    T value{};
    std::int64_t index = 0;
};

/// Whether y takes the place of x: equal ones and NaNs do, and nothing takes that of NaN but another.
template <class T> bool takes_over(Extreme which, T y, T x) {
    const bool beyond = which == Extreme::Largest ? y >= x : y <= x;
    return beyond || y != y;
}

}  // namespace

void running_extreme(Extreme which, DType dtype, const char* in, const Extents& x, char* values,
                     std::int64_t* indices) {
    visit(dtype == DType::Bool ? DType::UInt8 : dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
            const T* from = reinterpret_cast<const T*>(in);
            T* to = reinterpret_cast<T*>(values);
            auto with = [&](auto largest) {
                constexpr Extreme kind = decltype(largest)::value ? Extreme::Largest : Extreme::Smallest;
                scan<Best<T>>(x, false, [=](Best<T>& best, std::int64_t at, std::int64_t i, auto first) {
                    const T value = from[at];
                    if (first || takes_over(kind, value, best.value)) best = {value, i};
                    to[at] = best.value;
                    indices[at] = best.index;
                });
            };
            which == Extreme::Largest ? with(std::true_type{}) : with(std::false_type{});
        } else {
            fail(ErrorKind::Runtime, "running_extreme: complex and half types have no loops");
        }
    });
}

}  // namespace tapeless
