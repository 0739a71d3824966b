// Convolutions over up to three dimensions: the sums over windows, and the two that are their transposes.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// What a convolution relates, in elements: images x of [images, groups * in, from...], weights w of
/// [groups * out, in, kernel...], results y of [images, groups * out, to...]. Fewer dimensions have sizes of 1 in front.
struct Convolution {
    std::int64_t images = 0, groups = 1;
    std::int64_t in = 0, out = 0;  ///< channels of one group
    std::int64_t from[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, to[3] = {1, 1, 1};
    std::int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

    std::int64_t points() const { return from[0] * from[1] * from[2]; }
    std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    std::int64_t places() const { return to[0] * to[1] * to[2]; }
    /// Whether a window is one point and every point has one.
    bool is_pointwise() const;
};

// Three maps, each linear in two of x, w and y; all are dense, and what is written is overwritten. Half types and bool
// are no dtypes here. The result's bits do not depend on the number of threads.

/// y = the sum over each window of w times x, plus the bias of its channel if there is one.
void convolve(DType dtype, const Convolution& shape, const void* x, const void* w, const void* bias, void* y);
/// x = every y times w, added up where its window lies: the transposed convolution, plus the bias of its channel.
void convolve_back(DType dtype, const Convolution& shape, const void* y, const void* w, const void* bias,
                   void* x);
/// w = the sum of x times y over all windows of all images.
void convolve_weight(DType dtype, const Convolution& shape, const void* x, const void* y, void* w);

}  // namespace tapeless
