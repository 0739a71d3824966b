// Normalisation of groups of elements: their mean and deviation, the values brought to 0 and 1, and the way back.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// Groups of elements that share a mean. Group r is `pieces` runs of `length` elements, `piece_step` apart, from
/// r * step on. Element j of its piece p has the weight number r % period * weight_step + p * per_piece + j * per_element.
struct Groups {
    std::int64_t count, step, pieces, piece_step, length;
    std::int64_t period, weight_step, per_piece, per_element;
    std::int64_t size() const { return pieces * length; }
};

/// Arrays of numbers in compute_type(dtype); weight and bias may be null, then they are 1 and 0.
struct Normalization {
    DType dtype;
    const char* x;
    char *mean, *rstd;  ///< one for each group
    char* variance;     ///< the same; written if it is not null
    const char *weight, *bias;
};

/// Means and 1 / sqrt(variance + eps) from x, in two passes over each group, so that nothing cancels.
void find_statistics(const Normalization& of, const Groups& groups, double eps);
/// out = (x - mean) * rstd * weight + bias; finds the statistics before, group by group, unless `given`.
void normalize(const Normalization& of, const Groups& groups, double eps, bool given, char* out);

/// What a gradient g of the result makes of x, weight and bias. Null where it is not wanted. `constant`: the statistics
/// do not depend on x.
struct NormalizationGradients {
    const char* g;
    char* x;
    char *weight, *bias;  ///< in compute_type(dtype)
    bool constant;
};
void normalize_backward(const Normalization& of, const Groups& groups, std::int64_t weights,
                        const NormalizationGradients& gradients);

}  // namespace tapeless
