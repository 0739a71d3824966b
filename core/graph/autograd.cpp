// The gradient side of a tensor: leaves and their accumulators, grad_fn of views, flags, and what the collector sees.
#include "graph/autograd.h"

#include "base/faults.h"
#include "graph/level.h"
#include "graph/record.h"

namespace tapeless {

void AutogradDeleter::operator()(Autograd* autograd) const noexcept { delete autograd; }

int visit_tensor(Object* object, const Visit& visit) {
    TensorBody& x = *static_cast<TensorBody*>(object);
    if (x.grad_fn) {
        if (int stop = visit.object(x.grad_fn.get(), visit.context)) return stop;
    }
    if (!x.autograd) return 0;
    if (x.autograd->grad) {
        if (int stop = visit.object(x.autograd->grad.get(), visit.context)) return stop;
    }
    if (x.autograd->view && x.autograd->view->base) {
        if (int stop = visit.object(x.autograd->view->base.get(), visit.context)) return stop;
    }
    if (const Level* level = x.autograd->level.get()) {
        for (const Tensor* held : {&level->value, &level->tangent}) {
            if (!*held) continue;
            if (int stop = visit.object(held->get(), visit.context)) return stop;
        }
    }
    for (const Foreign* hooks : {&x.autograd->hooks, &x.autograd->post_accumulate}) {
        if (!*hooks) continue;
        if (int stop = visit.foreign(hooks->get(), visit.context)) return stop;
    }
    return 0;
}

void clear_tensor(Object* object) noexcept {
    TensorBody& x = *static_cast<TensorBody*>(object);
    x.grad_fn.reset();
    if (!x.autograd) return;
    x.autograd->grad.reset();
    x.autograd->hooks = Foreign();
    x.autograd->post_accumulate = Foreign();
    // The accumulator keeps the leaf alive, so it is gone or going with it; the view's base goes with the rest.
    x.autograd->view.reset();
    x.autograd->level.reset();
}

Autograd& autograd_of(const Tensor& x) {
    if (!x->autograd) {
        x->autograd.reset(new Autograd());
        object_hooks.track(x.get());
    }
    return *x->autograd;
}

std::uint32_t version(const TensorBody& x) {
    if (x.autograd && x.autograd->level) return version(*x.autograd->level->value);
    return x.data_alias ? x.storage->data_version : x.storage->version;
}

namespace {

const char* const kMultiViewAdvice =
    "This view is the output of a function that returns multiple views. Such functions do not allow the "
    "output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one.";

}  // namespace

[[noreturn]] void fail_view_write(const TensorBody& x, Creation creation, bool indirect) {
    std::string name = x.grad_fn ? node_of(x)->cls->name : "";
    name = name.substr(0, name.find("Backward"));
    const std::string which = name.empty() ? "A view" : text("Output ", x.output, " of ", name, " is a view");
    std::string what =
        text(which, indirect ? " and its base or another view of its base has been modified inplace. "
                             : " and is being modified inplace. ");
    if (creation == Creation::MultiView) fail(ErrorKind::Runtime, what, kMultiViewAdvice);
    if (creation == Creation::NoGrad) {
        fail(ErrorKind::Runtime,
             name.empty() ? text("A view was created in no_grad mode and ",
                                 indirect ? "its base or another view of its base has been" : "is being",
                                 " modified inplace with grad mode enabled. ")
                          : what + "It was created in no_grad mode and is modified with grad mode enabled. ",
             "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
             "code by "
             "moving both the view and the inplace either both inside the no_grad block (if you don't want "
             "the inplace "
             "to be tracked) or both outside (if you want the inplace to be tracked).");
    }
    if (creation == Creation::Function) {
        fail(ErrorKind::Runtime, what,
             "This view was created inside a custom Function (or because an input was returned as-is) and "
             "the autograd "
             "logic to handle view+inplace would override the custom backward associated with the custom "
             "Function, "
             "leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the "
             "output of the "
             "custom Function.");
    }
    if (creation == Creation::Level) {
        fail(ErrorKind::Runtime, what,
             "It is a view of a tensor of vmap or jvp that grad follows, where writing through views is not "
             "supported; write to the tensor itself, or build the result with torch.where, cat or stack.");
    }
    fail(ErrorKind::Runtime, what,
         "This view was created in inference mode and is being modified inplace outside of it; clone it "
         "inside.");
}

Node* grad_fn(const Tensor& x) {
    ViewFacts* view = view_of(*x);
    if (!view || view->detached || view->seen == version(*x)) return node_of(*x);
    if (!x->grad_fn && !requires_grad(view->base)) return nullptr;
    if (view->creation != Creation::Ordinary) fail_view_write(*x, view->creation, true);
    if (x->grad_fn && planted(Fault::ViewStale)) return node_of(*x);
    const Ref<Node> made = view_operations.as_strided_node(view->base, *x);
    move_retained(x, node_of(*x), *made);
    x->grad_fn = Ref<Object>(made.get());
    x->output = 0;
    view->seen = version(*x);
    return node_of(*x);
}

bool requires_grad(const Tensor& x) {
    if (x->requires_grad || x->grad_fn) return true;
    const ViewFacts* view = view_of(*x);
    return view && !view->detached && requires_grad(view->base);
}

bool is_leaf(const Tensor& x) { return !grad_fn(x); }

namespace {

struct Leaf {
    Tensor tensor;
};

int visit_leaf(Node& node, const Visit& visit) {
    const Tensor& leaf = node.get<Leaf>().tensor;
    return leaf ? visit.object(leaf.get(), visit.context) : 0;
}

void clear_leaf(Node& node) noexcept {
    Tensor leaf = std::move(node.get<Leaf>().tensor);
    if (leaf && leaf->autograd && leaf->autograd->accumulator == &node) leaf->autograd->accumulator = nullptr;
}

/// Each graph needs its leaves' accumulators, and most leaves are parameters, which outlive the graph: the accumulator
/// that nobody refers to any more is kept for the next one, without its hold on the leaf.
bool park_leaf(Object* object) noexcept {
    Node& node = *static_cast<Node*>(object);
    Tensor& leaf = node.get<Leaf>().tensor;
    if (!leaf || leaf->refs == 1 || leaf->autograd->accumulator != &node) return false;
    const std::unique_ptr<NodeExtra> extra =
        std::move(node.extra);  // Goes last: hooks' ends may run anything.
    const Tensor held = std::move(leaf);
    held->autograd->accumulator = nullptr;
    held->autograd->parked = &node;
    node.released = false;
    return true;
}

Ref<Node> wake(Node& node) {
    node.refs = 1;
    object_hooks.track(&node);
    return Ref<Node>::adopt(&node);
}

}  // namespace

Autograd::~Autograd() {
    if (parked) wake(*parked);  // And lets go of it: without a leaf it dies.
}

const NodeClass* accumulate_class = nullptr;  // Set by the engine, which knows how to accumulate.

NodeClass accumulate_node_class(const char* name, void (*apply)(Node&, Gradients, Gradients)) {
    NodeClass cls = node_class(name, apply);
    cls.has_location = false;  // The graph's own, wherever the leaf was first used.
    cls.park = park_leaf;
    cls.visit_payload = visit_leaf;
    cls.clear_payload = clear_leaf;
    cls.destroy_payload = [](Node& node) noexcept { node.get<Leaf>().~Leaf(); };
    return cls;
}

TensorBody* accumulated_leaf(Node& node) { return node.get<Leaf>().tensor.get(); }

Ref<Node> accumulator(const Tensor& x) {
    Autograd& facts = autograd_of(x);
    if (facts.accumulator && facts.accumulator->refs > 0) return Ref<Node>(facts.accumulator);
    Ref<Node> node;
    if (facts.parked) {
        node = wake(*std::exchange(facts.parked, nullptr));
        node->get<Leaf>().tensor = x;
        stamp(*node);
    } else {
        node = make_node(*accumulate_class, 0, 0, 1, Leaf{x});
    }
    const DType dtype = facts.grad_dtype_set && !facts.any_grad_dtype ? facts.grad_dtype : x->dtype;
    node->outputs[0] = {x->sizes, dtype, x->device, facts.any_grad_dtype};
    node->level = facts.tracked_at;
    facts.accumulator = node.get();
    return node;
}

Edge gradient_edge(const Tensor& x) {
    if (Node* node = grad_fn(x)) return {Ref<Node>(node), x->output};
    if (x->requires_grad) return {accumulator(x), 0};
    return {};
}

void set_requires_grad(const Tensor& x, bool value) {
    // A view that may not be used refuses to tell its grad_fn, but not to require grad.
    const ViewFacts* view = view_of(*x);
    const bool leaf = value && view && view->creation != Creation::Ordinary ? !x->grad_fn : is_leaf(x);
    if (!leaf) {
        check(value,
              "you can only change requires_grad flags of leaf variables. If you want to use a computed "
              "variable in a "
              "subgraph that doesn't require differentiation use var_no_grad = var.detach().");
        return;
    }
    check(!value || is_differentiable(x->dtype),
          "only Tensors of floating point and complex dtype can require gradients");
    check(!value || !x->inference || modes.has(kInference),
          "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
    x->requires_grad = value;
    x->implied_grad = false;
    if (modes.has(kLevels)) autograd_of(x).tracked_at = static_cast<std::uint8_t>(2 * open_levels() + 1);
}

}  // namespace tapeless
