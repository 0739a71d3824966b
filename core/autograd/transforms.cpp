// Tracking for grad levels, and operations without rules at levels: examples in turn, tangents by transposition.
#include "autograd/transforms.h"

#include <functional>
#include <set>
#include <unordered_set>

#include "autograd/engine.h"
#include "base/warn.h"
#include "ops/embed.h"
#include "ops/joining.h"

namespace tapeless {

namespace {

std::uint8_t tracking_number(int depth) { return static_cast<std::uint8_t>(depth ? 2 * depth + 1 : 0); }

/// Visits every node behind the tensors, without recursion.
template <class F> void walk(const std::vector<Tensor>& tensors, F&& visit) {
    std::unordered_set<Node*> seen;
    std::vector<Node*> waiting;
    auto add = [&](Node* node) {
        if (node && seen.insert(node).second) waiting.push_back(node);
    };
    std::vector<Ref<Node>> roots;
    for (const Tensor& x : tensors) {
        if (!x || !requires_grad(x)) continue;
        roots.push_back(gradient_edge(x).node);
        add(roots.back().get());
    }
    while (!waiting.empty()) {
        Node& node = *waiting.back();
        waiting.pop_back();
        if (!visit(node)) continue;
        for (int i = 0; i < node.edge_count; ++i) add(node.edges[i].node.get());
    }
}

}  // namespace

namespace {

/// x as the wrapping level at `depth` sees it: the same for all examples, or with a tangent of 0.
Tensor held_at(const Tensor& x, int depth) {
    if (kind_at(depth) == LevelKind::Dual) {
        return dual(depth, x, full(x->sizes, Scalar(0), x->dtype, x->device));
    }
    Dims sizes = x->sizes;
    sizes.insert(0, examples_at(depth));
    return batched(depth, expand(x, sizes));
}

}  // namespace

Tensor tracked_input(const Tensor& given, int depth, bool connected) {
    Tensor x = given;
    connected = connected && requires_grad(x);
    // What is tracked outside of a level that wraps must stay so beneath the wrapper.
    const int wrapping = connected ? wrapping_level_above(depth) : 0;
    if (2 * wrapping > tracked_at(x)) {
        x = held_at(x, wrapping);
        connected = false;
    }
    if (connected) {
        const Tensor out = alias_view(x);
        out->autograd->view.reset();
        node_of(*out)->level = tracking_number(depth);
        return out;
    }
    const Tensor out = untracked(x);
    if (!is_differentiable(x->dtype)) return out;
    out->requires_grad = true;
    autograd_of(out).tracked_at = tracking_number(depth);
    return out;
}

bool reaches_outside(const std::vector<Tensor>& tensors, int depth) {
    bool found = false;
    walk(tensors, [&](Node& node) {
        found |= node.level < tracking_number(depth);
        return !found;
    });
    return found;
}

void lower_tracking(const std::vector<Tensor>& tensors, int depth) {
    const std::uint8_t own = tracking_number(depth), around = tracking_number(depth - 1);
    walk(tensors, [&](Node& node) {
        if (node.level < own) return false;  // What lies behind is older, and tracked further out.
        node.level = around;
        TensorBody* leaf = node.cls == accumulate_class ? accumulated_leaf(node) : nullptr;
        if (leaf && leaf->autograd) leaf->autograd->tracked_at = around;
        return true;
    });
}

bool any_lifted(const AnyValue* values, std::size_t count) {
    if (!modes.has(kLevels)) return false;
    for (std::size_t i = 0; i < count; ++i) {
        if (const Tensor* x = std::get_if<Tensor>(&values[i])) {
            if (lifted(*x)) return true;
        } else if (const auto* list = std::get_if<std::vector<Tensor>>(&values[i])) {
            for (const Tensor& x : *list) {
                if (lifted(x)) return true;
            }
        }
    }
    return false;
}

namespace {

/// The tensors among a call's values.
std::vector<Tensor*> tensors_in(std::vector<AnyValue>& values) {
    std::vector<Tensor*> found;
    for (AnyValue& value : values) {
        if (Tensor* x = std::get_if<Tensor>(&value)) {
            if (*x) found.push_back(x);
        } else if (auto* list = std::get_if<std::vector<Tensor>>(&value)) {
            for (Tensor& x : *list) found.push_back(&x);
        }
    }
    return found;
}

const Level* level_at(const Tensor& x, int depth) {
    const Level* level = level_of(*x);
    return level && level->depth == depth ? level : nullptr;
}

bool writes(const Operation& operation) {
    const std::string name = operation.name;
    return name.back() == '_';
}

AnyValue again(const Operation& operation, std::vector<AnyValue> values) {
    if (any_lifted(values.data(), values.size()) && !operation.knows_levels) {
        return call_without_rule(operation, values.data(), values.size());
    }
    return operation.call(values.data());
}

/// One example of a batch that grad follows: its gradient is that of the whole batch, 0 for all other examples.
struct Example {
    static constexpr const char* node = "ExampleBackward0";
    std::int64_t examples, index;
    int depth;
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        Dims sizes = in[0]->sizes;
        sizes.insert(0, examples);
        out[0] = batched(depth, Embed{sizes, 0, index, 0, 1, true}(in[0]));
    }
};

/// The results of all examples as a batch: each gets its part of the gradient.
struct Examples {
    static constexpr const char* node = "ExamplesBackward0";
    int depth;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor g = beneath(in[0], depth);
        const bool whole = level_at(in[0], depth);
        for (int i = 0; i < node.edge_count; ++i) out[i] = whole ? select(g, 0, i) : g;
    }
};

bool follows(const Tensor& x, int depth) { return grad_enabled() && tracked_at(x) > 2 * depth; }

/// Example `index` of x, or x itself if it is the same for all.
Tensor example_of(const Tensor& x, int depth, std::int64_t examples, std::int64_t index) {
    const Tensor held = beneath(x, depth);
    const Tensor one = level_at(x, depth) ? select(held, 0, index) : held;
    if (!follows(x, depth)) return one;
    check(!requires_grad(one),
          "vmap: an operation without a batching rule cannot be followed by two levels of grad, ",
          "one inside and one outside of the vmap; write it with operations that have a rule");
    const Tensor out = untracked(one);
    record(out, {&x}, Example{examples, index, depth});
    return out;
}

/// The results of one operation for all examples, as a batch.
Tensor examples_of(const std::vector<Tensor>& parts, int depth) {
    std::vector<Tensor> plain;
    bool followed = false;
    for (const Tensor& part : parts) followed |= follows(part, depth);
    for (const Tensor& part : parts) plain.push_back(followed ? untracked(part) : part);
    const Tensor out = batched(depth, stack(plain, 0));
    if (!followed) return out;
    check(parts.size() < 65536, "vmap: ", parts.size(), " examples of an operation without a batching rule; ",
          "grad follows at most 65535 of them, so split the batch");
    const Ref<Node> node =
        make_node(class_of<Examples>(), static_cast<int>(parts.size()), 0, 1, Examples{depth});
    for (std::size_t i = 0; i < parts.size(); ++i) node->edges[i] = gradient_edge(parts[i]);
    set_history(out, node);
    return out;
}

AnyValue example_by_example(const Operation& operation, const std::vector<AnyValue>& given, int depth) {
    static std::set<std::string> told;
    if (told.insert(operation.name).second) {
        warn_user(text("There is a performance drop because there is no batching rule for ", operation.name,
                       "(): it is called for one example of vmap after another"));
    }
    std::vector<AnyValue> values = given;
    const std::vector<Tensor*> tensors = tensors_in(values);
    std::vector<Tensor> wrapped;
    std::int64_t examples = 0;
    for (Tensor* x : tensors) {
        wrapped.push_back(*x);
        if (level_at(*x, depth)) examples = level_of(**x)->value->sizes[0];
    }
    check(examples > 0, "vmap: ", operation.name,
          "() has no batching rule and there is no example to call it for");
    std::vector<std::vector<Tensor>> results;
    bool single = false;
    for (std::int64_t i = 0; i < examples; ++i) {
        for (std::size_t k = 0; k < tensors.size(); ++k) {
            *tensors[k] = example_of(wrapped[k], depth, examples, i);
        }
        AnyValue result = again(operation, values);
        single = std::holds_alternative<Tensor>(result);
        check(single || std::holds_alternative<std::vector<Tensor>>(result), "vmap: ", operation.name,
              "() returns no tensor, and a value of each example cannot be handed out; compute it outside");
        std::vector<Tensor> parts =
            single ? std::vector<Tensor>{std::get<Tensor>(result)} : std::get<std::vector<Tensor>>(result);
        results.resize(parts.size());
        for (std::size_t p = 0; p < parts.size(); ++p) results[p].push_back(parts[p]);
    }
    std::vector<Tensor> outs;
    for (const std::vector<Tensor>& parts : results) outs.push_back(examples_of(parts, depth));
    if (single) return outs[0];
    return outs;
}

/// Sum over operands of the transposed gradient's map: v -> u(v) is linear, so its gradient along a tangent is the
/// tangent's image.
Tensor transposed(const Tensor& out, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
                  int depth) {
    const Tensor v = tracked_input(full(out->sizes, Scalar(0), out->dtype, out->device), depth, false);
    BackwardOptions first{true, true, {}};
    for (const Tensor& x : inputs) first.inputs.push_back(gradient_edge(x));
    const std::vector<Tensor> images = run_backward({gradient_edge(out)}, {v}, first);
    std::vector<Edge> roots;
    std::vector<Tensor> seeds;
    for (std::size_t i = 0; i < images.size(); ++i) {
        if (!images[i] || !requires_grad(images[i])) continue;
        roots.push_back(gradient_edge(images[i]));
        seeds.push_back(tangents[i]);
    }
    if (roots.empty()) return {};
    const Tensor tangent = run_backward(roots, seeds, {false, true, {gradient_edge(v)}})[0];
    return tangent ? untracked(tangent) : tangent;
}

AnyValue with_tangents(const Operation& operation, const std::vector<AnyValue>& given, int depth) {
    std::vector<AnyValue> values = given, tracked = given;
    std::vector<Tensor> inputs, tangents;
    const std::vector<Tensor*> plain = tensors_in(values), followed = tensors_in(tracked);
    for (std::size_t k = 0; k < plain.size(); ++k) {
        const Level* level = level_at(*plain[k], depth);
        const Tensor held = beneath(*plain[k], depth);
        if (level && is_differentiable(held->dtype)) {
            inputs.push_back(tracked_input(held, depth, true));
            tangents.push_back(level->tangent);
        }
        *followed[k] = level && is_differentiable(held->dtype) ? inputs.back() : held;
        *plain[k] = held;
    }
    const ModeGuard recording(kNoGrad, false);
    AnyValue result = again(operation, values), source = again(operation, tracked);
    auto lift = [&](Tensor& out, const Tensor& from) {
        if (!out || !from || !is_differentiable(from->dtype) || !requires_grad(from)) return;
        if (const Tensor tangent = transposed(from, inputs, tangents, depth)) out = dual(depth, out, tangent);
    };
    if (Tensor* out = std::get_if<Tensor>(&result)) {
        lift(*out, std::get<Tensor>(source));
    } else if (auto* outs = std::get_if<std::vector<Tensor>>(&result)) {
        for (std::size_t i = 0; i < outs->size(); ++i)
            lift((*outs)[i], std::get<std::vector<Tensor>>(source)[i]);
    }
    return result;
}

}  // namespace

AnyValue call_without_rule(const Operation& operation, AnyValue* values, std::size_t count) {
    std::vector<AnyValue> given(values, values + count);
    int number = 0, tracked = 0;
    for (Tensor* x : tensors_in(given)) number = std::max(number, deepest({x}));
    for (Tensor* x : tensors_in(given)) tracked = std::max(tracked, tracked_at(*x));
    const int depth = number / 2;
    bool dual_level = false;
    for (Tensor* x : tensors_in(given)) dual_level |= level_at(*x, depth) && level_at(*x, depth)->tangent;
    check(!writes(operation), operation.name, "() has no rule for writing inside ",
          dual_level ? "jvp" : "vmap", "; use operations that return their result");
    check(tracked < number || !grad_enabled() || !dual_level, operation.name,
          "() has no rule for grad inside jvp; write it with operations that have one");
    return dual_level ? with_tangents(operation, given, depth) : example_by_example(operation, given, depth);
}

}  // namespace tapeless
