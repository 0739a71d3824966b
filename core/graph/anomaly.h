// Anomaly detection's state in the graph: whom to tell of a new node, and which node is running under watch.
#pragma once

#include "graph/node.h"

namespace tapeless {

struct AnomalyCalls {
    void (*made)(Node& node, Node* running);  ///< keeps the line of calls that made the node
    void (*failed)(Node& node);               ///< warns with what `made` kept
};
/// Set by the bindings; called in anomaly mode only.
inline AnomalyCalls anomaly_calls = {[](Node&, Node*) {}, [](Node&) {}};

/// What anomaly mode knows besides its bit in the modes word.
struct AnomalyState {
    bool checks_values = true;
    Node* running = nullptr;  ///< the node whose backward runs, which is what makes nodes of higher order
};
inline thread_local constinit AnomalyState anomaly;

}  // namespace tapeless
