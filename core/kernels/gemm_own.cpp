// Register-blocked product loops in vector types, compiled once per instruction set. Every element is the
// same sequence of rounded products and sums whatever the vectors' width, so that a narrow edge has the bits
// of a wide middle.
#include "kernels/gemm_own.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "runtime/cpu.h"

// Everything below the dispatch is inlined into one function per instruction set and type: [[gnu::target]]
// functions are compiled for their set only as far as the code is inlined, hence always_inline and no
// lambdas.

namespace tapeless {
namespace {

constexpr std::int64_t kDepth = 256;  ///< rows of b in a padded panel: it stays in the first-level cache

/// One product, in elements (for complex types: T is the real type, distances count real numbers).
template <class T> struct Product {
    std::int64_t m, n, k;
    const T* a;
    std::int64_t a_row, a_col;
    const T* b;
    std::int64_t b_row, b_col;
    T* c;
    std::int64_t ldc;
};

/// Rows of a, a panel of b, the piece of c that they make.
template <class T> struct Piece {
    std::int64_t k;
    const T* a;
    std::int64_t a_row, a_col;
    const T* b;
    std::int64_t b_row;
    T* c;
    std::int64_t ldc;
    std::int64_t width;  ///< columns of c, at most the panel's
    bool add;            ///< c holds the sum over the k before these
};

template <class T, int Bytes, bool Single = Bytes == sizeof(T)> struct Lanes {
    static constexpr int count = Bytes / static_cast<int>(sizeof(T));
    typedef T Vector __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
};
template <class T, int Bytes>
struct Lanes<T, Bytes, true> {  // the compiler would keep a vector of one lane in memory
    static constexpr int count = 1;
    using Vector = T;
};

/// `Rows` rows by `Panels` vectors of c; `Padded`: the panel is a copy that may be wider than what c takes of
/// it.
template <class T, int Bytes, int Rows, int Panels, bool Padded>
[[gnu::always_inline]] inline void real_piece(const Piece<T>& piece) {
    using Vector = typename Lanes<T, Bytes>::Vector;
    [[maybe_unused]] T edge[Panels * Lanes<T, Bytes>::count] = {};
    [[maybe_unused]] const std::size_t bytes = static_cast<std::size_t>(piece.width) * sizeof(T);
    Vector sum[Rows][Panels] = {};
    if (Padded && piece.add) {
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            std::memcpy(edge, piece.c + r * piece.ldc, bytes);
#pragma GCC unroll 8
            for (int j = 0; j < Panels; ++j) sum[r][j] = reinterpret_cast<const Vector*>(edge)[j];
        }
    }
    const T* a = piece.a;
    const T* b = piece.b;
    for (std::int64_t p = 0; p < piece.k; ++p, a += piece.a_col, b += piece.b_row) {
        const Vector* row = reinterpret_cast<const Vector*>(b);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const T factor = a[r * piece.a_row];
#pragma GCC unroll 8
            for (int j = 0; j < Panels; ++j) sum[r][j] += factor * row[j];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
        T* to = piece.c + r * piece.ldc;
        Vector* vectors = reinterpret_cast<Vector*>(Padded ? edge : to);
#pragma GCC unroll 8
        for (int j = 0; j < Panels; ++j) vectors[j] = sum[r][j];
        if (Padded) std::memcpy(to, edge, bytes);
    }
}

/// `Rows` rows by one vector of complex numbers; the panel holds real parts, then imaginary parts, row by
/// row.
template <class T, int Bytes, int Rows>
[[gnu::always_inline]] inline void complex_piece(const Piece<T>& piece) {
    using Vector = typename Lanes<T, Bytes>::Vector;
    constexpr int lanes = Lanes<T, Bytes>::count;
    Vector re[Rows] = {}, im[Rows] = {};
    T edge[2][lanes] = {};
    if (piece.add) {
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const T* from = piece.c + r * piece.ldc;
            for (std::int64_t j = 0; j < piece.width; ++j)
                edge[0][j] = from[2 * j], edge[1][j] = from[2 * j + 1];
            re[r] = *reinterpret_cast<const Vector*>(edge[0]);
            im[r] = *reinterpret_cast<const Vector*>(edge[1]);
        }
    }
    const T* a = piece.a;
    const T* b = piece.b;
    for (std::int64_t p = 0; p < piece.k; ++p, a += piece.a_col, b += piece.b_row) {
        const Vector* row = reinterpret_cast<const Vector*>(b);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const T x = a[r * piece.a_row], y = a[r * piece.a_row + 1];
            re[r] += x * row[0] - y * row[1];
            im[r] += x * row[1] + y * row[0];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
        *reinterpret_cast<Vector*>(edge[0]) = re[r];
        *reinterpret_cast<Vector*>(edge[1]) = im[r];
        T* to = piece.c + r * piece.ldc;
        for (std::int64_t j = 0; j < piece.width; ++j) to[2 * j] = edge[0][j], to[2 * j + 1] = edge[1][j];
    }
}

/// All m rows of one panel.
template <class T, int Bytes, int Panels, bool Padded>
[[gnu::always_inline]] inline void real_rows(Piece<T> piece, std::int64_t m) {
    constexpr int kRows = 4;
    for (; m >= kRows; m -= kRows, piece.a += kRows * piece.a_row, piece.c += kRows * piece.ldc) {
        real_piece<T, Bytes, kRows, Panels, Padded>(piece);
    }
    for (; m > 0; --m, piece.a += piece.a_row, piece.c += piece.ldc)
        real_piece<T, Bytes, 1, Panels, Padded>(piece);
}

template <class T, int Bytes>
[[gnu::always_inline]] inline void complex_rows(Piece<T> piece, std::int64_t m) {
    constexpr int kRows = 4;
    for (; m >= kRows; m -= kRows, piece.a += kRows * piece.a_row, piece.c += kRows * piece.ldc) {
        complex_piece<T, Bytes, kRows>(piece);
    }
    for (; m > 0; --m, piece.a += piece.a_row, piece.c += piece.ldc) complex_piece<T, Bytes, 1>(piece);
}

/// Copies `depth` rows of b from row p, column j into rows of `span`, zeros behind the width.
template <class T>
[[gnu::always_inline]] inline void pack_real(const Product<T>& x, std::int64_t p, std::int64_t depth,
                                             std::int64_t j, std::int64_t width, T* panel,
                                             std::int64_t span) {
    for (std::int64_t row = 0; row < depth; ++row, panel += span) {
        const T* from = x.b + (p + row) * x.b_row + j * x.b_col;
        for (std::int64_t i = 0; i < width; ++i) panel[i] = from[i * x.b_col];
        for (std::int64_t i = width; i < span; ++i) panel[i] = T{};
    }
}

template <class T>
[[gnu::always_inline]] inline void pack_complex(const Product<T>& x, std::int64_t p, std::int64_t depth,
                                                std::int64_t j, std::int64_t width, T* panel,
                                                std::int64_t lanes) {
    for (std::int64_t row = 0; row < depth; ++row, panel += 2 * lanes) {
        const T* from = x.b + (p + row) * x.b_row + j * x.b_col;
        for (std::int64_t i = 0; i < width; ++i) {
            panel[i] = from[i * x.b_col];
            panel[lanes + i] = from[i * x.b_col + 1];
        }
        for (std::int64_t i = width; i < lanes; ++i) panel[i] = panel[lanes + i] = T{};
    }
}

/// As many panels of `Panels` vectors as fit behind column j, read where b lies; returns the column behind
/// them.
template <class T, int Bytes, int Panels>
[[gnu::always_inline]] inline std::int64_t direct_columns(const Product<T>& x, std::int64_t j) {
    constexpr std::int64_t span = Panels * Lanes<T, Bytes>::count;
    for (; x.n - j >= span; j += span) {
        real_rows<T, Bytes, Panels, false>(
            {x.k, x.a, x.a_row, x.a_col, x.b + j, x.b_row, x.c + j, x.ldc, span, false}, x.m);
    }
    return j;
}

/// b in columns: padded copies of panels, kDepth rows of b at a time.
template <class T, int Bytes, int Panels>
[[gnu::always_inline]] inline void padded_panel(const Product<T>& x, std::int64_t j, std::int64_t width) {
    constexpr std::int64_t span = Panels * Lanes<T, Bytes>::count;
    alignas(64) T panel[kDepth * span];
    for (std::int64_t p = 0; p < x.k; p += kDepth) {
        const std::int64_t depth = std::min(kDepth, x.k - p);
        pack_real(x, p, depth, j, width, panel, span);
        real_rows<T, Bytes, Panels, true>(
            {depth, x.a + p * x.a_col, x.a_row, x.a_col, panel, span, x.c + j, x.ldc, width, p != 0}, x.m);
    }
}

/// b in rows: whole vectors first; the columns left go in narrower ones, or padded where many rows share the
/// copy.
template <class T, int Bytes> [[gnu::always_inline]] inline void direct_product(const Product<T>& x) {
    std::int64_t j = 0;
    // A single row is bound by reading b: eight vectors side by side keep its lines together.
    constexpr std::int64_t wide = 8 * Lanes<T, Bytes>::count;
    for (; x.m == 1 && x.n - j >= wide; j += wide) {
        real_piece<T, Bytes, 1, 8, false>(
            {x.k, x.a, x.a_row, x.a_col, x.b + j, x.b_row, x.c + j, x.ldc, wide, false});
    }
    j = direct_columns<T, Bytes, 2>(x, j);
    j = direct_columns<T, Bytes, 1>(x, j);
    if (j < x.n && x.m >= 8) return padded_panel<T, Bytes, 1>(x, j, x.n - j);
    if constexpr (Bytes > 32) j = direct_columns<T, 32, 1>(x, j);
    if constexpr (Bytes > 16) j = direct_columns<T, 16, 1>(x, j);
    direct_columns<T, sizeof(T), 1>(x, j);
}

template <class T, int Bytes> [[gnu::always_inline]] inline void real_product(const Product<T>& x) {
    if (x.b_col == 1) return direct_product<T, Bytes>(x);
    constexpr std::int64_t lanes = Lanes<T, Bytes>::count;
    std::int64_t j = 0;
    for (; x.n - j > lanes; j += 2 * lanes) padded_panel<T, Bytes, 2>(x, j, std::min(x.n - j, 2 * lanes));
    if (j < x.n) padded_panel<T, Bytes, 1>(x, j, x.n - j);
}

template <class T, int Bytes> [[gnu::always_inline]] inline void complex_product(const Product<T>& x) {
    constexpr std::int64_t lanes = Lanes<T, Bytes>::count;
    alignas(64) T panel[kDepth * 2 * lanes];
    for (std::int64_t j = 0; j < x.n; j += lanes) {
        const std::int64_t width = std::min(lanes, x.n - j);
        for (std::int64_t p = 0; p < x.k; p += kDepth) {
            const std::int64_t depth = std::min(kDepth, x.k - p);
            pack_complex(x, p, depth, j, width, panel, lanes);
            complex_rows<T, Bytes>({depth, x.a + p * x.a_col, x.a_row, x.a_col, panel, 2 * lanes, x.c + 2 * j,
                                    x.ldc, width, p != 0},
                                   x.m);
        }
    }
}

/// One pass of own_dots over `Rows` rows.
template <class T, int Rows>
[[gnu::always_inline]] inline void dot_rows(std::int64_t k, const T* a, std::int64_t a_row, const T* x,
                                            const T* x_edge, T* out, std::int64_t step) {
    using Vector = typename Lanes<T, 64>::Vector;
    constexpr int lanes = Lanes<T, 64>::count;
    Vector sum[Rows] = {};
    std::int64_t p = 0;
    for (; p + lanes <= k; p += lanes) {
        const Vector factor = *reinterpret_cast<const Vector*>(x + p);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) sum[r] += *reinterpret_cast<const Vector*>(a + r * a_row + p) * factor;
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
        T edge[lanes] = {};
        if (p < k) {
            for (std::int64_t i = p; i < k; ++i) edge[i - p] = a[r * a_row + i];
            sum[r] += *reinterpret_cast<const Vector*>(edge) * *reinterpret_cast<const Vector*>(x_edge);
        }
        *reinterpret_cast<Vector*>(edge) = sum[r];
#pragma GCC unroll 4
        for (int half = lanes / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; ++i) edge[i] += edge[i + half];
        }
        out[r * step] = edge[0];
    }
}

template <class T> struct Dots {
    std::int64_t m, k;
    const T* a;
    std::int64_t a_row;
    const T* x;
    T* out;
    std::int64_t step;
};

/// Short rows: one number after another, `Rows` rows side by side.
template <class T, int Rows> [[gnu::always_inline]] inline void short_rows(const Dots<T>& d, std::int64_t i) {
    const T* a = d.a + i * d.a_row;
    T sum[Rows] = {};
    for (std::int64_t p = 0; p < d.k; ++p) {
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) sum[r] += a[r * d.a_row + p] * d.x[p];
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) d.out[(i + r) * d.step] = sum[r];
}

template <class T> [[gnu::always_inline]] inline void dots(const Dots<T>& d) {
    constexpr std::int64_t lanes = Lanes<T, 64>::count;
    std::int64_t i = 0;
    if (d.k < 4 * lanes) {
        for (; i + 8 <= d.m; i += 8) short_rows<T, 8>(d, i);
        for (; i < d.m; ++i) short_rows<T, 1>(d, i);
        return;
    }
    T edge[lanes] = {};
    for (std::int64_t p = d.k - d.k % lanes; p < d.k; ++p) edge[p % lanes] = d.x[p];
    for (; i + 4 <= d.m; i += 4)
        dot_rows<T, 4>(d.k, d.a + i * d.a_row, d.a_row, d.x, edge, d.out + i * d.step, d.step);
    for (; i < d.m; ++i)
        dot_rows<T, 1>(d.k, d.a + i * d.a_row, d.a_row, d.x, edge, d.out + i * d.step, d.step);
}

// The functions that exist per instruction set.
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]] void real_v4(const Product<T>& x) {
    real_product<T, 64>(x);
}
template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]] void complex_v4(const Product<T>& x) {
    complex_product<T, 64>(x);
}
template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]] void dots_v4(const Dots<T>& d) {
    dots(d);
}
template <class T> [[gnu::target("avx2")]] void real_v3(const Product<T>& x) { real_product<T, 32>(x); }
template <class T> [[gnu::target("avx2")]] void complex_v3(const Product<T>& x) { complex_product<T, 32>(x); }
template <class T> [[gnu::target("avx2")]] void dots_v3(const Dots<T>& d) { dots(d); }
#endif
template <class T> void real_v2(const Product<T>& x) { real_product<T, 16>(x); }
template <class T> void complex_v2(const Product<T>& x) { complex_product<T, 16>(x); }
template <class T> void dots_v2(const Dots<T>& d) { dots(d); }

/// The one of three functions that this processor should run.
template <class Function>
Function* pick(Function* v2, [[maybe_unused]] Function* v3, [[maybe_unused]] Function* v4) {
    const Isa level = isa();
    return level == Isa::V4 ? v4 : level == Isa::V3 ? v3 : v2;
}

#if defined(__x86_64__)
template <class T> void run_real(const Product<T>& x) {
    pick<void(const Product<T>&)>(real_v2<T>, real_v3<T>, real_v4<T>)(x);
}
/// Integer products are rare: two instruction sets are enough for them.
template <class T> void run_integer(const Product<T>& x) {
    pick<void(const Product<T>&)>(real_v2<T>, real_v3<T>, real_v3<T>)(x);
}
template <class T> void run_complex(const Product<T>& x) {
    pick<void(const Product<T>&)>(complex_v2<T>, complex_v3<T>, complex_v4<T>)(x);
}
template <class T> void run_dots(const Dots<T>& d) {
    pick<void(const Dots<T>&)>(dots_v2<T>, dots_v3<T>, dots_v4<T>)(d);
}
#else
template <class T> void run_real(const Product<T>& x) { real_v2(x); }
template <class T> void run_integer(const Product<T>& x) { real_v2(x); }
template <class T> void run_complex(const Product<T>& x) { complex_v2(x); }
template <class T> void run_dots(const Dots<T>& d) { dots_v2(d); }
#endif

/// `parts` is 2 for complex elements: all distances then count real numbers.
template <class T>
Product<T> product(std::int64_t parts, std::int64_t m, std::int64_t n, std::int64_t k, GemmMatrix a,
                   GemmMatrix b, void* c, std::int64_t ldc) {
    return {m,
            n,
            k,
            static_cast<const T*>(a.data),
            a.row * parts,
            a.col * parts,
            static_cast<const T*>(b.data),
            b.row * parts,
            b.col * parts,
            static_cast<T*>(c),
            ldc * parts};
}

}  // namespace

std::int64_t element_size(GemmElement element) {
    constexpr std::int64_t sizes[] = {4, 8, 8, 16, 1, 2, 4, 8};
    return sizes[static_cast<int>(element)];
}

void own_gemm(GemmElement element, std::int64_t m, std::int64_t n, std::int64_t k, GemmMatrix a, GemmMatrix b,
              void* c, std::int64_t ldc) {
    if (m <= 0 || n <= 0) return;
    if (k <= 0) {
        const std::int64_t size = element_size(element);
        for (std::int64_t i = 0; i < m; ++i) {
            std::memset(static_cast<char*>(c) + i * ldc * size, 0, static_cast<std::size_t>(n * size));
        }
        return;
    }
    switch (element) {
        case GemmElement::F32:
            return run_real(product<float>(1, m, n, k, a, b, c, ldc));
        case GemmElement::F64:
            return run_real(product<double>(1, m, n, k, a, b, c, ldc));
        case GemmElement::C64:
            return run_complex(product<float>(2, m, n, k, a, b, c, ldc));
        case GemmElement::C128:
            return run_complex(product<double>(2, m, n, k, a, b, c, ldc));
        case GemmElement::I8:
            return run_integer(product<std::uint8_t>(1, m, n, k, a, b, c, ldc));
        case GemmElement::I16:
            return run_integer(product<std::uint16_t>(1, m, n, k, a, b, c, ldc));
        case GemmElement::I32:
            return run_integer(product<std::uint32_t>(1, m, n, k, a, b, c, ldc));
        case GemmElement::I64:
            return run_integer(product<std::uint64_t>(1, m, n, k, a, b, c, ldc));
    }
}

void own_dots(GemmElement element, std::int64_t m, std::int64_t k, GemmMatrix a, const void* x, void* out,
              std::int64_t step) {
    check(element == GemmElement::F32 || element == GemmElement::F64, "own_dots: expects float32 or float64");
    if (element == GemmElement::F32) {
        run_dots(Dots<float>{m, k, static_cast<const float*>(a.data), a.row, static_cast<const float*>(x),
                             static_cast<float*>(out), step});
    } else {
        run_dots(Dots<double>{m, k, static_cast<const double*>(a.data), a.row, static_cast<const double*>(x),
                              static_cast<double*>(out), step});
    }
}

}  // namespace tapeless
