// The passes of a transform: Stockham's algorithm, which needs no reordering, over transforms that lie side by side.
//
// Everything below the dispatch is inlined into one function per instruction set and type, see kernels/gemm_own.cpp.
// No product is fused with a sum, so that every set gives the same bits.
#include "kernels/fft_plan.h"

#include <utility>

#include "runtime/cpu.h"

#define ALWAYS_INLINE [[gnu::always_inline]] inline

namespace tapeless {
namespace {

/// What one group of a pass reads and writes: `count` numbers for each of its radix inputs and outputs.
template <class T> struct Group {
    const T *xr, *xi;
    T *yr, *yi;
    std::int64_t from, count;  ///< between the inputs, and between the outputs
    const T *wr, *wi;          ///< its roots, `step` apart
    std::int64_t step;
};

template <class T> struct Number {
    T re, im;
};
template <class T> ALWAYS_INLINE Number<T> load(const Group<T>& g, std::int64_t j, std::int64_t q) {
    return {g.xr[j * g.from + q], g.xi[j * g.from + q]};
}
template <class T>
ALWAYS_INLINE void store(const Group<T>& g, std::int64_t k, std::int64_t q, T re, T im, T wr, T wi) {
    g.yr[k * g.count + q] = re * wr - im * wi;
    g.yi[k * g.count + q] = re * wi + im * wr;
}
template <class T> ALWAYS_INLINE void store(const Group<T>& g, std::int64_t q, T re, T im) {
    g.yr[q] = re;
    g.yi[q] = im;
}

template <class T> ALWAYS_INLINE void radix2(const Group<T>& g) {
    const T wr = g.wr[0], wi = g.wi[0];
#pragma GCC ivdep
    for (std::int64_t q = 0; q < g.count; ++q) {
        const Number<T> a = load(g, 0, q), b = load(g, 1, q);
        store(g, q, a.re + b.re, a.im + b.im);
        store(g, 1, q, a.re - b.re, a.im - b.im, wr, wi);
    }
}

template <class T> ALWAYS_INLINE void radix3(const Group<T>& g) {
    constexpr T half = T(0.5), s = T(0.86602540378443864676);
    const T w1r = g.wr[0], w1i = g.wi[0], w2r = g.wr[g.step], w2i = g.wi[g.step];
#pragma GCC ivdep
    for (std::int64_t q = 0; q < g.count; ++q) {
        const Number<T> a = load(g, 0, q), b = load(g, 1, q), c = load(g, 2, q);
        const T tr = b.re + c.re, ti = b.im + c.im;
        const T mr = a.re - half * tr, mi = a.im - half * ti;
        const T dr = s * (b.im - c.im), di = s * (c.re - b.re);
        store(g, q, a.re + tr, a.im + ti);
        store(g, 1, q, mr + dr, mi + di, w1r, w1i);
        store(g, 2, q, mr - dr, mi - di, w2r, w2i);
    }
}

template <class T> ALWAYS_INLINE void radix4(const Group<T>& g) {
    const T w1r = g.wr[0], w1i = g.wi[0], w2r = g.wr[g.step], w2i = g.wi[g.step], w3r = g.wr[2 * g.step],
            w3i = g.wi[2 * g.step];
#pragma GCC ivdep
    for (std::int64_t q = 0; q < g.count; ++q) {
        const Number<T> a = load(g, 0, q), b = load(g, 1, q), c = load(g, 2, q), d = load(g, 3, q);
        const T sr = a.re + c.re, si = a.im + c.im, dr = a.re - c.re, di = a.im - c.im;
        const T tr = b.re + d.re, ti = b.im + d.im, er = b.im - d.im, ei = d.re - b.re;
        store(g, q, sr + tr, si + ti);
        store(g, 1, q, dr + er, di + ei, w1r, w1i);
        store(g, 2, q, sr - tr, si - ti, w2r, w2i);
        store(g, 3, q, dr - er, di - ei, w3r, w3i);
    }
}

template <class T> ALWAYS_INLINE void radix5(const Group<T>& g) {
    constexpr T c1 = T(0.30901699437494742410), c2 = T(-0.80901699437494742410);
    constexpr T s1 = T(0.95105651629515357212), s2 = T(0.58778525229247312917);
    T wr[4], wi[4];
    for (int k = 0; k < 4; ++k) wr[k] = g.wr[k * g.step], wi[k] = g.wi[k * g.step];
#pragma GCC ivdep
    for (std::int64_t q = 0; q < g.count; ++q) {
        const Number<T> a = load(g, 0, q), b = load(g, 1, q), c = load(g, 2, q), d = load(g, 3, q),
                        e = load(g, 4, q);
        const T tr = b.re + e.re, ti = b.im + e.im, ur = c.re + d.re, ui = c.im + d.im;
        const T vr = b.im - e.im, vi = e.re - b.re, zr = c.im - d.im, zi = d.re - c.re;
        const T mr = a.re + c1 * tr + c2 * ur, mi = a.im + c1 * ti + c2 * ui;
        const T nr = a.re + c2 * tr + c1 * ur, ni = a.im + c2 * ti + c1 * ui;
        const T pr = s1 * vr + s2 * zr, pi = s1 * vi + s2 * zi;
        const T or_ = s2 * vr - s1 * zr, oi = s2 * vi - s1 * zi;
        store(g, q, a.re + tr + ur, a.im + ti + ui);
        store(g, 1, q, mr + pr, mi + pi, wr[0], wi[0]);
        store(g, 2, q, nr + or_, ni + oi, wr[1], wi[1]);
        store(g, 3, q, nr - or_, ni - oi, wr[2], wi[2]);
        store(g, 4, q, mr - pr, mi - pi, wr[3], wi[3]);
    }
}

/// Any odd radix: inputs j and r - j share their products, and so do outputs k and r - k.
template <class T> ALWAYS_INLINE void odd_radix(const FftPass<T>& pass, const Group<T>& g) {
    const std::int64_t r = pass.radix, h = r / 2;
    for (std::int64_t k = 0; k <= h; ++k) {
        const T* cosines = pass.cosines.data() + k * h;
        const T* sines = pass.sines.data() + k * h;
        const std::int64_t last = k ? r - k : 0;
        T *ar = g.yr + k * g.count, *ai = g.yi + k * g.count, *br = g.yr + last * g.count,
          *bi = g.yi + last * g.count;
        const T w1r = k ? g.wr[(k - 1) * g.step] : T(1), w1i = k ? g.wi[(k - 1) * g.step] : T(0);
        const T w2r = k ? g.wr[(last - 1) * g.step] : T(1), w2i = k ? g.wi[(last - 1) * g.step] : T(0);
#pragma GCC ivdep
        for (std::int64_t q = 0; q < g.count; ++q) {
            T er = g.xr[q], ei = g.xi[q], odd_re = 0, odd_im = 0;
            for (std::int64_t j = 1; j <= h; ++j) {
                const Number<T> a = load(g, j, q), b = load(g, r - j, q);
                er += cosines[j - 1] * (a.re + b.re);
                ei += cosines[j - 1] * (a.im + b.im);
                odd_re += sines[j - 1] * (a.im - b.im);
                odd_im += sines[j - 1] * (b.re - a.re);
            }
            const T pr = er + odd_re, pi = ei + odd_im, mr = er - odd_re, mi = ei - odd_im;
            ar[q] = pr * w1r - pi * w1i;
            ai[q] = pr * w1i + pi * w1r;
            br[q] = mr * w2r - mi * w2i;
            bi[q] = mr * w2i + mi * w2r;
        }
    }
}

template <class T>
ALWAYS_INLINE Planes<T> all_passes(const FftPlan<T>& plan, Planes<T> x, Planes<T> y, std::int64_t lanes) {
    std::int64_t count = lanes;
    for (const FftPass<T>& pass : plan.passes) {
        for (std::int64_t p = 0; p < pass.groups; ++p) {
            const Group<T> g{x.re + p * count,
                             x.im + p * count,
                             y.re + p * pass.radix * count,
                             y.im + p * pass.radix * count,
                             pass.groups * count,
                             count,
                             pass.re.data() + p,
                             pass.im.data() + p,
                             pass.groups};
            switch (pass.radix) {
                case 2:
                    radix2(g);
                    break;
                case 3:
                    radix3(g);
                    break;
                case 4:
                    radix4(g);
                    break;
                case 5:
                    radix5(g);
                    break;
                default:
                    odd_radix(pass, g);
            }
        }
        count *= pass.radix;
        std::swap(x, y);
    }
    return x;
}

template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]] Planes<T> passes_v4(const FftPlan<T>& plan,
                                                                                   Planes<T> x, Planes<T> y,
                                                                                   std::int64_t lanes) {
    return all_passes(plan, x, y, lanes);
}
template <class T>
[[gnu::target("avx2")]] Planes<T> passes_v3(const FftPlan<T>& plan, Planes<T> x, Planes<T> y,
                                            std::int64_t lanes) {
    return all_passes(plan, x, y, lanes);
}
template <class T> Planes<T> passes_v2(const FftPlan<T>& plan, Planes<T> x, Planes<T> y, std::int64_t lanes) {
    return all_passes(plan, x, y, lanes);
}

}  // namespace

template <class T>
Planes<T> run_passes(const FftPlan<T>& plan, Planes<T> x, Planes<T> other, std::int64_t lanes) {
    const Isa level = isa();
    return (level == Isa::V4   ? passes_v4<T>
            : level == Isa::V3 ? passes_v3<T>
                               : passes_v2<T>)(plan, x, other, lanes);
}
template Planes<float> run_passes(const FftPlan<float>&, Planes<float>, Planes<float>, std::int64_t);
template Planes<double> run_passes(const FftPlan<double>&, Planes<double>, Planes<double>, std::int64_t);

}  // namespace tapeless
