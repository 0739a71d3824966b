// Anomaly detection around one node of a backward pass.
#include "autograd/anomaly.h"

#include <utility>

#include "graph/anomaly.h"
#include "graph/modes.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// Names the node that runs, for a scope.
class Running {
public:
    explicit Running(Node& node) : before_(std::exchange(anomaly.running, &node)) {}
    ~Running() { anomaly.running = before_; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    Node* before_;
};

bool any(const Tensor& found) { return item(*sum(found, {}, false)).to<bool>(); }

void check_values(const Node& node, Gradients out) {
    const ModeGuard quiet(kNoGrad, true);
    for (int i = 0; i < node.edge_count; ++i) {
        const Tensor& g = out[i];
        if (!g || !is_differentiable(g->dtype) || !any(apply(row("logical_not"), apply(row("isfinite"), g))))
            continue;
        const char* kind = any(apply(row("isnan"), g)) ? "nan" : "inf";
        fail(ErrorKind::Runtime, "Function '", node.cls->name, "' returned ", kind, " values in its ", i,
             "th output.");
    }
}

}  // namespace

void apply_watched(Node& node, Gradients in, Gradients out) {
    const Running running(node);
    try {
        node.cls->apply(node, in, out);
        if (anomaly.checks_values) check_values(node, out);
    } catch (...) {
        anomaly_calls.failed(node);
        throw;
    }
}

}  // namespace tapeless
