// Reverse-mode differentiation: one loop over the recorded graph, newest node first.
#pragma once

#include <vector>

#include "graph/autograd.h"

namespace tapeless {

struct BackwardOptions {
    bool keep_graph = false;
    bool create_graph = false;
    /// Gradients of these edges are returned; empty: gradients are accumulated into the leaves.
    std::vector<Edge> inputs;
};

/// Sends `gradients` (one for each root) through the graph behind `roots`.
/// Returns a gradient for each of options.inputs; a null one where none arrived.
std::vector<Tensor> run_backward(const std::vector<Edge>& roots, const std::vector<Tensor>& gradients,
                                 const BackwardOptions& options);

/// A gradient brought to the shape and dtype that `facts` asks for; fails in the name of `from` when it cannot be.
Tensor fit_gradient(Tensor g, const OutputFacts& facts, const Node& from, int index);
/// Adds g to the gradient of leaf x, in x's own layout.
void accumulate(const Tensor& x, const Tensor& g);

/// Calls into the interpreter, set by the bindings: each takes the dict of callables that was registered.
struct HookCalls {
    Tensor (*tensor)(const Foreign& hooks, const Tensor& g);
    void (*pre)(const Foreign& hooks, Gradients gradients, int count);
    void (*post)(const Foreign& hooks, Gradients out, int out_count, Gradients in, int in_count);
    void (*post_accumulate)(const Foreign& hooks, const Tensor& x);
    void (*retain)(const Tensor& x, const Tensor& g);
};
extern HookCalls hook_calls;

}  // namespace tapeless
