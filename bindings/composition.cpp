// The front node of a composition: PyTorch's name and edges for an interior of ordinary nodes.
#include "bindings/python.h"
#include "graph/record.h"

namespace tapeless {
namespace {

void pass_on(Node&, Gradients in, Gradients out) { out[0] = in[0]; }

/// Puts a front before `x`'s history, showing the tensors of `inputs` as where it came from.
void put_front(const NodeClass& cls, const Tensor& x, PyObject* inputs) {
    Ref<Node> node = make_node(cls, 1, 0, 1);
    node->edges[0] = gradient_edge(x);
    std::vector<Edge>& shown = node->more().shown;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i) {
        PyObject* input = PyTuple_GET_ITEM(inputs, i);
        if (is_tensor(input)) shown.push_back(gradient_edge(tensor_from(input)));
    }
    set_history(x, node);
}

}  // namespace

void define_composition(nb::module_& m) {
    // Classes of nodes live as long as the program, like the rows' own.
    m.def("_front", [](const std::string& name) {
        const std::string* kept = new std::string(name);
        const NodeClass* cls = new NodeClass(node_class(kept->c_str(), pass_on));
        return nb::cpp_function(
            [cls](const Tensor& x, nb::tuple inputs) { put_front(*cls, x, inputs.ptr()); });
    });
}

}  // namespace tapeless
