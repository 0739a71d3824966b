// What jvp, vmap and grad need beyond rules: tracking an input, handing results out, and operations without rules.
#pragma once

#include "graph/level.h"
#include "ops/operation.h"

namespace tapeless {

/// x as an input that the grad level at `depth` differentiates by: connected to x if outer levels track it.
Tensor tracked_input(const Tensor& x, int depth, bool connected);
/// Whether the graph behind the tensors reaches something that is tracked outside of the level at `depth`.
bool reaches_outside(const std::vector<Tensor>& tensors, int depth);
/// Gives the nodes of a level that closes to the level around it.
void lower_tracking(const std::vector<Tensor>& tensors, int depth);

/// Calls an operation that has no rule for levels: for a batch one example after another; for tangents by transposing
/// its derivative, which is linear in the gradient: one derivative per operation serves both directions.
AnyValue call_without_rule(const Operation& operation, AnyValue* values, std::size_t count);
/// Whether a value holds a wrapper.
bool any_lifted(const AnyValue* values, std::size_t count);

}  // namespace tapeless
