// Products, variances, sums of powers and counts along the middle of [outer][length][columns].
#pragma once

#include "kernels/fold.h"

namespace tapeless {

/// Products, in int64 for integers and bool, else in double and rounded to `dtype` once.
void product_along(DType dtype, const char* in, const Extents& x, char* out);
/// Sums of what is not NaN, rounded to the real floating `dtype` once.
void nan_sum_along(DType dtype, const char* in, const Extents& x, char* out);
/// How many elements are not zero.
void count_nonzero_along(DType dtype, const char* in, const Extents& x, std::int64_t* out);
/// The sum of |x|^p for a p of 0, 1 or 2, or its square root; in double, rounded to real_of(dtype) once.
void power_sum_along(DType dtype, const char* in, const Extents& x, int p, bool root, char* out);

/// Variances by two passes: the mean, then the squares of what differs from it, divided by length - correction.
struct VarianceLoop {
    double correction;
    bool root;     ///< of the variance
    char* spread;  ///< of real_of(dtype)
    char* mean;    ///< of dtype; may be null
};
void variance_along(DType dtype, const char* in, const Extents& x, const VarianceLoop& wanted);

}  // namespace tapeless
