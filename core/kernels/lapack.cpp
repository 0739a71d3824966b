// Finds LAPACK's functions in OpenBLAS.
#include "kernels/lapack.h"

#include <string>

#include "base/error.h"
#include "runtime/openblas.h"

namespace tapeless {

void* lapack_symbol(char letter, const char* name) {
    const std::string whole = letter + std::string(name) + "_";
    void* function = openblas_symbol(whole.c_str());
    check(function != nullptr, "linalg: LAPACK's ", whole,
          " is needed, and no OpenBLAS with it was found:", openblas_problem());
    return function;
}

}  // namespace tapeless
