// Maps along the last dimensions as operations: what pads, averages and resamplings are made of.
#pragma once

#include <memory>

#include "kernels/taps.h"
#include "ops/structured.h"

namespace tapeless {

/// x with its last dimensions mapped; an output that has no input is `fill`. Recorded; backward is the transposed map.
Tensor map_dims(const Tensor& x, std::shared_ptr<const std::vector<Taps>> dims,
                const Scalar& fill = Scalar(0));

}  // namespace tapeless
