// Sorting, for other operations.
#pragma once

#include "ops/selecting.h"

namespace tapeless {

/// x sorted along dim, equal elements in their order, with where each stood. Not recorded.
Found sorted_along(const Tensor& x, int dim, bool descending);

/// Refuses dtypes that have no order, or none in PyTorch, in its words.
void check_ordered(const char* kernel, const Tensor& x, bool with_bool);
/// The same for the dimension that is reduced: it has elements.
void check_reducible(const char* name, const Tensor& x, int dim);

}  // namespace tapeless
