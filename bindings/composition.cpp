// The nodes of Python compositions: a front before an interior of ordinary nodes, or, where saved-tensor hooks are active,
// one node that keeps what the hooks packed and runs the body again.
#include "bindings/hooks.h"
#include "bindings/python.h"
#include "graph/record.h"

namespace tapeless {
namespace {

/// The gradient goes on into the interior, once what the composition saves is known to be unharmed.
void pass_on(Node& node, Gradients in, Gradients out) {
    for (int i = 0; i < node.saved_count; ++i) unpack(node.saved[i], node);
    out[0] = in[0];
}

/// What is saved, a tuple with a tensor or None for each name; the result among them is an output of the node's own.
void save_all(Node& node, PyObject* kept, const Tensor& result) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kept); ++i) {
        PyObject* value = PyTuple_GET_ITEM(kept, i);
        if (is_tensor(value)) save(node.saved[i], tensor_from(value), body(value) == result.get() ? 0 : -1);
    }
}

int count_of(PyObject* tuple) { return static_cast<int>(PyTuple_GET_SIZE(tuple)); }

/// Puts a front before `x`'s history, showing the tensors of `inputs` as where it came from.
void put_front(const NodeClass& cls, const Tensor& x, PyObject* inputs, PyObject* kept) {
    Ref<Node> node = make_node(cls, 1, count_of(kept), 1);
    node->edges[0] = gradient_edge(x);
    std::vector<Edge>& shown = node->more().shown;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i) {
        PyObject* input = PyTuple_GET_ITEM(inputs, i);
        if (is_tensor(input)) shown.push_back(gradient_edge(tensor_from(input)));
    }
    set_history(x, node);
    save_all(*node, kept, x);
}

/// The body again: `replay(saved values, g, which gradients are wanted)` returns a gradient or None for each edge.
struct Replay {
    static constexpr const char* node = "";  // Each composition has its own.
    static constexpr bool releases_payload = true;
    Foreign replay;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Owned saved = owned(PyTuple_New(of.saved_count)), wanted = owned(PyTuple_New(of.edge_count));
        for (int i = 0; i < of.saved_count; ++i)
            PyTuple_SET_ITEM(saved.get(), i, to_python(unpack(of.saved[i], of)));
        for (int i = 0; i < of.edge_count; ++i)
            PyTuple_SET_ITEM(wanted.get(), i, PyBool_FromLong(of.needs(i)));
        const Owned g = owned(to_python(in[0]));
        const Owned made =
            owned(PyObject_CallFunctionObjArgs(python(replay), saved.get(), g.get(), wanted.get(), nullptr));
        for (int i = 0; i < of.edge_count; ++i) {
            PyObject* gradient = PyTuple_GET_ITEM(made.get(), i);
            if (is_tensor(gradient)) out[i] = tensor_from(gradient);
        }
    }
    int visit(const Visit& visits) const { return replay ? visits.foreign(replay.get(), visits.context) : 0; }
    void clear() { replay = Foreign(); }
};

/// Ties `x`, which was computed without recording, to a node whose edges lead to `inputs`, all of them tensors.
void put_replay(const NodeClass& cls, const Tensor& x, PyObject* inputs, PyObject* kept, PyObject* replay) {
    std::vector<Edge> edges;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i)
        edges.push_back(gradient_edge(tensor_from(PyTuple_GET_ITEM(inputs, i))));
    Ref<Node> node =
        make_node(cls, static_cast<int>(edges.size()), count_of(kept), 1, Replay{Foreign(replay)});
    std::move(edges.begin(), edges.end(), node->edges);
    set_history(x, node);
    save_all(*node, kept, x);
}

/// A class of nodes; it lives as long as the program, like the rows' own.
const NodeClass* class_named(NodeClass like, const std::string& name, const std::vector<std::string>& saved) {
    const auto* names = new std::vector<std::string>(saved);
    auto* shown = new std::vector<const char*>();
    for (const std::string& one : *names) shown->push_back(one.c_str());
    like.name = (new std::string(name))->c_str();
    like.saved_names = *shown;
    like.binding = nullptr;
    return new NodeClass(like);
}

}  // namespace

void define_composition(nb::module_& m) {
    m.def("_front", [](const std::string& name, const std::vector<std::string>& saved) {
        const NodeClass* cls = class_named(node_class("", pass_on), name, saved);
        return nb::cpp_function([cls](const Tensor& x, nb::tuple inputs, nb::tuple kept) {
            put_front(*cls, x, inputs.ptr(), kept.ptr());
        });
    });
    m.def("_replay", [](const std::string& name, const std::vector<std::string>& saved) {
        const NodeClass* cls = class_named(class_of<Replay>(), name, saved);
        return nb::cpp_function([cls](const Tensor& x, nb::tuple inputs, nb::tuple kept, nb::object replay) {
            put_replay(*cls, x, inputs.ptr(), kept.ptr(), replay.ptr());
        });
    });
    m.def("_packs", [] { return modes.has(kSavedHooks) && grad_enabled(); });
}

}  // namespace tapeless
