// Weighted sums of elements read at given places, channel by channel, and their gradients.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// For each of `images`, `taps` places [taps, points] with their weights, the same for all its `channels` of `size`
/// elements: dense, float32 or float64. A place outside of 0 .. size - 1 reads 0.
struct Reads {
    DType dtype;
    std::int64_t images, channels, size, taps, points;
    const std::int64_t* places;
    const void* weights;
};

/// The sums over taps, [images, channels, points], of `elements` [images, channels, size].
void weighted_reads(const Reads& reads, const void* elements, void* out);

/// The gradient for the elements, of `g` [images, channels, points].
void add_weighted(const Reads& reads, const void* g, void* out);

/// The gradient for the weights, [images, taps, points].
void read_products(const Reads& reads, const void* elements, const void* g, void* out);

}  // namespace tapeless
