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

    /// The eigenvalues of any matrix, and its eigenvectors of length 1 by columns if `vectors` is not null; a is
    /// overwritten; LAPACK's code of failure.
    static int eigen_general(int n, T* a, Complex<Real>* values, Complex<Real>* vectors) {
        static void* const function = symbol("geev");
        const char none = 'N', job = vectors ? 'V' : 'N';
        const auto size = static_cast<std::size_t>(n);
        const int one = 1;
        int info = 0;
        if constexpr (complex) {
            std::vector<Real> real_work(2 * size);
            with_work([&](T* work, int count) {
                call(function, &none, &job, &n, a, &n, values, static_cast<T*>(nullptr), &one, vectors,
                     vectors ? &n : &one, work, &count, real_work.data(), &info, kOne, kOne);
            });
        } else {
            std::vector<Real> re(size), im(size), packed(vectors ? size * size : 1);
            with_work([&](T* work, int count) {
                call(function, &none, &job, &n, a, &n, re.data(), im.data(), static_cast<T*>(nullptr), &one,
                     packed.data(), vectors ? &n : &one, work, &count, &info, kOne, kOne);
            });
            for (std::size_t j = 0; j < size; ++j) values[j] = {re[j], im[j]};
            for (std::size_t j = 0; vectors && j < size; ++j) unpack(packed.data(), im.data(), n, j, vectors);
        }
        return info;
    }
    /// c := op(Q) c ('L') or c op(Q) ('R') by k reflectors in a, whose columns have as many elements as Q has rows.
    static void reflect(char side, char op, int m, int n, int k, const T* a, const T* tau, T* c) {
        static void* const function = symbol(complex ? "unmqr" : "ormqr");
        const int rows = side == 'L' ? m : n;
        int info = 0;
        with_work([&](T* work, int size) {
            call(function, &side, &op, &m, &n, &k, a, &rows, tau, c, &m, work, &size, &info, kOne, kOne);
        });
    }
    /// a = L D L^T, or L D L^H if `hermitian`, of which the lower triangle is read.
    static int symmetric(bool hermitian, int n, T* a, int* pivots) {
        static void* const plain = symbol("sytrf");
        static void* const conjugate = complex ? symbol("hetrf") : plain;
        const char lower = 'L';
        int info = 0;
        with_work([&](T* work, int size) {
            call(hermitian ? conjugate : plain, &lower, &n, a, &n, pivots, work, &size, &info, kOne);
        });
        return info;
    }
    static void symmetric_solve(bool hermitian, int n, int columns, const T* a, const int* pivots, T* b) {
        static void* const plain = symbol("sytrs");
        static void* const conjugate = complex ? symbol("hetrs") : plain;
        const char lower = 'L';
        int info = 0;
        call(hermitian ? conjugate : plain, &lower, &n, &columns, a, &n, pivots, b, &n, &info, kOne);
    }
    /// What a solution of least squares needs besides the matrices.
    struct Squares {
        int m, n, columns;
        T *a, *b;  ///< b's columns have max(m, n) elements
        Real tolerance;
        Real* values;  ///< singular values, of 'd' and 's'
        int rank = 0;
    };
    /// b := the x of the least |a x - b|, by QR (' '), QR with pivots ('y'), or singular values ('d', 's').
    static int least_squares(char driver, Squares& x) {
        static void* const plain = symbol("gels");
        static void* const pivoted = symbol("gelsy");
        static void* const divided = symbol("gelsd");
        static void* const single = symbol("gelss");
        const int rows = std::max(x.m, x.n), least = std::min(x.m, x.n);
        std::vector<Real> real_work;
        std::vector<int> whole(static_cast<std::size_t>(std::max(1, x.n + 64 * 32 * least)));
        if constexpr (complex) real_work.resize(real_room(x));
        int info = 0;
        auto ends = [&](void* function, auto... before) {
            with_work([&](T* work, int size) {
                if constexpr (complex) {
                    driver == 'd'
                        ? call(function, before..., work, &size, real_work.data(), whole.data(), &info)
                        : call(function, before..., work, &size, real_work.data(), &info);
                } else {
                    driver == 'd' ? call(function, before..., work, &size, whole.data(), &info)
                                  : call(function, before..., work, &size, &info);
                }
            });
        };
        if (driver == ' ') {
            const char op = 'N';
            with_work([&](T* work, int size) {
                call(plain, &op, &x.m, &x.n, &x.columns, x.a, &x.m, x.b, &rows, work, &size, &info, kOne);
            });
        } else if (driver == 'y') {
            ends(pivoted, &x.m, &x.n, &x.columns, x.a, &x.m, x.b, &rows, whole.data(), &x.tolerance, &x.rank);
        } else {
            ends(driver == 'd' ? divided : single, &x.m, &x.n, &x.columns, x.a, &x.m, x.b, &rows, x.values,
                 &x.tolerance, &x.rank);
        }
        return info;
    }

private:
    static constexpr std::size_t kOne = 1;

    /// How many real numbers the complex functions of least squares want, at most.
    template <class S> static std::size_t real_room(const S& x) {
        const std::size_t least = static_cast<std::size_t>(std::min(x.m, x.n)),
                          n = static_cast<std::size_t>(x.n), columns = static_cast<std::size_t>(x.columns);
        return 2 * n + 5 * least + 10 * least * 33 + 8 * least * 32 + 3 * 32 * columns + 26 * 26 +
               27 * columns + 64;
    }
    /// Column j of eigenvectors, of which a pair of conjugate ones is stored as real and imaginary parts.
    static void unpack(const Real* packed, const Real* im, int n, std::size_t j, Complex<Real>* vectors) {
        const auto size = static_cast<std::size_t>(n);
        const bool second = im[j] < 0, pair = im[j] != 0;
        const Real* re = packed + (second ? j - 1 : j) * size;
        for (std::size_t i = 0; i < size; ++i) {
            const Real part = pair ? re[size + i] : Real(0);
            vectors[j * size + i] = {re[i], second ? -part : part};
        }
    }

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
