// Decides who computes a product, and cuts it into tiles that the pool shares out.
#include "kernels/gemm.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "kernels/gemm_own.h"
#include "runtime/openblas.h"

// Note: why tiles, and not OpenBLAS's own threads. Its jobs wait for one another, so one core that another
// process holds stalls them all (a tenth of the speed was seen); tiles are stolen by whoever is free. The cut
// is a function of the sizes alone and each tile is one single-threaded call, so bits cannot depend on the
// number of threads.

namespace tapeless {
namespace {

constexpr std::int64_t kSmallWork = 32 * 32 * 32;  ///< products (of elements) up to which our own loops run
constexpr std::int64_t kChunkWork = 128 * 1024;    ///< products that a chunk has at least: about 5 us
constexpr std::int64_t kVectorWork = 64 * 1024;    ///< the same for a matrix times a vector, bound by memory

/// A batch of products, and how each is cut.
struct Batch {
    GemmElement element;
    bool trans_a, trans_b;
    std::int64_t m, n, k;
    const char* a;
    std::int64_t lda, stride_a;
    const char* b;
    std::int64_t ldb, stride_b;
    char* c;
    std::int64_t ldc, stride_c;
    std::int64_t count;
    std::int64_t tile_m, tile_n;
    const OpenBlas* blas;  ///< null: our own loops
};

/// Rows i .. i + m - 1, columns j .. j + n - 1 of product `index`.
struct Tile {
    std::int64_t index, i, m, j, n;
};

/// Products of elements; a double, because a broadcast operand makes sizes whose product overflows.
double work(std::int64_t m, std::int64_t n, std::int64_t k) {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

std::int64_t pieces(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

/// Element (i, j) of a stored matrix, or of its transpose.
GemmMatrix matrix(const char* data, bool trans, std::int64_t ld, std::int64_t i, std::int64_t j,
                  std::int64_t size) {
    const std::int64_t row = trans ? 1 : ld, col = trans ? ld : 1;
    return {data + (i * row + j * col) * size, row, col};
}

void blas_tile(const Batch& x, const Tile& tile, const void* a, const void* b, void* c) {
    constexpr int row_major = 101, plain = 111, transposed = 112;
    const int ta = x.trans_a ? transposed : plain, tb = x.trans_b ? transposed : plain;
    const int m = static_cast<int>(tile.m), n = static_cast<int>(tile.n), k = static_cast<int>(x.k);
    const int lda = static_cast<int>(x.lda), ldb = static_cast<int>(x.ldb), ldc = static_cast<int>(x.ldc);
    const double one[2] = {1, 0}, zero[2] = {0, 0};
    const float one_f[2] = {1, 0}, zero_f[2] = {0, 0};
    switch (x.element) {
        case GemmElement::F32:
            return x.blas->sgemm(row_major, ta, tb, m, n, k, 1, static_cast<const float*>(a), lda,
                                 static_cast<const float*>(b), ldb, 0, static_cast<float*>(c), ldc);
        case GemmElement::F64:
            return x.blas->dgemm(row_major, ta, tb, m, n, k, 1, static_cast<const double*>(a), lda,
                                 static_cast<const double*>(b), ldb, 0, static_cast<double*>(c), ldc);
        case GemmElement::C64:
            return x.blas->cgemm(row_major, ta, tb, m, n, k, one_f, a, lda, b, ldb, zero_f, c, ldc);
        case GemmElement::C128:
            return x.blas->zgemm(row_major, ta, tb, m, n, k, one, a, lda, b, ldb, zero, c, ldc);
        default:
            fail(ErrorKind::Runtime, "gemm: OpenBLAS has no integer products");
    }
}

/// Terms that one sum takes before it is put aside: longer ones lose digits, and a vector's sum may have millions.
constexpr std::int64_t kLongSum = 1024;

/// own_gemm over pieces of k, whose sums are added up in double.
template <class T>
void gemm_in_pieces(const Batch& x, const Tile& tile, const GemmMatrix& a, const GemmMatrix& b, T* c) {
    const std::int64_t count = tile.m * tile.n;
    std::vector<T> piece(static_cast<std::size_t>(count));
    std::vector<double> sum(static_cast<std::size_t>(count));
    for (std::int64_t p = 0; p < x.k; p += kLongSum) {
        const auto size = static_cast<std::int64_t>(sizeof(T));
        const GemmMatrix left{static_cast<const char*>(a.data) + p * a.col * size, a.row, a.col};
        const GemmMatrix right{static_cast<const char*>(b.data) + p * b.row * size, b.row, b.col};
        own_gemm(x.element, tile.m, tile.n, std::min(kLongSum, x.k - p), left, right, piece.data(), tile.n);
        for (std::int64_t at = 0; at < count; ++at) sum[at] += piece[at];
    }
    for (std::int64_t at = 0; at < count; ++at)
        c[at / tile.n * x.ldc + at % tile.n] = static_cast<T>(sum[at]);
}

void run_tile(const Batch& x, const Tile& tile) {
    const std::int64_t size = element_size(x.element);
    const GemmMatrix a = matrix(x.a + tile.index * x.stride_a * size, x.trans_a, x.lda, tile.i, 0, size);
    const GemmMatrix b = matrix(x.b + tile.index * x.stride_b * size, x.trans_b, x.ldb, 0, tile.j, size);
    char* c = x.c + (tile.index * x.stride_c + tile.i * x.ldc + tile.j) * size;
    const bool real = x.element == GemmElement::F32 || x.element == GemmElement::F64;
    if (x.blas != nullptr) {
        blas_tile(x, tile, a.data, b.data, c);
    } else if (real && x.n == 1 && a.col == 1 && (x.k == 1 || b.row == 1)) {
        own_dots(x.element, tile.m, x.k, a, b.data, c, x.ldc);
    } else if (real && x.m == 1 && b.row == 1 && (x.k == 1 || a.col == 1)) {
        own_dots(x.element, tile.n, x.k, {b.data, b.col, 1}, a.data, c, 1);
    } else if (x.k > kLongSum && x.element == GemmElement::F32) {
        gemm_in_pieces(x, tile, a, b, reinterpret_cast<float*>(c));
    } else if (x.k > kLongSum && x.element == GemmElement::F64) {
        gemm_in_pieces(x, tile, a, b, reinterpret_cast<double*>(c));
    } else {
        own_gemm(x.element, tile.m, tile.n, x.k, a, b, c, x.ldc);
    }
}

/// Whether a product is a matrix times a vector of a real type: those never go to OpenBLAS, which could not
/// be faster than memory and adds up in another order for each number of threads.
bool is_vector(const Batch& x) {
    return (x.m == 1 || x.n == 1) && x.element != GemmElement::C64 && x.element != GemmElement::C128;
}

bool fits_blas(const Batch& x) {
    return std::max({x.m, x.n, x.k, x.lda, x.ldb, x.ldc}) <= INT_MAX && x.element <= GemmElement::C128;
}

/// Tiles small enough for eight threads, large enough that packing the operands costs a few percent.
void cut(Batch& x) {
    x.tile_m = x.m;
    x.tile_n = x.n;
    if (is_vector(x)) {
        const std::int64_t block =
            std::max<std::int64_t>(64, kVectorWork / std::max<std::int64_t>(1, x.k) / 64 * 64);
        (x.m == 1 ? x.tile_n : x.tile_m) = block;
        return;
    }
    if (work(x.m, x.n, x.k) <= 2 * kChunkWork) return;
    const std::int64_t least_m = x.blas != nullptr ? 128 : 16, least_n = x.blas != nullptr ? 256 : 128;
    x.tile_m = x.blas != nullptr ? 512 : 64;
    x.tile_n = 1024;
    auto tiles = [&] { return x.count * pieces(x.m, x.tile_m) * pieces(x.n, x.tile_n); };
    while (tiles() < 8 && (x.tile_m > least_m || x.tile_n > least_n)) {
        const bool halve_n = x.tile_m <= least_m || (x.tile_n > least_n && x.tile_n >= 2 * x.tile_m);
        (halve_n ? x.tile_n : x.tile_m) /= 2;
    }
}

void run_batch(Batch& x, Interruptible interruptible) {
    cut(x);
    const std::int64_t down = pieces(x.m, x.tile_m), tiles = down * pieces(x.n, x.tile_n);
    auto one = [&](std::int64_t task) {
        const std::int64_t place = task % tiles;
        const std::int64_t i = place % down * x.tile_m, j = place / down * x.tile_n;
        run_tile(x, {task / tiles, i, std::min(x.tile_m, x.m - i), j, std::min(x.tile_n, x.n - j)});
    };
    const std::int64_t tasks = x.count * tiles;
    const double each = std::max(1.0, work(std::min(x.tile_m, x.m), std::min(x.tile_n, x.n), x.k));
    const double least = is_vector(x) ? kVectorWork : kChunkWork;
    const std::int64_t group = std::max<std::int64_t>(1, static_cast<std::int64_t>(least / each));
    if (tasks <= group) {
        for (std::int64_t task = 0; task < tasks; ++task) one(task);
        return;
    }
    parallel_blocks(
        tasks, group,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) one(task);
        },
        interruptible);
}

/// Makes a vector operand dense, so that own_dots can read it: only where the matrix lies in rows along k.
bool strided_vector(const Batch& x, bool& is_b) {
    if (!is_vector(x) || x.element > GemmElement::F64 || x.k <= 1) return false;
    is_b = x.n == 1;
    if (is_b) return !x.trans_b && x.ldb != 1 && !x.trans_a;
    return x.trans_a && x.lda != 1 && x.trans_b;
}

void run_strided_vector(Batch& x, bool is_b, Interruptible interruptible) {
    const std::int64_t size = element_size(x.element);
    std::vector<char> dense(static_cast<std::size_t>(x.k * size));
    const Batch whole = x;
    for (std::int64_t index = 0; index < whole.count; ++index) {
        const char* from =
            is_b ? whole.b + index * whole.stride_b * size : whole.a + index * whole.stride_a * size;
        const std::int64_t step = (is_b ? whole.ldb : whole.lda) * size;
        for (std::int64_t p = 0; p < x.k; ++p) {
            std::memcpy(dense.data() + p * size, from + p * step, static_cast<std::size_t>(size));
        }
        x = whole;
        x.count = 1;
        x.a = is_b ? whole.a + index * whole.stride_a * size : dense.data();
        x.b = is_b ? dense.data() : whole.b + index * whole.stride_b * size;
        x.c = whole.c + index * whole.stride_c * size;
        (is_b ? x.ldb : x.lda) = is_b ? 1 : x.k;
        (is_b ? x.trans_b : x.trans_a) = false;
        run_batch(x, interruptible);
    }
}

void run(Batch& x, Interruptible interruptible) {
    if (x.m <= 0 || x.n <= 0 || x.count <= 0) return;
    const bool small = work(x.m, x.n, x.k) <= kSmallWork;
    if (!small && !is_vector(x) && fits_blas(x)) x.blas = openblas();
    bool is_b = false;
    if (strided_vector(x, is_b)) return run_strided_vector(x, is_b, interruptible);
    run_batch(x, interruptible);
}

}  // namespace

void gemm(GemmType type, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c, std::int64_t ldc,
          Interruptible interruptible) {
    gemm_batched(type, trans_a, trans_b, m, n, k, a, lda, 0, b, ldb, 0, c, ldc, 0, 1, interruptible);
}

void gemm_batched(GemmType type, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, std::int64_t lda, std::int64_t stride_a, const void* b, std::int64_t ldb,
                  std::int64_t stride_b, void* c, std::int64_t ldc, std::int64_t stride_c, std::int64_t batch,
                  Interruptible interruptible) {
    Batch x{static_cast<GemmElement>(type),
            trans_a,
            trans_b,
            m,
            n,
            k,
            static_cast<const char*>(a),
            lda,
            stride_a,
            static_cast<const char*>(b),
            ldb,
            stride_b,
            static_cast<char*>(c),
            ldc,
            stride_c,
            batch,
            m,
            n,
            nullptr};
    run(x, interruptible);
}

void gemm_integer(int bytes, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, std::int64_t lda, std::int64_t stride_a, const void* b, std::int64_t ldb,
                  std::int64_t stride_b, void* c, std::int64_t ldc, std::int64_t stride_c, std::int64_t batch,
                  Interruptible interruptible) {
    check(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8, "gemm_integer: got integers of ", bytes,
          " bytes, there are those of 1, 2, 4 and 8");
    const GemmElement element = bytes == 1   ? GemmElement::I8
                                : bytes == 2 ? GemmElement::I16
                                : bytes == 4 ? GemmElement::I32
                                             : GemmElement::I64;
    Batch x{element,
            trans_a,
            trans_b,
            m,
            n,
            k,
            static_cast<const char*>(a),
            lda,
            stride_a,
            static_cast<const char*>(b),
            ldb,
            stride_b,
            static_cast<char*>(c),
            ldc,
            stride_c,
            batch,
            m,
            n,
            nullptr};
    run(x, interruptible);
}

}  // namespace tapeless
