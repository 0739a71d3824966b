// LAPACK's factorizations for the four types of numbers, one matrix at a time, stored by columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/complex.h"
#include "base/dtype.h"

namespace tapeless {

/// The function of OpenBLAS with that Fortran name, such as "dpotrf_"; fails where there is no OpenBLAS.
void* lapack_symbol(char letter, const char* name);

template <class T> struct RealPart {
    using type = T;
    static constexpr bool complex = false;
    static constexpr char letter = sizeof(T) == 4 ? 's' : 'd';
};
template <class T> struct RealPart<Complex<T>> {
    using type = T;
    static constexpr bool complex = true;
    static constexpr char letter = sizeof(T) == 4 ? 'c' : 'z';
};

/// Fortran's calling convention: everything by address, then the lengths of texts, which are all single letters.
template <class T> class Lapack {
public:
    using Real = typename RealPart<T>::type;
    static constexpr bool complex = RealPart<T>::complex;

    /// A real number as one of T.
    static constexpr T number(double value) {
        if constexpr (complex) {
            return T{static_cast<Real>(value), 0};
        } else {
            return static_cast<T>(value);
        }
    }

    /// a = L L^H or U^H U in that triangle; the order of the minor that is not positive, or 0.
    static int cholesky(char triangle, int n, T* a) {
        static void* const function = symbol("potrf");
        int info = 0;
        call(function, &triangle, &n, a, &n, &info, kOne);
        return info;
    }
    /// a = P L U, of m rows and n columns; the number of the pivot that is 0, or 0.
    static int lu(int m, int n, T* a, int* pivots) {
        static void* const function = symbol("getrf");
        int info = 0;
        call(function, &m, &n, a, &m, pivots, &info);
        return info;
    }
    /// b := the x of op(a) x = b, from a's lu; op by 'N', 'T' or 'C'.
    static void lu_solve(char op, int n, int columns, const T* a, const int* pivots, T* b) {
        static void* const function = symbol("getrs");
        int info = 0;
        call(function, &op, &n, &columns, a, &n, pivots, b, &n, &info, kOne);
    }
    /// b := the x of op(a) x = b ('L') or x op(a) = b ('R') for a triangular a; b has m rows and n columns.
    static void triangular_solve(char side, char triangle, char op, char diagonal, int m, int n, const T* a,
                                 T* b) {
        static void* const function = symbol("trsm");
        const T one = number(1);
        const int order = side == 'L' ? m : n;
        call(function, &side, &triangle, &op, &diagonal, &m, &n, &one, a, &order, b, &m, kOne, kOne, kOne,
             kOne);
    }
    /// a := R over the reflectors, whose factors go into tau.
    static void qr(int m, int n, T* a, T* tau) {
        static void* const function = symbol("geqrf");
        int info = 0;
        with_work([&](T* work, int size) { call(function, &m, &n, a, &m, tau, work, &size, &info); });
    }
    /// a := the first n columns of Q, from k reflectors.
    static void reflectors_product(int m, int n, int k, T* a, const T* tau) {
        static void* const function = symbol(complex ? "ungqr" : "orgqr");
        int info = 0;
        with_work([&](T* work, int size) { call(function, &m, &n, &k, a, &m, tau, work, &size, &info); });
    }
    /// a := its eigenvectors if they are wanted, values := its eigenvalues, ascending; LAPACK's code of failure.
    static int eigen(bool vectors, char triangle, int n, T* a, Real* values) {
        static void* const function = symbol(complex ? "heevd" : "syevd");
        const char job = vectors ? 'V' : 'N';
        int info = 0, least = -1, whole = 0;
        T size{};
        Real real_size{};
        auto run = [&](T* work, int* count, Real* real_work, int* real_count, int* whole_work,
                       int* whole_count) {
            if constexpr (complex) {
                call(function, &job, &triangle, &n, a, &n, values, work, count, real_work, real_count,
                     whole_work, whole_count, &info, kOne, kOne);
            } else {
                call(function, &job, &triangle, &n, a, &n, values, work, count, whole_work, whole_count,
                     &info, kOne, kOne);
            }
        };
        run(&size, &least, &real_size, &least, &whole, &least);
        int count = rounded(size), real_count = static_cast<int>(real_size) + 1, whole_count = whole;
        std::vector<T> work(static_cast<std::size_t>(count));
        std::vector<Real> real_work(static_cast<std::size_t>(real_count));
        std::vector<int> whole_work(static_cast<std::size_t>(whole_count));
        run(work.data(), &count, real_work.data(), &real_count, whole_work.data(), &whole_count);
        return info;
    }
    /// a's singular values and vectors; job 'A' for all vectors, 'S' for the first, 'N' for none. a is overwritten.
    static int svd(char job, int m, int n, T* a, Real* values, T* u, int u_rows, T* vh, int vh_rows) {
        static void* const function = symbol("gesdd");
        const int least = std::min(m, n), most = std::max(m, n);
        std::vector<int> whole_work(static_cast<std::size_t>(8 * least));
        std::vector<Real> real_work;
        if constexpr (complex) {
            const std::int64_t size = std::int64_t(least) * std::max(5 * least + 7, 2 * most + 2 * least + 1);
            real_work.resize(static_cast<std::size_t>(std::max<std::int64_t>(size, 7 * least)));
        }
        int info = 0;
        with_work([&](T* work, int size) {
            if constexpr (complex) {
                call(function, &job, &m, &n, a, &m, values, u, &u_rows, vh, &vh_rows, work, &size,
                     real_work.data(), whole_work.data(), &info, kOne);
            } else {
                call(function, &job, &m, &n, a, &m, values, u, &u_rows, vh, &vh_rows, work, &size,
                     whole_work.data(), &info, kOne);
            }
        });
        return info;
    }

private:
    static constexpr std::size_t kOne = 1;

    static void* symbol(const char* name) { return lapack_symbol(RealPart<T>::letter, name); }
    template <class... Arguments> static void call(void* function, Arguments... arguments) {
        reinterpret_cast<void (*)(Arguments...)>(function)(arguments...);
    }
    static int rounded(T size) {
        if constexpr (complex) {
            return static_cast<int>(size.re) + 1;
        } else {
            return static_cast<int>(size) + 1;
        }
    }
    /// Asks how much room a function wants, and calls it with as much.
    template <class Function> static void with_work(Function&& function) {
        T size{};
        function(&size, -1);
        std::vector<T> work(static_cast<std::size_t>(rounded(size)));
        function(work.data(), static_cast<int>(work.size()));
    }
};

}  // namespace tapeless
