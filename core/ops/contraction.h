// Contractions: products summed over shared dimensions, for einsum and tensordot.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace tapeless {

/// A set of up to 64 dimensions.
using DimSet = std::uint64_t;

/// The product of a and b, which have the same rank and broadcast, summed over the dimensions of `summed`, each of more
/// than one element in both; these keep size 1. One matrix product, or none where nothing is summed.
Tensor contracted(const Tensor& a, const Tensor& b, DimSet summed);

/// Which two operands to contract next, over and over; the result goes to the end of the list.
using Order = std::vector<std::pair<int, int>>;
/// The cheapest order for a few operands, a greedy one for many. `operands` are the dimensions that each has, `kept`
/// those of the result, `sizes` those of all dimensions.
Order contraction_order(std::vector<DimSet> operands, DimSet kept, const Dims& sizes);

}  // namespace tapeless
