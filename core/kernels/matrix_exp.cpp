// The exponential of matrices: halved until a Taylor polynomial is exact to rounding, then squared back.
//
// Scaling and squaring as in N. J. Higham, Functions of Matrices (2008), chapter 10, with Taylor polynomials in place of
// Pade's, evaluated by M. S. Paterson and L. J. Stockmeyer, On the number of nonscalar multiplications necessary to
// evaluate polynomials (1973): only products are needed, and each matrix of a batch is scaled by its own norm.
#include "kernels/matrix_exp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/gemm.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

template <class T> constexpr GemmType kGemm = is_complex_type<T> ? GemmType::C128 : GemmType::F64;

double magnitude(double x) { return std::abs(x); }
double magnitude(Complex<double> x) { return std::hypot(x.re, x.im); }

/// A polynomial of degree p * p in powers up to p: below `bound` in norm the rest of the series is below rounding. A
/// squaring loses a bit, so the bound is as large as p allows without sums that cancel.
constexpr int p = 5;
constexpr double kBound = 2.4;

template <class T> class Exponential {
public:
    explicit Exponential(std::int64_t n)
        : n_(n), size_(n * n), room_(static_cast<std::size_t>(size_ * (p + 2))) {}

    void operator()(const T* in, T* out) {
        const double norm = largest_column(in);
        if (!std::isfinite(norm)) {
            std::fill_n(out, size_, convert<T>(std::numeric_limits<double>::quiet_NaN()));
            return;
        }
        int halvings = 0;
        if (norm > kBound) halvings = std::ilogb(norm / kBound) + 1;
        T* x = power(1);
        for (std::int64_t i = 0; i < size_; ++i) x[i] = scaled(in[i], -halvings);
        for (int k = 2; k <= p; ++k) multiply(power(k - 1), x, power(k));
        T *sum = power(p + 1), *product = power(0);
        polynomial(sum, product);
        for (int k = 0; k < halvings; ++k) {
            multiply(sum, sum, product);
            std::swap(sum, product);
        }
        std::copy_n(sum, size_, out);
    }

private:
    T* power(int k) { return room_.data() + size_ * k; }
    static T scaled(T x, int exponent) {
        if constexpr (is_complex_type<T>) {
            return {std::ldexp(x.re, exponent), std::ldexp(x.im, exponent)};
        } else {
            return std::ldexp(x, exponent);
        }
    }
    double largest_column(const T* in) const {
        std::vector<double> sums(static_cast<std::size_t>(n_));
        for (std::int64_t i = 0; i < size_; ++i) sums[static_cast<std::size_t>(i % n_)] += magnitude(in[i]);
        double largest = 0;
        for (double sum : sums) largest = sum > largest || std::isnan(sum) ? sum : largest;
        return largest;
    }
    void multiply(const T* a, const T* b, T* c) const {
        gemm(kGemm<T>, false, false, n_, n_, n_, a, n_, b, n_, c, n_);
    }

    /// Horner's scheme in x^p, whose coefficients are polynomials of degree p - 1; the highest one stands alone.
    void polynomial(T*& sum, T*& spare) {
        double factorial[p * p + 1];
        factorial[0] = 1;
        for (int k = 1; k <= p * p; ++k) factorial[k] = factorial[k - 1] * k;
        for (std::int64_t i = 0; i < size_; ++i) sum[i] = times(power(p)[i], 1 / factorial[p * p]);
        for (int block = p - 1; block >= 0; --block) {
            for (int k = 0; k < p; ++k) add(sum, k, 1 / factorial[block * p + k]);
            if (block == 0) break;
            multiply(sum, power(p), spare);
            std::swap(sum, spare);
        }
    }
    static T times(T x, double factor) { return x * convert<T>(factor); }
    /// Adds factor * x^k.
    void add(T* sum, int k, double factor) {
        if (k == 0) {
            for (std::int64_t i = 0; i < n_; ++i) sum[i * (n_ + 1)] = sum[i * (n_ + 1)] + convert<T>(factor);
            return;
        }
        const T* x = power(k);
        for (std::int64_t i = 0; i < size_; ++i) sum[i] = sum[i] + times(x[i], factor);
    }

    std::int64_t n_, size_;
    std::vector<T> room_;  // power(0) is a spare matrix, power(p + 1) the sum.
};

template <class T> void all(std::int64_t count, std::int64_t n, const char* in, char* out) {
    auto work = [&](std::int64_t first, std::int64_t last) {
        Exponential<T> exponential(n);
        for (std::int64_t i = first; i < last; ++i) {
            exponential(reinterpret_cast<const T*>(in) + i * n * n, reinterpret_cast<T*>(out) + i * n * n);
        }
    };
    constexpr std::int64_t kWorth = 1 << 12;  // Products of numbers in one product that are worth a claim.
    if (count == 1) return work(0, 1);
    parallel_blocks(count, std::max<std::int64_t>(1, kWorth / (n * n * n)), work);
}

}  // namespace

void matrix_exp(DType dtype, std::int64_t count, std::int64_t n, const char* in, char* out) {
    dtype == DType::Float64 ? all<double>(count, n, in, out) : all<Complex<double>>(count, n, in, out);
}

}  // namespace tapeless
