// Transforms of rows: several are brought side by side, transformed together, and put where they belong.
#include "kernels/fft.h"

#include <algorithm>
#include <memory>

#include "base/complex.h"
#include "kernels/fft_plan.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

/// Room for transforms that lie side by side, and the way through a plan.
template <class T> class Bench {
public:
    Bench(std::int64_t length, std::int64_t lanes)
        : size_(length * lanes), room_(new T[static_cast<std::size_t>(4 * size_)]) {}
    Planes<T> first() const { return {room_.get(), room_.get() + size_}; }
    Planes<T> second() const { return {room_.get() + 2 * size_, room_.get() + 3 * size_}; }

private:
    std::int64_t size_;
    std::unique_ptr<T[]> room_;
};

/// Each of `count` groups of lanes times a complex number.
template <class T>
void multiply(Planes<T> a, const T* re, const T* im, std::int64_t count, std::int64_t lanes) {
    for (std::int64_t k = 0; k < count; ++k) {
        for (std::int64_t i = k * lanes; i < (k + 1) * lanes; ++i) {
            const T x = a.re[i], y = a.im[i];
            a.re[i] = x * re[k] - y * im[k];
            a.im[i] = x * im[k] + y * re[k];
        }
    }
}

/// How many numbers a lane needs: the length, or that of the convolution.
template <class T> std::int64_t room_of(const FftPlan<T>& plan) {
    return plan.convolves() ? plan.inner->length : plan.length;
}

/// The forward transforms of what lies in the bench's first planes.
template <class T> Planes<T> transformed(const FftPlan<T>& plan, const Bench<T>& bench, std::int64_t lanes) {
    const Planes<T> x = bench.first();
    if (!plan.convolves()) return run_passes(plan, x, bench.second(), lanes);
    const std::int64_t n = plan.length, m = plan.inner->length;
    multiply(x, plan.chirp_re.data(), plan.chirp_im.data(), n, lanes);
    std::fill(x.re + n * lanes, x.re + m * lanes, T(0));
    std::fill(x.im + n * lanes, x.im + m * lanes, T(0));
    Planes<T> y = run_passes(*plan.inner, x, bench.second(), lanes);
    const Planes<T> other = y.re == x.re ? bench.second() : x;
    multiply(y, plan.filter_re.data(), plan.filter_im.data(), m, lanes);
    // With its parts exchanged the forward transform is the inverse one.
    Planes<T> z = run_passes<T>(*plan.inner, {y.im, y.re}, {other.im, other.re}, lanes);
    z = {z.im, z.re};
    multiply(z, plan.chirp_re.data(), plan.chirp_im.data(), n, lanes);
    return z;
}

/// Some rows of the job, from `first` on, `lanes` of them.
template <class T> struct Lanes {
    const FftRows& rows;
    std::int64_t first, lanes;

    const Complex<T>* complex_in(std::int64_t b) const {
        return static_cast<const Complex<T>*>(rows.in) + rows.in_offsets[static_cast<std::size_t>(first + b)];
    }
    const T* real_in(std::int64_t b) const {
        return static_cast<const T*>(rows.in) + rows.in_offsets[static_cast<std::size_t>(first + b)];
    }
    Complex<T>* complex_out(std::int64_t b) const {
        return static_cast<Complex<T>*>(rows.out) + rows.out_offsets[static_cast<std::size_t>(first + b)];
    }
    T* real_out(std::int64_t b) const {
        return static_cast<T*>(rows.out) + rows.out_offsets[static_cast<std::size_t>(first + b)];
    }
    T scale() const { return static_cast<T>(rows.scale); }

    void load_complex(Planes<T> x, std::int64_t count) const {
        if (rows.inverse) std::swap(x.re, x.im);
        for (std::int64_t b = 0; b < lanes; ++b) {
            const Complex<T>* from = complex_in(b);
            for (std::int64_t k = 0; k < count; ++k) {
                x.re[k * lanes + b] = from[k * rows.in_stride].re;
                x.im[k * lanes + b] = from[k * rows.in_stride].im;
            }
        }
    }
    void store_complex(Planes<T> x, std::int64_t count) const {
        if (rows.inverse) std::swap(x.re, x.im);
        const T s = scale();
        for (std::int64_t b = 0; b < lanes; ++b) {
            Complex<T>* to = complex_out(b);
            for (std::int64_t k = 0; k < count; ++k)
                to[k * rows.out_stride] = {x.re[k * lanes + b] * s, x.im[k * lanes + b] * s};
        }
    }
    void store_real(const T* x) const {
        for (std::int64_t b = 0; b < lanes; ++b) {
            T* to = real_out(b);
            for (std::int64_t k = 0; k < rows.length; ++k)
                to[k * rows.out_stride] = x[k * lanes + b] * scale();
        }
    }
};

template <class T> void complex_rows(const Lanes<T>& job, const FftPlan<T>& plan, const Bench<T>& bench) {
    job.load_complex(bench.first(), plan.length);
    job.store_complex(transformed(plan, bench, job.lanes), plan.length);
}

/// The number k of a result of real numbers, of which the later half mirrors the earlier.
template <class T> void store_half(const Lanes<T>& job, std::int64_t b, std::int64_t k, T re, T im) {
    const FftRows& rows = job.rows;
    const T s = job.scale();
    Complex<T>* to = job.complex_out(b);
    const Complex<T> value{re * s, im * s};
    to[k * rows.out_stride] = value;
    if (rows.kind == FftKind::FromRealAll && k > 0 && 2 * k < rows.length)
        to[(rows.length - k) * rows.out_stride] = {value.re, -value.im};
}

/// An odd number of real numbers: complex ones without imaginary parts.
template <class T> void odd_from_real(const Lanes<T>& job, const FftPlan<T>& plan, const Bench<T>& bench) {
    const std::int64_t n = plan.length, lanes = job.lanes;
    const Planes<T> x = bench.first();
    std::fill(x.im, x.im + n * lanes, T(0));
    for (std::int64_t b = 0; b < lanes; ++b) {
        for (std::int64_t k = 0; k < n; ++k) x.re[k * lanes + b] = job.real_in(b)[k * job.rows.in_stride];
    }
    const Planes<T> z = transformed(plan, bench, lanes);
    for (std::int64_t b = 0; b < lanes; ++b) {
        for (std::int64_t k = 0; k <= n / 2; ++k)
            store_half(job, b, k, z.re[k * lanes + b], k ? z.im[k * lanes + b] : T(0));
    }
}

/// An even number of them: half as many complex ones, whose transform is taken apart by symmetry.
template <class T> void even_from_real(const Lanes<T>& job, const FftPlan<T>& real, const Bench<T>& bench) {
    const std::int64_t half = real.length / 2, lanes = job.lanes, step = job.rows.in_stride;
    const Planes<T> x = bench.first();
    for (std::int64_t b = 0; b < lanes; ++b) {
        const T* from = job.real_in(b);
        for (std::int64_t k = 0; k < half; ++k) {
            x.re[k * lanes + b] = from[2 * k * step];
            x.im[k * lanes + b] = from[(2 * k + 1) * step];
        }
    }
    const Planes<T> z = transformed(*real.inner, bench, lanes);
    for (std::int64_t b = 0; b < lanes; ++b) {
        for (std::int64_t k = 0; k <= half; ++k) {
            const std::int64_t i = k % half * lanes + b, j = (half - k) % half * lanes + b;
            const T even_re = T(0.5) * (z.re[i] + z.re[j]), even_im = T(0.5) * (z.im[i] - z.im[j]);
            const T odd_re = T(0.5) * (z.im[i] + z.im[j]), odd_im = T(0.5) * (z.re[j] - z.re[i]);
            const T wr = real.half_re[static_cast<std::size_t>(k)],
                    wi = real.half_im[static_cast<std::size_t>(k)];
            const bool whole = k == 0 || k == half;
            store_half(job, b, k, even_re + (odd_re * wr - odd_im * wi),
                       whole ? T(0) : even_im + (odd_re * wi + odd_im * wr));
        }
    }
}

template <class T> void odd_to_real(const Lanes<T>& job, const FftPlan<T>& plan, const Bench<T>& bench) {
    const std::int64_t n = plan.length, lanes = job.lanes;
    Planes<T> x = bench.first();
    // Exchanged parts make the inverse transform.
    for (std::int64_t b = 0; b < lanes; ++b) {
        const Complex<T>* from = job.complex_in(b);
        x.im[b] = from[0].re, x.re[b] = 0;
        for (std::int64_t k = 1; k <= n / 2; ++k) {
            const Complex<T> value = from[k * job.rows.in_stride];
            x.im[k * lanes + b] = x.im[(n - k) * lanes + b] = value.re;
            x.re[k * lanes + b] = value.im;
            x.re[(n - k) * lanes + b] = -value.im;
        }
    }
    job.store_real(transformed(plan, bench, lanes).im);
}

template <class T> void even_to_real(const Lanes<T>& job, const FftPlan<T>& real, const Bench<T>& bench) {
    const std::int64_t half = real.length / 2, lanes = job.lanes, step = job.rows.in_stride;
    const Planes<T> x = bench.first();
    for (std::int64_t b = 0; b < lanes; ++b) {
        const Complex<T>* from = job.complex_in(b);
        for (std::int64_t k = 0; k < half; ++k) {
            Complex<T> u = from[k * step], v = from[(half - k) * step];
            if (k == 0) u.im = v.im = 0;
            const T even_re = u.re + v.re, even_im = u.im - v.im, dr = u.re - v.re, di = u.im + v.im;
            const T wr = real.half_re[static_cast<std::size_t>(k)],
                    wi = -real.half_im[static_cast<std::size_t>(k)];
            const T odd_re = dr * wr - di * wi, odd_im = dr * wi + di * wr;
            x.im[k * lanes + b] = even_re - odd_im;  // exchanged: the inverse transform
            x.re[k * lanes + b] = even_im + odd_re;
        }
    }
    const Planes<T> z = transformed(*real.inner, bench, lanes);
    const T s = job.scale();
    for (std::int64_t b = 0; b < lanes; ++b) {
        T* to = job.real_out(b);
        for (std::int64_t k = 0; k < half; ++k) {
            to[2 * k * job.rows.out_stride] = z.im[k * lanes + b] * s;
            to[(2 * k + 1) * job.rows.out_stride] = z.re[k * lanes + b] * s;
        }
    }
}

template <class T> void typed_fft(const FftRows& rows) {
    const bool real = rows.kind != FftKind::Complex, even = real && rows.length % 2 == 0;
    const auto plan = even ? real_fft_plan<T>(rows.length) : fft_plan<T>(rows.length);
    const std::int64_t room = room_of(even ? *plan->inner : *plan);
    const auto count = static_cast<std::int64_t>(rows.in_offsets.size());
    // As many lanes as keep the planes in the second-level cache, and no more than a vector's few.
    constexpr std::int64_t kMostLanes = 64 / sizeof(T), kCache = 1 << 18;
    const std::int64_t fits = kCache / (4 * static_cast<std::int64_t>(sizeof(T)) * room);
    const std::int64_t lanes = std::clamp<std::int64_t>(std::min(fits, count), 1, kMostLanes);
    auto work = [&](std::int64_t first, std::int64_t last) {
        const Bench<T> bench(room, lanes);
        for (std::int64_t at = first; at < last; at += lanes) {
            const Lanes<T> job{rows, at, std::min(lanes, last - at)};
            switch (rows.kind) {
                case FftKind::Complex:
                    complex_rows(job, *plan, bench);
                    break;
                case FftKind::ToReal:
                    even ? even_to_real(job, *plan, bench) : odd_to_real(job, *plan, bench);
                    break;
                default:
                    even ? even_from_real(job, *plan, bench) : odd_from_real(job, *plan, bench);
            }
        }
    };
    constexpr std::int64_t kWorth = 1
                                    << 14;  // Numbers below which a second thread costs more than it brings.
    if (count * room < kWorth) return work(0, count);
    const std::int64_t block = std::max<std::int64_t>(1, kWorth / room);
    parallel_blocks(count, (block + lanes - 1) / lanes * lanes, work);
}

}  // namespace

void fft(const FftRows& rows) {
    if (rows.in_offsets.empty()) return;
    rows.real == DType::Float32 ? typed_fft<float>(rows) : typed_fft<double>(rows);
}

}  // namespace tapeless
