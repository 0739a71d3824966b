// Copies of views, whose nodes are the views' own under a name that ends in _copy.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace tapeless {

/// A row-major copy of a view that has just been made, with a node of the view's name and "_copy"; no view itself.
Tensor copied(const Tensor& view);
/// The same for several views of one node.
std::vector<Tensor> copied(const std::vector<Tensor>& views);

}  // namespace tapeless
