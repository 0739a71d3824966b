// The graph's nodes as Python sees them: names, edges, saved values, hooks, where they came from.
#include <Python.h>
#include <structmember.h>

#include <cstring>

#include "bindings/hooks.h"
#include "bindings/location.h"
#include "bindings/object.h"
#include "bindings/python.h"
#include "graph/autograd.h"
#include "ops/row_node.h"

namespace tapeless {

PyTypeObject* node_type = nullptr;

namespace {

Node& node_of(PyObject* self) { return *static_cast<Node*>(as_object(self)); }

PyObject* node_name(PyObject* self, PyObject*) { return PyUnicode_FromString(node_of(self).cls->name); }

PyObject* node_repr(PyObject* self) {
    return PyUnicode_FromFormat("<%s object at %p>", node_of(self).cls->name, static_cast<void*>(self));
}

PyObject* edge_to_python(const Edge& edge) {
    PyObject* node = edge.node ? Py_NewRef(as_python(edge.node.get())) : Py_NewRef(Py_None);
    return Py_BuildValue("(NI)", node, edge.input);
}

PyObject* next_functions(PyObject* self, void*) {
    Node& node = node_of(self);
    const bool shown = node.extra && !node.extra->shown.empty();
    const Py_ssize_t count = shown ? static_cast<Py_ssize_t>(node.extra->shown.size()) : node.edge_count;
    PyObject* tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; ++i) {
        PyTuple_SET_ITEM(
            tuple, i, edge_to_python(shown ? node.extra->shown[static_cast<std::size_t>(i)] : node.edges[i]));
    }
    return tuple;
}

PyObject* variable(PyObject* self, void*) {
    Node& node = node_of(self);
    if (node.cls != accumulate_class) {
        PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'", node.cls->name);
        return nullptr;
    }
    TensorBody* leaf = accumulated_leaf(node);
    return leaf ? Py_NewRef(as_python(leaf)) : Py_NewRef(Py_None);
}

/// The saved values by the names that PyTorch gives them.
int saved_index(Node& node, const char* what) {
    const Row* row = node.cls->apply == nullptr ? nullptr : static_cast<const Row*>(node.cls->about);
    for (std::size_t i = 0; i < node.cls->saved_names.size(); ++i) {
        if (!std::strcmp(what, node.cls->saved_names[i])) return static_cast<int>(i);
    }
    if (!row) {
        if (!std::strcmp(what, "result")) return node.saved_count ? node.saved_count - 1 : -1;
        return -1;
    }
    if (!std::strcmp(what, "result")) return row->arity;
    for (int k = 0; k < row->arity; ++k) {
        const char* const name = operand_name(*row, k);
        if (!std::strcmp(what, std::strcmp(name, "input") ? name : "self")) return k;
    }
    return -1;
}

PyObject* node_getattr(PyObject* self, PyObject* name) {
    const char* text = PyUnicode_AsUTF8(name);
    if (text && !std::strncmp(text, "_saved_", 7)) {
        Node& node = node_of(self);
        if (node.cls->saved_number) {
            if (const auto number = node.cls->saved_number(node, text + 7)) return to_python(*number);
        }
        const int index = saved_index(node, text + 7);
        if (index >= 0 && index < node.saved_count) {
            return guarded([&]() -> PyObject* {
                if (node.released) fail_released();
                if (node.saved[index].empty() && node.cls->about) {
                    RowPayload& payload = node.get<RowPayload>();
                    if ((payload.is_number >> index) & 1) return to_python(payload.numbers()[index]);
                }
                return to_python(unpack(node.saved[index], node));
            });
        }
    }
    return PyObject_GenericGetAttr(self, name);
}

PyObject* register_hook(PyObject* self, PyObject* callable) {
    return guarded([&] { return register_node_hook(node_of(self), callable, false); });
}
PyObject* register_prehook(PyObject* self, PyObject* callable) {
    return guarded([&] { return register_node_hook(node_of(self), callable, true); });
}

PyObject* sequence_number(PyObject* self, PyObject*) {
    return PyLong_FromUnsignedLongLong(node_of(self).sequence);
}

PyObject* metadata(PyObject* self, void*) {
    Node& node = node_of(self);
    if (!node.more().metadata) {
        PyObject* dict = PyDict_New();
        if (!dict) return nullptr;
        node.more().metadata = Foreign(dict);
        Py_DECREF(dict);
    }
    return Py_NewRef(static_cast<PyObject*>(node.extra->metadata.get()));
}

PyObject* location(PyObject* self, void*) {
    const std::string text = location_text(node_of(self).location);
    if (text.empty()) Py_RETURN_NONE;
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

PyObject* output_shapes(PyObject* self, void*) {
    Node& node = node_of(self);
    PyObject* list = PyList_New(0);
    for (int i = 0; list && i < node.output_count; ++i) {
        PyObject* entry =
            Py_BuildValue("(NN)", size_to_python(node.outputs[i].sizes), to_python(node.outputs[i].dtype));
        if (!entry || PyList_Append(list, entry)) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

PyObject* saved_bytes(PyObject* self, void*) {
    Node& node = node_of(self);
    std::size_t bytes = 0;
    for (int i = 0; i < node.saved_count; ++i) {
        const Tensor& x = node.saved[i].tensor;
        if (x) bytes += static_cast<std::size_t>(x->numel) * size_of(x->dtype);
    }
    return PyLong_FromSize_t(bytes);
}

PyMethodDef methods[] = {
    {"name", node_name, METH_NOARGS, "The name of the operation's node, as PyTorch has it."},
    {"register_hook", register_hook, METH_O,
     "Calls hook(grad_inputs, grad_outputs) after the node ran backward."},
    {"register_prehook", register_prehook, METH_O, "Calls hook(grad_outputs) before the node runs backward."},
    {"_sequence_nr", sequence_number, METH_NOARGS,
     "The creation number: backward runs the newest node first."},
    {}};
PyGetSetDef getset[] = {
    {"next_functions", next_functions, nullptr,
     "(node, input number) of each input's history; (None, 0) for none.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"variable", variable, nullptr, "The leaf that an AccumulateGrad accumulates into.", nullptr},
    {"metadata", metadata, nullptr, "A dict for whatever users want to note.", nullptr},
    {"location", location, nullptr, "file:line of the call that made the node.", nullptr},
    {"_output_shapes", output_shapes, nullptr, "(size, dtype) of each output.", nullptr},
    {"_saved_bytes", saved_bytes, nullptr, "Bytes of the values that the node saved.", nullptr},
    {}};
PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(Object, attributes), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(Object, weak), READONLY, nullptr},
                         {}};

}  // namespace

PyTypeObject* make_node_type(const char* name) {
    const char* plain = std::strrchr(name, ':') ? std::strrchr(name, ':') + 1 : name;
    // Named again for each type: a heap type without its own gets the one for classes made in Python.
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(object_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(object_clear)},
                           {0, nullptr}};
    const std::string qualified = std::string("torch.autograd.graph.") + plain;
    PyType_Spec spec = {qualified.c_str(), 0, 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject* bases = PyTuple_Pack(1, reinterpret_cast<PyObject*>(node_type));
    PyObject* type = PyType_FromSpecWithBases(&spec, bases);
    Py_DECREF(bases);
    return reinterpret_cast<PyTypeObject*>(checked(type));
}

void define_nodes(nb::module_& m) {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(object_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(object_clear)},
                           {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
                           {Py_tp_getattro, reinterpret_cast<void*>(node_getattr)},
                           {Py_tp_methods, methods},
                           {Py_tp_getset, getset},
                           {Py_tp_members, members},
                           {Py_tp_doc, const_cast<char*>("One operation in the recorded graph.")},
                           {0, nullptr}};
    PyType_Spec spec = {
        "torch.autograd.graph.Node", sizeof(Node), 1,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        slots};
    node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    m.attr("Node") = nb::borrow(reinterpret_cast<PyObject*>(node_type));
    m.def("_install_locations", [](const std::string& folder) { install_locations(folder); });
}

}  // namespace tapeless
