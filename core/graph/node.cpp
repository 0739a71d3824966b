// Making nodes, reporting what they refer to, and unmaking them.
#include "graph/node.h"

#include <algorithm>
#include <new>

#include "graph/anomaly.h"
#include "graph/modes.h"
#include "graph/record.h"

namespace tapeless {

Location (*current_location)() = [] { return Location{}; };
std::string (*location_text)(const Location&) = [](const Location&) { return std::string(); };

namespace {

std::uint64_t next_sequence = 1;  // Changed under the interpreter's lock only, like reference counts.

template <class T> std::size_t room(int count) {
    static_assert(sizeof(T) % 16 == 0);  // So that arrays can follow each other.
    return sizeof(T) * static_cast<std::size_t>(count);
}

/// `count` fresh elements at `behind`, which moves on.
template <class T> T* construct(char*& behind, int count) {
    T* first = reinterpret_cast<T*>(behind);
    for (int i = 0; i < count; ++i) new (&first[i]) T();
    behind += room<T>(count);
    return first;
}

int visit_saved(SavedValue& saved, const Visit& visit) {
    if (saved.tensor) return visit.object(saved.tensor.get(), visit.context);  // Then nothing is packed.
    for (const Foreign* foreign : {&saved.packed, &saved.unpack}) {
        if (!*foreign) continue;
        if (int stop = visit.foreign(foreign->get(), visit.context)) return stop;
    }
    return 0;
}

int visit_extra(NodeExtra& extra, const Visit& visit) {
    for (const Foreign* foreign : {&extra.pre_hooks, &extra.post_hooks, &extra.metadata}) {
        if (!*foreign) continue;
        if (int stop = visit.foreign(foreign->get(), visit.context)) return stop;
    }
    for (const Foreign& hooks : extra.tensor_hooks) {
        if (!hooks) continue;
        if (int stop = visit.foreign(hooks.get(), visit.context)) return stop;
    }
    for (const Ref<Object>& retained : extra.retained) {
        if (!retained) continue;
        if (int stop = visit.object(retained.get(), visit.context)) return stop;
    }
    for (const Edge& edge : extra.shown) {
        if (!edge.node) continue;
        if (int stop = visit.object(edge.node.get(), visit.context)) return stop;
    }
    return 0;
}

int visit_node(Object* object, const Visit& visit) {
    Node& node = *static_cast<Node*>(object);
    // Not the location's code: it refers to constants alone, so it lies on no cycle.
    for (int i = 0; i < node.edge_count; ++i) {
        if (!node.edges[i].node) continue;
        if (int stop = visit.object(node.edges[i].node.get(), visit.context)) return stop;
    }
    for (int i = 0; i < node.saved_count; ++i) {
        if (int stop = visit_saved(node.saved[i], visit)) return stop;
    }
    if (node.extra) {
        if (int stop = visit_extra(*node.extra, visit)) return stop;
    }
    return node.cls->visit_payload ? node.cls->visit_payload(node, visit) : 0;
}

void clear_node(Object* object) noexcept {
    Node& node = *static_cast<Node*>(object);
    for (int i = 0; i < node.edge_count; ++i) node.edges[i] = Edge();
    for (int i = 0; i < node.saved_count; ++i) node.saved[i] = SavedValue();
    node.released = true;
    node.extra.reset();
    if (node.cls->clear_payload) node.cls->clear_payload(node);
}

void destroy_node(Object* object) noexcept {
    Node& node = *static_cast<Node*>(object);
    for (int i = 0; i < node.edge_count; ++i) node.edges[i].~Edge();
    for (int i = 0; i < node.saved_count; ++i) node.saved[i].~SavedValue();
    for (int i = 0; i < node.output_count; ++i) node.outputs[i].~OutputFacts();
    if (node.cls->clear_payload) node.cls->clear_payload(node);
    if (node.cls->destroy_payload) node.cls->destroy_payload(node);
    node.~Node();
}

}  // namespace

NodeClass node_class(const char* name, void (*apply)(Node&, Gradients, Gradients)) {
    NodeClass cls{};
    static_cast<Class&>(cls) = {name, sizeof(Node), destroy_node, visit_node, clear_node};
    cls.apply = apply;
    return cls;
}

Ref<Node> make_node(const NodeClass& cls, int edges, int saved, int outputs, std::size_t payload) {
    const std::size_t extra =
        room<Edge>(edges) + room<SavedValue>(saved) + room<OutputFacts>(outputs) + payload;
    static_assert(sizeof(Node) % 16 == 0);
    Object* object = object_hooks.allocate(cls, extra);
    const Object head = *object;
    Node* node = new (object) Node();
    static_cast<Object&>(*node) = head;
    char* behind = reinterpret_cast<char*>(node + 1);
    node->cls = &cls;
    node->sequence = next_sequence++;
    if (cls.has_location) node->location = current_location();
    node->edge_count = static_cast<std::uint16_t>(edges);
    node->saved_count = static_cast<std::uint16_t>(saved);
    node->output_count = static_cast<std::uint16_t>(outputs);
    node->edges = construct<Edge>(behind, edges);
    node->saved = construct<SavedValue>(behind, saved);
    node->outputs = construct<OutputFacts>(behind, outputs);
    node->payload = behind;
    return Ref<Node>::adopt(node);
}

void stamp(Node& node) {
    node.sequence = next_sequence++;
    if (modes.has(kLevels)) [[unlikely]] {
        for (int i = 0; i < node.edge_count; ++i) {
            if (node.edges[i].node) node.level = std::max(node.level, node.edges[i].node->level);
        }
    }
    if (modes.has(kAnomaly)) [[unlikely]]
        anomaly_calls.made(node, anomaly.running);
}

void release_saved(Node& node) {
    node.released = true;
    for (int i = 0; i < node.saved_count; ++i) {
        if (!node.saved[i].empty()) node.saved[i] = SavedValue();
    }
    if (node.cls->releases_payload) node.cls->clear_payload(node);
}

}  // namespace tapeless
