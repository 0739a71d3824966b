// Anomaly detection: a node runs under watch, so that a bad gradient and an error name the call that made the node.
#pragma once

#include "graph/node.h"

namespace tapeless {

/// Applies `node`, and fails if a gradient that it gives is NaN or infinite; failures are reported with its history.
void apply_watched(Node& node, Gradients in, Gradients out);

}  // namespace tapeless
