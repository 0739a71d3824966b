// Convolutions as sums of shifted images: nothing is laid out twice, a tap is an address.
//
// An image is copied once, with its padding and, for a stride s, into s images of every s-th element. In that copy the
// windows of all results lie at one distance from the results for each tap, across the ends of rows: what is computed
// there between two rows is thrown away. So every channel and tap is one long row, read where it lies.
#pragma once

#include <cstddef>

#include "kernels/convolution.h"

namespace tapeless {

/// Whether a convolution is faster so, and its copy of an image small enough.
bool goes_shifted(const Convolution& shape, std::size_t element);
void forward_shifted(const Convolution& shape, const float* x, const float* w, const float* bias, float* y);
void forward_shifted(const Convolution& shape, const double* x, const double* w, const double* bias,
                     double* y);

/// The same for the transposed one, which without strides is a convolution with the weights turned around.
bool goes_shifted_back(const Convolution& shape, std::size_t element);
void back_shifted(const Convolution& shape, const float* y, const float* w, const float* bias, float* x);
void back_shifted(const Convolution& shape, const double* y, const double* w, const double* bias, double* x);

/// The weights' gradient of few weights in each group: products of shifted images and gradients, summed over places.
bool goes_shifted_weights(const Convolution& shape, std::size_t element);
void weights_shifted(const Convolution& shape, const float* x, const float* y, float* w);
void weights_shifted(const Convolution& shape, const double* x, const double* y, double* w);

}  // namespace tapeless
