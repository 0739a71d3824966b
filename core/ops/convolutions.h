// Convolutions as maps that are linear in two tensors, whose derivatives are convolutions again.
#pragma once

#include "ops/structured.h"

namespace tapeless {

/// A convolution's sizes and steps: images x [n, groups * in, ...], weights w [groups * out, in, ...], results y
/// [n, groups * out, ...].
struct ConvolutionForm {
    Dims x, w, y;
    Dims stride, padding, dilation;
    std::int64_t groups = 1;
    MemoryFormat images = MemoryFormat::Contiguous;  ///< of x and y where they are results
    MemoryFormat weights = MemoryFormat::Contiguous;
};

/// Which of the three is the result of the other two, given in the order x, w, y.
enum class ConvolutionMap : std::uint8_t { ToResults, ToImages, ToWeights };

/// y from x and w, x from y and w (the transposed convolution), or w from x and y. Recorded, for all levels.
Tensor convolved(ConvolutionMap map, const Tensor& a, const Tensor& b, const ConvolutionForm& form);

/// The values of `convolved`, plus a bias of the channels if there is one. Not recorded.
Tensor convolution_values(ConvolutionMap map, const Tensor& a, const Tensor& b, const Tensor& bias,
                          const ConvolutionForm& form);

}  // namespace tapeless
