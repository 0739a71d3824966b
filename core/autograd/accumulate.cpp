// AccumulateGrad: the node at which a gradient becomes a leaf's .grad.
#include "autograd/engine.h"
#include "base/faults.h"
#include "graph/record.h"
#include "ops/structured.h"

namespace tapeless {

NodeClass accumulate_node_class(const char* name, void (*apply)(Node&, Gradients, Gradients));

namespace {

/// g in x's own layout if x is dense, else row-major; memory that only the result owns.
Tensor own_layout(const Tensor& x, const Tensor& g) {
    const bool dense = is_dense(x->sizes, x->strides);
    const Dims strides = dense ? x->strides : contiguous_strides(x->sizes);
    if (g->strides == strides && covers_storage(*g)) {
        const bool alone = g->refs == 1 && g->storage->refs == 1;
        return (alone || planted(Fault::GradientShared)) && !g->grad_fn ? g : lazy_copy(g);
    }
    Tensor out = empty(x->sizes, g->dtype, g->device, &strides);
    write(out, g);
    return out;
}

void apply_accumulate(Node& node, Gradients in, Gradients) {
    TensorBody* leaf = accumulated_leaf(node);
    if (!leaf || !in[0]) return;
    const Tensor x(leaf);
    const Tensor g = std::move(in[0]);
    if (x->requires_grad) accumulate(x, g);  // The flag may have been dropped since.
    if (x->autograd->post_accumulate) hook_calls.post_accumulate(x->autograd->post_accumulate, x);
}

const NodeClass the_class = accumulate_node_class("torch::autograd::AccumulateGrad", apply_accumulate);
const bool registered = [] {
    accumulate_class = &the_class;
    return true;
}();

}  // namespace

void accumulate(const Tensor& x, const Tensor& g) {
    Autograd& slot = autograd_of(x);
    if (grad_enabled() || lifted(g) || lifted(slot.grad)) {
        slot.grad = slot.grad ? apply(row("add"), slot.grad, g) : clone(g);
        return;
    }
    if (!slot.grad) {
        slot.grad = own_layout(x, g);
        return;
    }
    const Argument arguments[] = {slot.grad, g};
    apply_inplace(row("add"), arguments);
}

}  // namespace tapeless
