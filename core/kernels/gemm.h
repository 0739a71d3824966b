// Matrix products, row-major: OpenBLAS in fixed tiles for large ones, our own loops for small ones and for
// integers.
#pragma once

#include <cstdint>

#include "runtime/threads.h"

namespace tapeless {

enum class GemmType { F32, F64, C64, C128 };

/// c = op(a) op(b), with op(a) m x k and op(b) k x n; c is overwritten (k == 0 writes zeros) and overlaps
/// neither. lda, ldb, ldc are the distances between stored rows, in elements. op transposes and never
/// conjugates. Bits do not depend on the number of threads.
void gemm(GemmType type, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c, std::int64_t ldc,
          Interruptible interruptible = Interruptible::No);

/// `batch` products whose matrices lie stride_a, stride_b, stride_c elements apart (0 repeats one a or b).
void gemm_batched(GemmType type, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, std::int64_t lda, std::int64_t stride_a, const void* b, std::int64_t ldb,
                  std::int64_t stride_b, void* c, std::int64_t ldc, std::int64_t stride_c, std::int64_t batch,
                  Interruptible interruptible = Interruptible::No);

/// gemm_batched for integers of 1, 2, 4 or 8 bytes; it wraps around, so signed and unsigned are the same
/// thing.
void gemm_integer(int bytes, bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, std::int64_t lda, std::int64_t stride_a, const void* b, std::int64_t ldb,
                  std::int64_t stride_b, void* c, std::int64_t ldc, std::int64_t stride_c, std::int64_t batch,
                  Interruptible interruptible = Interruptible::No);

}  // namespace tapeless
