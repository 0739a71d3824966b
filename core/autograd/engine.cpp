// The backward loop and what surrounds it: gradient slots, hooks, captures.
//
// Note [Re-entrant backward]
// A node's waiting gradients hang on the node itself, in a slot that names the pass it belongs to. A pass that starts
// inside another one (from a hook or a custom Function) over the same nodes puts its slots in front and takes them
// away again, so passes nest without seeing each other and no map from nodes to gradients is needed.
#include "autograd/engine.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <unordered_map>

#include "autograd/anomaly.h"
#include "graph/record.h"
#include "kernels/program.h"
#include "ops/structured.h"
#include "runtime/allocator.h"
#include "runtime/interrupt.h"

namespace tapeless {

HookCalls hook_calls = {};

struct GradientSlot {
    const void* pass;
    GradientSlot* outer;
    std::size_t count;
    Gradients gradients() { return reinterpret_cast<Gradients>(this + 1); }
};

namespace {

std::size_t slot_bytes(std::size_t count) { return sizeof(GradientSlot) + count * sizeof(Tensor); }

/// The gradients that waited for a node, off the node; owns the slot.
class Taken {
public:
    explicit Taken(GradientSlot* slot) : slot_(slot) {}
    Taken(const Taken&) = delete;
    ~Taken() {
        if (!slot_) return;
        for (Tensor& g : *this) g.~Tensor();
        release(slot_, slot_bytes(slot_->count));
    }
    std::size_t size() const { return slot_ ? slot_->count : 0; }
    Gradients begin() { return slot_ ? slot_->gradients() : nullptr; }
    Gradients end() { return begin() + size(); }
    Tensor& operator[](std::size_t i) { return begin()[i]; }
    void clear() {
        for (Tensor& g : *this) g.reset();
    }

private:
    GradientSlot* slot_;
};

/// One run of the engine.
class Pass {
public:
    explicit Pass(const BackwardOptions& options) : options_(options), results_(options.inputs.size()) {
        for (std::size_t i = 0; i < options.inputs.size(); ++i) {
            captures_[options.inputs[i].node.get()].push_back({options.inputs[i].input, i});
        }
    }
    ~Pass() {
        for (const Ref<Node>& node : queue_)
            Taken(take(*node));  // After an exception; otherwise there are none.
    }

    void seed(const Edge& root, const Tensor& g) { add(root, g); }

    void limit_to_inputs(const std::vector<Edge>& roots);

    /// The loop. Every consumer of a node's output is newer than the node, so the newest waiting node has all it needs.
    std::vector<Tensor> run() {
        std::size_t steps = 0;
        while (!queue_.empty()) {
            std::pop_heap(queue_.begin(), queue_.end(), older);
            const Ref<Node> node = std::move(queue_.back());
            queue_.pop_back();
            Taken gradients(take(*node));
            before(*node, gradients);
            if (!needed(*node)) continue;
            if (node->extra && node->extra->pre_hooks) {
                hook_calls.pre(node->extra->pre_hooks, gradients.begin(), static_cast<int>(gradients.size()));
            }
            step(*node, gradients);
            if (++steps % 64 == 0 && interrupted()) fail(ErrorKind::Python, "interrupted");
        }
        return std::move(results_);
    }

    /// Everything that this pass computed and somebody can look at, in as few sweeps over memory as its sizes allow.
    void evaluate_results(const std::vector<Tensor>& results) const {
        std::vector<Storage*> pending;
        for (const Tensor& result : results) collect_pending(result, pending);
        for (const Tensor& leaf : leaves_) collect_pending(leaf->autograd->grad, pending);
        if (!pending.empty()) evaluate_all(pending, true);
    }

private:
    static bool older(const Ref<Node>& x, const Ref<Node>& y) { return x->sequence < y->sequence; }

    /// Applies the node and sends on what it returns.
    void step(Node& node, Taken& in) {
        constexpr int kFew = 4;
        Tensor few[kFew];
        std::vector<Tensor> many;
        Gradients out = few;
        if (node.edge_count > kFew) {
            many.resize(node.edge_count);
            out = many.data();
        }
        if (node.cls == accumulate_class && accumulated_leaf(node))
            leaves_.push_back(Tensor(accumulated_leaf(node)));
        if (modes.has(kAnomaly)) [[unlikely]] {
            apply_watched(node, in.begin(), out);
        } else {
            node.cls->apply(node, in.begin(), out);
        }
        if (node.extra && node.extra->post_hooks) {
            hook_calls.post(node.extra->post_hooks, out, node.edge_count, in.begin(), node.output_count);
        }
        in.clear();
        if (!options_.keep_graph) release_saved(node);
        for (int i = 0; i < node.edge_count; ++i) {
            if (!out[i] || !node.edges[i].node) continue;
            const Edge& edge = node.edges[i];
            add(edge, fit_gradient(std::move(out[i]), edge.node->outputs[edge.input], node, i));
        }
    }

    /// What happens to gradients on their way into a node: tensor hooks, retain_grad, captures.
    void before(Node& node, Taken& gradients) {
        if (node.extra) {
            NodeExtra& extra = *node.extra;
            for (std::size_t i = 0; i < gradients.size(); ++i) {
                if (i < extra.tensor_hooks.size() && extra.tensor_hooks[i] && gradients[i]) {
                    gradients[i] = hook_calls.tensor(extra.tensor_hooks[i], gradients[i]);
                }
                if (i < extra.retained.size() && extra.retained[i] && gradients[i]) {
                    hook_calls.retain(Tensor(static_cast<TensorBody*>(extra.retained[i].get())),
                                      gradients[i]);
                }
            }
        }
        if (node.cls == accumulate_class) {
            TensorBody* leaf = accumulated_leaf(node);
            if (leaf && leaf->autograd && leaf->autograd->hooks) {
                gradients[0] = hook_calls.tensor(leaf->autograd->hooks, gradients[0]);
            }
        }
        if (captures_.empty()) return;
        const auto found = captures_.find(&node);
        if (found == captures_.end()) return;
        for (const auto& [output, index] : found->second) results_[index] = gradients[output];
    }

    bool needed(Node& node) const {
        if (captures_.empty()) return true;
        const auto found = reaches_.find(&node);
        return found != reaches_.end() && found->second;
    }

    void add(const Edge& edge, Tensor g) {
        Node& node = *edge.node;
        if (!captures_.empty() && !reaches_.count(&node)) return;
        GradientSlot* slot = node.slot;
        while (slot && slot->pass != this) slot = slot->outer;
        if (!slot) {
            const std::size_t count = node.output_count;
            slot = node.slot = new (allocate(slot_bytes(count))) GradientSlot{this, node.slot, count};
            std::uninitialized_default_construct_n(slot->gradients(), count);
            queue_.push_back(edge.node);
            std::push_heap(queue_.begin(), queue_.end(), older);
        }
        Tensor& waiting = slot->gradients()[edge.input];
        waiting = waiting ? apply(row("add"), waiting, g) : std::move(g);
    }

    GradientSlot* take(Node& node) {
        GradientSlot** link = &node.slot;
        while (*link && (*link)->pass != this) link = &(*link)->outer;
        GradientSlot* slot = *link;
        if (slot) *link = slot->outer;
        return slot;
    }

    const BackwardOptions& options_;
    std::vector<Ref<Node>> queue_;
    std::vector<Tensor> results_;
    std::vector<Tensor> leaves_;  ///< whose .grad this pass wrote
    std::unordered_map<Node*, std::vector<std::pair<std::uint32_t, std::size_t>>> captures_;
    std::unordered_map<Node*, bool>
        reaches_;  ///< nodes on the way to an input; true: an input lies behind the node
};

/// A depth-first walk without recursion that asks of each node whether an input lies behind it.
class Reach {
public:
    Reach(std::uint64_t oldest, const std::function<bool(Node*)>& is_input)
        : oldest_(oldest), is_input_(is_input) {}

    void walk(Node* root) {
        enter(root);
        while (!path_.empty()) {
            Frame& frame = path_.back();
            if (frame.next < frame.node->edge_count) {
                follow(frame, frame.node->edges[frame.next++].node.get());
            } else {
                leave();
            }
        }
    }

    std::unordered_map<Node*, bool> seen;  ///< with the answer

private:
    struct Frame {
        Node* node;
        int next;
        bool reaches;
    };

    void enter(Node* node) {
        if (!node || node->sequence < oldest_ || seen.count(node)) return;
        seen[node] = false;
        path_.push_back({node, 0, false});
    }
    void follow(Frame& frame, Node* target) {
        if (!target) return;
        const auto found = seen.find(target);
        if (found == seen.end()) return enter(target);
        frame.reaches |= found->second || is_input_(target);
    }
    void leave() {
        const Frame done = path_.back();
        path_.pop_back();
        seen[done.node] = done.reaches;
        if (!path_.empty()) path_.back().reaches |= done.reaches || is_input_(done.node);
    }

    std::uint64_t oldest_;  ///< nodes older than every input cannot lead to one
    const std::function<bool(Node*)>& is_input_;
    std::vector<Frame> path_;
};

void Pass::limit_to_inputs(const std::vector<Edge>& roots) {
    std::uint64_t oldest = UINT64_MAX;
    for (const auto& [node, wanted] : captures_) oldest = std::min(oldest, node->sequence);
    const std::function<bool(Node*)> is_input = [this](Node* node) { return captures_.count(node) > 0; };
    Reach reach(oldest, is_input);
    for (const Edge& root : roots) reach.walk(root.node.get());
    for (const auto& [node, reaches] : reach.seen) {
        if (reaches || is_input(node)) reaches_[node] = reaches;
    }
}

}  // namespace

Tensor fit_gradient(Tensor g, const OutputFacts& facts, const Node& from, int index) {
    if (!(g->sizes == facts.sizes)) {
        bool fits = g->dim() >= facts.sizes.size();
        for (int back = 1; fits && back <= facts.sizes.size(); ++back) {
            const std::int64_t want = facts.sizes[facts.sizes.size() - back];
            fits = want == g->sizes[g->dim() - back] || want == 1;
        }
        check(fits, "Function ", from.cls->name, " returned an invalid gradient at index ", index, " - got ",
              g->sizes, " but expected shape compatible with ", facts.sizes);
        g = sum_to_size(g, facts.sizes);
    }
    if (facts.any_dtype) return g;
    if (g->dtype != facts.dtype) {
        if (is_complex(g->dtype) && !is_complex(facts.dtype)) g = apply(row("real_part"), g);
        g = to_dtype(g, facts.dtype);
    }
    return g;
}

std::vector<Tensor> run_backward(const std::vector<Edge>& roots, const std::vector<Tensor>& gradients,
                                 const BackwardOptions& options) {
    const ModeGuard mode(kNoGrad, !options.create_graph);
    Pass pass(options);
    if (!options.inputs.empty()) pass.limit_to_inputs(roots);
    for (std::size_t i = 0; i < roots.size(); ++i) pass.seed(roots[i], gradients[i]);
    std::vector<Tensor> results = pass.run();
    pass.evaluate_results(results);
    return results;
}

}  // namespace tapeless
