// A node of the recorded graph: one operation that ran, the edges to where its inputs came from, what it saved.
//
// Note [No tape]
// A result refers to the node that made it, a node to the nodes that made its inputs; nothing refers forward and
// nothing keeps a list. So a result owns just the graph behind it, which dies with it: iteratively, see object.h.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "graph/saved.h"
#include "tensor/tensor.h"

namespace tapeless {

struct Node;

/// Where a gradient goes: input number `input` of `node`'s backward, which is output `input` of its operation.
struct Edge {
    Ref<Node> node;
    std::uint32_t input = 0;
};

/// What a node's operation returned: the shape and dtype that a gradient for it must have.
struct OutputFacts {
    Dims sizes;
    DType dtype = DType::Float32;
    Device device;
    bool any_dtype = false;  ///< a leaf whose grad_dtype is None
};

/// A list of gradients on the engine's stack; null: none.
using Gradients = Tensor*;

/// A kind of node: PyTorch's name, and how gradients pass it. One per row or structured operation.
struct NodeClass : Class {
    /// From `in`, a gradient for each output of the operation (null: none arrived), fills `out`, one for each edge.
    void (*apply)(Node& node, Gradients in, Gradients out);
    const void* about = nullptr;  ///< the row, for nodes of rows
    /// Reports and drops references of the payload, if it has any.
    int (*visit_payload)(Node&, const Visit&) = nullptr;
    void (*clear_payload)(Node&) noexcept = nullptr;
    void (*destroy_payload)(Node&) noexcept = nullptr;
    /// PyTorch's names of the saved values, in their order, and of numbers in the payload; for _saved_NAME.
    std::span<const char* const> saved_names;
    std::optional<Scalar> (*saved_number)(Node&, const char* name) = nullptr;
    bool releases_payload = false;  ///< a backward pass that does not retain the graph clears the payload too
    bool takes_undefined = false;   ///< apply handles missing gradients itself
    bool has_location = true;       ///< a line of the program made the node
};

struct GradientSlot;  // autograd/engine.cpp: gradients waiting for a node in one backward pass

/// What few nodes have: hooks, the values of retains_grad, the interpreter's metadata.
struct NodeExtra {
    Foreign pre_hooks, post_hooks;      ///< dicts of callables
    std::vector<Foreign> tensor_hooks;  ///< one dict per output; run first
    std::vector<Ref<Object>> retained;  ///< per output: the tensor whose .grad is filled
    Foreign metadata;
    std::vector<Edge> shown;  ///< next_functions as users see them, of a composition's front
};

struct Node : Object {
    const NodeClass* cls;
    std::uint64_t sequence;  ///< creation number: backward runs the newest node first
    Location location;       ///< the line that ran the operation
    std::uint16_t edge_count, saved_count, output_count;
    bool released : 1 = false;  ///< a backward pass has dropped the saved values
    bool hidden : 1 = false;    ///< the interior of a composition
    std::uint8_t level = 0;     ///< the number of the level that recorded it: see Note [Levels]
    Edge* edges;                ///< behind the node, in the same allocation
    SavedValue* saved;
    void* payload;
    OutputFacts* outputs;
    GradientSlot* slot = nullptr;
    std::unique_ptr<NodeExtra> extra;

    NodeExtra& more() {
        if (!extra) extra = std::make_unique<NodeExtra>();
        return *extra;
    }
    template <class Payload> Payload& get() { return *static_cast<Payload*>(payload); }
    bool needs(int edge) const { return static_cast<bool>(edges[edge].node); }
};

/// A node with room for its edges, saved values and a payload, which the class destroys.
Ref<Node> make_node(const NodeClass& cls, int edges, int saved, int outputs, std::size_t payload = 0);
template <class Payload>
Ref<Node> make_node(const NodeClass& cls, int edges, int saved, int outputs, Payload payload) {
    Ref<Node> node = make_node(cls, edges, saved, outputs, sizeof(Payload));
    new (node->payload) Payload(std::move(payload));
    return node;
}
/// Makes the node the newest. Called once its edges are known, because looking for them can make older nodes
/// (accumulators, regenerated views), and the engine relies on inputs being older.
void stamp(Node& node);
/// Drops saved values, as a backward pass does that does not retain the graph.
void release_saved(Node& node);
/// The base parts that every NodeClass shares.
NodeClass node_class(const char* name, void (*apply)(Node&, Gradients, Gradients));
inline Node* node_of(const TensorBody& x) {
    return static_cast<Node*>(static_cast<Object*>(x.grad_fn.get()));
}

/// The class of nodes whose payload says how gradients pass: `P::node` is the name, `payload.backward(node, in, out)`
/// fills the edges' gradients.
template <class P> const NodeClass& class_of() {
    static const NodeClass cls = [] {
        NodeClass made = node_class(
            P::node, [](Node& node, Gradients in, Gradients out) { node.get<P>().backward(node, in, out); });
        if constexpr (!std::is_trivially_destructible_v<P>) {
            made.destroy_payload = [](Node& node) noexcept { node.get<P>().~P(); };
        }
        if constexpr (requires(P& payload, const Visit& visit) { payload.visit(visit); }) {
            made.visit_payload = [](Node& node, const Visit& visit) { return node.get<P>().visit(visit); };
            made.clear_payload = [](Node& node) noexcept { node.get<P>().clear(); };
        }
        if constexpr (requires { P::saved_names; }) made.saved_names = P::saved_names;
        if constexpr (requires(P& payload) { payload.saved_number(""); }) {
            made.saved_number = [](Node& node, const char* name) -> std::optional<Scalar> {
                return node.get<P>().saved_number(name);
            };
        }
        if constexpr (requires { P::releases_payload; }) made.releases_payload = P::releases_payload;
        if constexpr (requires { P::takes_undefined; }) made.takes_undefined = P::takes_undefined;
        return made;
    }();
    return cls;
}

/// The line that is running, asked of the bindings; null without them.
extern Location (*current_location)();
/// "file:line", asked of the bindings; empty when unknown.
extern std::string (*location_text)(const Location&);

}  // namespace tapeless
