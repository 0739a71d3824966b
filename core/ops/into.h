// Writing results into tensors that exist: computation in place, copies, lazy copies.
#pragma once

#include "ops/launch.h"

namespace tapeless {

/// Computes into x, whose shape the result has; waits if x is the whole of an unexposed storage. No graph, no version.
void compute_into(const Computation& computation, const Argument* arguments, int count, const Tensor& x);
/// Refuses an operand that overlaps x, which is to be written, without being x itself.
void check_no_overlap(const Tensor& x, const Tensor& operand);
/// x's elements become those of `source`, broadcast and converted. No graph, no version.
void write(const Tensor& x, const Tensor& source);
/// A tensor with the same contents and geometry whose bytes are copied when one of the two is written.
Tensor lazy_copy(const Tensor& x);
/// A dense copy with row-major strides, or x's own order of dimensions when it is dense.
Tensor dense_copy(const Tensor& x, bool row_major);
/// Whether an integer or bool tensor holds a 0.
bool contains_zero(const Tensor& x);

}  // namespace tapeless
