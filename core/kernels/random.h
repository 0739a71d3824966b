// Random numbers on the CPU: PyTorch's transformations of its stream, so the same numbers for the same seed.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/generator.h"

namespace tapeless {

/// The next number in [0, 1), with 53 bits, and the next standard normal one.
double draw_unit(Generator& generator);
double draw_normal(Generator& generator);

// Every fill writes `n` contiguous elements. Parameters are checked before the first draw: an error leaves
// the stream where it was.

/// [from, to) of a floating dtype; complex fills both parts. `to`, where rounding reaches it, becomes `from`.
void fill_uniform(Generator& generator, DType dtype, void* out, int64_t n, double from = 0.0,
                  double to = 1.0);

/// Normal numbers; from 16 elements on in blocks of 16. Complex: both parts with std / sqrt(2).
void fill_normal(Generator& generator, DType dtype, void* out, int64_t n, double mean = 0.0,
                 double std = 1.0);

/// Normal numbers pair by pair whatever the size: PyTorch's order when its output is not contiguous.
void fill_normal_pairs(Generator& generator, DType dtype, void* out, int64_t n, double mean = 0.0,
                       double std = 1.0);

/// Integers in [from, to): randint and random_(from, to), for bool, integer and floating dtypes.
void fill_integers(Generator& generator, DType dtype, void* out, int64_t n, int64_t from, int64_t to);

/// Integers from `from` to the dtype's largest (2^digits for floating dtypes), both included:
/// random_(from, None). From the lowest int64: all 64 bits.
void fill_integers_from(Generator& generator, DType dtype, void* out, int64_t n, int64_t from);

/// Integers from 0 to the dtype's largest (2^digits for floating dtypes), both included: random_().
void fill_integers_all(Generator& generator, DType dtype, void* out, int64_t n);

/// A permutation of 0 .. n-1 in any integer or floating dtype that holds n - 1 exactly.
void fill_permutation(Generator& generator, DType dtype, void* out, int64_t n);

/// 1 with probability p, else 0.
void fill_bernoulli(Generator& generator, DType dtype, void* out, int64_t n, double p);

/// 1 with probability probabilities[i], else 0; `p_dtype` is a floating dtype.
void fill_bernoulli(Generator& generator, DType dtype, void* out, int64_t n, DType p_dtype,
                    const void* probabilities);

void fill_exponential(Generator& generator, DType dtype, void* out, int64_t n, double rate = 1.0);

/// The number of trials up to the first success, for integer and floating dtypes.
void fill_geometric(Generator& generator, DType dtype, void* out, int64_t n, double p);

/// exp of a normal with `mean` and `std`.
void fill_log_normal(Generator& generator, DType dtype, void* out, int64_t n, double mean = 1.0,
                     double std = 2.0);

void fill_cauchy(Generator& generator, DType dtype, void* out, int64_t n, double median = 0.0,
                 double sigma = 1.0);

}  // namespace tapeless
