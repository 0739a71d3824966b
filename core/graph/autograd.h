// What a tensor has once gradients, hooks or views concern it: the gradient slot and the facts of a view.
#pragma once

#include "graph/node.h"

namespace tapeless {

/// How a view came to be, which decides whether writing through it can be recorded.
enum class Creation : std::uint8_t {
    Ordinary,
    MultiView,  ///< one of several outputs: split, chunk, unbind
    NoGrad,     ///< made in no_grad mode
    Function,   ///< returned by a custom Function
    Inference,
    Level,  ///< of a wrapper that grad follows: see Note [Levels]
};

/// What a tensor is a view of. Chains are flattened: the base is never itself a view.
struct ViewFacts {
    Tensor base;
    std::uint64_t seen;  ///< the base's write count for which the view's grad_fn holds
    Creation creation = Creation::Ordinary;
    DType dtype;            ///< of the base
    bool detached = false;  ///< a view for memory's sake only (detach): no graph to base
};

/// What a transform put around a tensor, owned by the tensor; see Note [Levels].
struct Level {
    enum class Kind : std::uint8_t { Batched, Dual };
    Kind kind;
    std::uint8_t depth;
    Tensor value;    ///< of Batched: all examples, along dimension 0; of Dual: the primal
    Tensor tangent;  ///< of Dual
    Level(Kind kind, std::uint8_t depth, Tensor value, Tensor tangent);
    ~Level();
    Level(const Level&) = delete;
};

struct Autograd {
    Tensor grad;
    Node* accumulator = nullptr;  ///< the leaf's AccumulateGrad while it lives; it clears this when it dies
    Node* parked = nullptr;   ///< the same between two graphs, when nobody refers to it; its memory is ours
    Foreign hooks;            ///< a leaf's tensor hooks
    Foreign post_accumulate;  ///< a leaf's post-accumulate-grad hooks
    bool retains_grad = false;
    bool grad_dtype_set = false;  ///< grad_dtype was assigned
    bool any_grad_dtype = false;  ///< ... to None
    DType grad_dtype = DType::Float32;
    std::uint64_t writes = 0;  ///< in-place operations recorded on this base
    std::unique_ptr<ViewFacts> view;
    std::unique_ptr<Level> level;
    std::uint8_t tracked_at = 0;  ///< of a leaf: the number of the level that made it one
    ~Autograd();
};

Autograd& autograd_of(const Tensor& x);
inline ViewFacts* view_of(const TensorBody& x) { return x.autograd ? x.autograd->view.get() : nullptr; }

/// Whether x's gradient is asked for: a leaf's flag or a grad_fn (regenerated for a view whose base was written).
bool requires_grad(const Tensor& x);
/// x's grad_fn; of a view whose base was written since, a new one.
Node* grad_fn(const Tensor& x);
bool is_leaf(const Tensor& x);
/// Where x's gradient goes; no node when it needs none.
Edge gradient_edge(const Tensor& x);
/// The AccumulateGrad of a leaf.
Ref<Node> accumulator(const Tensor& x);
TensorBody* accumulated_leaf(Node& node);
extern const NodeClass* accumulate_class;

/// Sets the flag of a leaf, with PyTorch's refusals.
void set_requires_grad(const Tensor& x, bool value);
std::uint32_t version(const TensorBody& x);

}  // namespace tapeless
