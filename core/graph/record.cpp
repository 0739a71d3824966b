// Ties results to nodes, and keeps the graph true when tensors are overwritten. See Note [Views and in-place].
#include "graph/record.h"

#include <algorithm>

#include "base/faults.h"

namespace tapeless {

ViewOperations view_operations = {};
[[noreturn]] void fail_view_write(const TensorBody& x, Creation creation, bool indirect);

void set_history(const Tensor& out, const Ref<Node>& node, int index) {
    object_hooks.track(out.get());
    stamp(*node);
    out->grad_fn = Ref<Object>(node.get());
    out->output = static_cast<std::uint32_t>(index);
    node->outputs[index] = {out->sizes, out->dtype, out->device};
}

void move_retained(const Tensor& x, Node* from, Node& to) {
    if (!x->autograd || !x->autograd->retains_grad || !from || !from->extra) return;
    std::vector<Ref<Object>>& held = from->extra->retained;
    if (x->output < held.size()) held[x->output].reset();
    to.more().retained.resize(std::max<std::size_t>(to.more().retained.size(), 1));
    to.extra->retained[0] = Ref<Object>(x.get());
}

void rebase_history(const Tensor& x, const Ref<Node>& node) {
    object_hooks.track(x.get());
    stamp(*node);
    node->outputs[0] = {x->sizes, x->dtype, x->device};
    ViewFacts* view = view_of(*x);
    if (!view || view->detached) {
        move_retained(x, node_of(*x), *node);
        x->grad_fn = Ref<Object>(node.get());
        x->output = 0;
        return;
    }
    if (view->creation != Creation::Ordinary && !planted(Fault::CreationIgnored)) {
        fail_view_write(*x, view->creation, false);
    }
    const Tensor base = view->base;
    const Ref<Node> slices = view_operations.copy_slices_node(base, *x, node);
    object_hooks.track(base.get());
    stamp(*slices);
    if (!planted(Fault::BaseKept)) {
        move_retained(base, node_of(*base), *slices);
        base->grad_fn = Ref<Object>(slices.get());
        base->output = 0;
    }
    slices->outputs[0] = {base->sizes, base->dtype, base->device};
    view->seen =
        version(*x) - 1;  // Stale on purpose: the next look at x's grad_fn makes AsStrided of the new base.
    grad_fn(x);
}

void give_way(const Tensor& x) {
    ViewFacts* view = view_of(*x);
    if (view && !view->detached && view->base->implied_grad && !view->base->grad_fn) {
        view->base->requires_grad = view->base->implied_grad = false;
        x->grad_fn.reset();
    }
    if (x->implied_grad && !x->grad_fn) x->requires_grad = x->implied_grad = false;
}

void check_inplace(const Tensor& x, bool records, bool uniform) {
    check(!x->inference || x->data_alias || modes.has(kInference),
          "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to "
          "get a normal "
          "tensor before doing inplace update.");
    check(uniform || !has_internal_overlap(*x) || planted(Fault::SelfOverlapWritten),
          "unsupported operation: more than one element of the written-to tensor refers to a single memory "
          "location. "
          "Please clone() the tensor before performing the operation.");
    if (!grad_enabled()) return;
    give_way(x);
    ViewFacts* view = view_of(*x);
    if (!records && !requires_grad(x)) return;
    if (view && !view->detached && view->creation != Creation::Ordinary && !planted(Fault::CreationIgnored)) {
        fail_view_write(*x, view->creation, false);
    }
    check(!(view && !view->detached && requires_grad(x) && is_leaf(view->base)),
          "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    check(!(x->requires_grad && is_leaf(x)),
          "a leaf Variable that requires grad is being used in an in-place operation.");
}

void note_write(const Tensor& x) {
    if (level_of(*x)) return;  // The write into what it holds has been counted.
    Storage& storage = *x->storage;
    if (planted_faults && planted(Fault::WriteUncounted)) return;
    const bool apart = x->data_alias && !planted(Fault::DataCounted);
    const std::uint32_t count = apart ? ++storage.data_version : ++storage.version;
    if (!storage.saved || x->data_alias) return;
    if (!storage.log) storage.log = std::make_unique<WriteLog>();
    const auto [first, last] = byte_range(*x);
    storage.log->add({count, first, last, current_location()});
}

void set_view(const Tensor& out, const Tensor& x, Creation creation) {
    const ViewFacts* through = view_of(*x);
    auto view = std::make_unique<ViewFacts>();
    const bool chained = through && !through->detached;
    view->base = chained ? through->base : x;
    view->creation = chained && creation == Creation::Ordinary ? through->creation : creation;
    view->dtype = view->base->dtype;
    view->seen = version(*x);
    autograd_of(out).view = std::move(view);
    out->inference = x->inference;
    out->data_alias = x->data_alias;
}

void set_view(const Tensor& out, const Tensor& x) {
    set_view(out, x,
             modes.has(kInference) ? Creation::Inference
             : grad_enabled()      ? Creation::Ordinary
                                   : Creation::NoGrad);
}

}  // namespace tapeless
