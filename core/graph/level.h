// Levels of function transforms: what jvp and vmap put around a tensor, and in which order levels act.
//
// Note [Levels]
// A transform opens a level; levels nest like calls. vmap and jvp wrap tensors: a Batched tensor shows one example and
// holds all of them (the hidden dimension is the first of `value`), a Dual tensor shows its primal and holds a tangent
// beside it. grad and vjp wrap nothing: they record on the very objects that user code sees, whatever these hold.
//
// An operation works from the outside in. Of its operands, the deepest wrapper says which level acts: its rule runs the
// same operation on what that level's operands hold, which may be wrappers of outer levels again, and wraps the result.
// Around that, a node is recorded on the operation's own operands if one of them is tracked *above* the wrapper. Tracking
// and wrapping at depth d are numbered 2d + 1 and 2d, so that grad(vmap(f)) records inside the batch and vmap(grad(f))
// around it, and every composition is the same few lines. Below all wrappers everything is as without levels: one
// graph, which nested grads share.
//
// Nobody can read the bytes of a wrapper: its storage is pending on an expression that refuses to be computed, so an
// operation without a rule fails instead of answering wrongly. The mode bit stays on while any wrapper lives, so that
// one that outlives its level is found as well.
#pragma once

#include <initializer_list>

#include "graph/autograd.h"
#include "graph/modes.h"

namespace tapeless {

inline Level* level_of(const TensorBody& x) { return x.autograd ? x.autograd->level.get() : nullptr; }
/// Whether rules of levels have to be asked about x.
inline bool lifted(const Tensor& x) { return modes.has(kLevels) && x && level_of(*x); }

/// The number of the deepest wrapper among the tensors; 0: none.
int deepest(std::initializer_list<const Tensor*> tensors);
/// The number of the level that tracks x itself; 0: outside of all levels, or not at all.
int tracked_at(const Tensor& x);
/// Whether an operation whose deepest wrapper has the number `wrapped` is to be recorded for operand x.
bool is_tracked_above(const Tensor& x, int wrapped);

/// A tensor of the level at `depth` that shows one example of `value`, whose dimension 0 counts the examples.
Tensor batched(int depth, const Tensor& value);
/// A tensor of the level at `depth` with that primal and tangent.
Tensor dual(int depth, const Tensor& primal, const Tensor& tangent);
/// A wrapper of x's level around f of what x holds.
template <class F> Tensor rewrapped(const Tensor& x, F&& f) {
    const Level& level = *level_of(*x);
    if (level.kind == Level::Kind::Batched) return batched(level.depth, f(level.value));
    return dual(level.depth, f(level.value), f(level.tangent));
}
/// x as the level at `depth` holds it if it wraps x, else x without the tracking above that level.
Tensor beneath(const Tensor& x, int depth);
/// The same value, untracked.
Tensor untracked(const Tensor& x);
/// x without tangents, whose elements can be read; fails with `refusal` when x stands for a batch of them.
const TensorBody& readable_primal(const TensorBody& x, const char* refusal);
/// Computes the bytes that x, or what it holds, is pending on.
void settle_all(const Tensor& x);
/// The storages behind x that are pending.
void collect_pending(const Tensor& x, std::vector<Storage*>& pending);

/// The levels that are open in this thread, outermost first; a depth counts from 1.
enum class LevelKind : std::uint8_t {
    Grad,
    Dual,
    Batched,
    BatchedSame
};  ///< Same: one draw for all examples
int open_level(LevelKind kind, std::int64_t examples = 0);
void close_level();
int open_levels();
/// The deepest open level above `depth` that wraps tensors; 0: none.
int wrapping_level_above(int depth);
LevelKind kind_at(int depth);
std::int64_t examples_at(int depth);
/// Whether random numbers are refused because an open vmap has not said what they would mean.
bool refuses_random();

}  // namespace tapeless
