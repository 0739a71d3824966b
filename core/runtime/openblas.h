// OpenBLAS, found and loaded at the first large product, and put on our thread pool.
#pragma once

#include <string>

#include "runtime/threads.h"

namespace tapeless {

/// Where libscipy_openblas*.so lies; said by the bindings before the first product. Null forgets it.
void set_openblas_path(const char* path);

/// cblas_?gemm with 32-bit integers; alpha and beta by value for real types, by address for complex ones.
template <class T>
using RealGemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, T alpha, const T* a,
                          int lda, const T* b, int ldb, T beta, T* c, int ldc);
using ComplexGemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, const void* alpha,
                             const void* a, int lda, const void* b, int ldb, const void* beta, void* c,
                             int ldc);

/// The functions we call.
struct OpenBlas {
    RealGemm<float> sgemm = nullptr;
    RealGemm<double> dgemm = nullptr;
    ComplexGemm cgemm = nullptr;
    ComplexGemm zgemm = nullptr;
};

/// The library, loaded by the first call; null when there is none (openblas_problem() says why).
const OpenBlas* openblas();

/// Any function of the library by its plain name ("cblas_sgemm", "LAPACKE_dgetrf"); null when it is missing.
void* openblas_symbol(const char* name);

/// Runs `call`, which uses OpenBLAS, with up to `wanted` of our threads reserved for it. OpenBLAS's jobs wait
/// for one another, so a busy core stalls them all: products are cut into tiles instead (kernels/gemm), this
/// is for LAPACK.
void with_openblas_threads(int wanted, FunctionRef<void()> call);

/// Whether openblas() was called and found the library.
bool openblas_loaded();

/// Why openblas() is null: the names that were tried, and the loader's words.
const std::string& openblas_problem();

}  // namespace tapeless
