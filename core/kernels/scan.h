// Running results along the middle of [outer][length][columns]: sums, products, extremes and linear recurrences.
#pragma once

#include "kernels/extreme.h"
#include "kernels/fold.h"

namespace tapeless {

/// Running sums or products, from the end if `reverse`: in int64 for integers and bool, else in double and rounded to
/// `dtype` at each element. `out` has int64 for integers and bool, else `dtype`.
enum class Running { Sum, Product };
void running(Running which, DType dtype, const char* in, const Extents& x, bool reverse, char* out);

/// out[i] = b[i] + a[i] * out[i - 1], or from the end out[i] = b[i] + a[i + 1] * out[i + 1]: a[i] couples i and i - 1
/// both times. `dtype` is inexact.
void run_recurrence(DType dtype, const char* a, const char* b, const Extents& x, bool reverse, char* out);

/// The logarithm of the sum of exp of each element and those before it, in double and rounded to the inexact `dtype` at
/// each element. The imaginary part is that of the largest so far, turned by less than a quarter.
void running_logarithm(DType dtype, const char* in, const Extents& x, char* out);

/// The largest or smallest value so far and the last index where it stood; the last NaN after the first one.
void running_extreme(Extreme which, DType dtype, const char* in, const Extents& x, char* values,
                     std::int64_t* indices);

}  // namespace tapeless
