// The node of a custom Function, which users see as the context: its backward, its attributes, its Python type.
//
// The type "<Name>Backward" is made in Python (autograd/function.py) from _core._FunctionNode; its class attribute
// `_forward_cls` is the user's class. The NodeClass behind it lives as long as that type and its nodes.
#include <cstdlib>
#include <memory>

#include "bindings/function.h"
#include "bindings/object.h"
#include "graph/record.h"
#include "ops/structured.h"

namespace tapeless {

BaseMethods base_methods{};
PyTypeObject* function_node_type = nullptr;

const Names& interned() {
    static const Names all;
    return all;
}

namespace {

struct FunctionClass {
    NodeClass node;
    std::string name;
};

Node& node_from(PyObject* self) { return *static_cast<Node*>(as_object(self)); }

int visit_state(Node& node, const Visit& visit) {
    if (!node.payload) return 0;  // The collector ran while the node was being made.
    const FunctionState& state = state_of(node);
    for (const Foreign* reference : {&state.to_save, &state.dirty, &state.non_differentiable, &state.needs}) {
        if (!*reference) continue;
        if (int stop = visit.foreign(reference->get(), visit.context)) return stop;
    }
    return 0;
}

void clear_state(Node& node) noexcept {
    FunctionState& state = state_of(node);
    state.to_save = state.dirty = state.non_differentiable = state.needs = Foreign();
}

void destroy_state(Node& node) noexcept {
    FunctionState& state = state_of(node);
    std::free(state.more_saved);
    std::free(state.more_outputs);
    state.~FunctionState();
}

// Backward

/// The user's backward or vjp.
Owned backward_method(Node& node) {
    const Owned cls = owned(
        PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(as_python(&node))), interned().forward_cls));
    Owned backward = owned(PyObject_GetAttr(cls.get(), interned().backward));
    Owned vjp = owned(PyObject_GetAttr(cls.get(), interned().vjp));
    const bool has_vjp = vjp.get() != base_methods.vjp;
    check(!has_vjp || backward.get() == base_methods.backward,
          "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
          "implement one of "
          "them.");
    return has_vjp ? std::move(vjp) : std::move(backward);
}

/// The gradient of output i as backward gets it; zeros stand for one that did not arrive.
PyObject* incoming(Node& node, Gradients in, int i) {
    const FunctionState& state = state_of(node);
    if (in[i]) return to_python(private_copy(in[i]));
    if (!state.materialize || state.results[static_cast<std::size_t>(i)] != 't') Py_RETURN_NONE;
    const OutputFacts& facts = node.outputs[i];
    return to_python(full(facts.sizes, Scalar(0.0), facts.dtype, facts.device));
}

/// Hands the user's results to the edges, after PyTorch's checks of their number and kind.
void take_results(Node& node, PyObject* results, Gradients out) {
    const std::string& arguments = state_of(node).arguments;
    const char* name = node.cls->name;
    const std::size_t wanted = arguments.size();
    std::size_t count = static_cast<std::size_t>(PyTuple_GET_SIZE(results));
    auto result = [&](std::size_t i) { return PyTuple_GET_ITEM(results, static_cast<Py_ssize_t>(i)); };
    std::size_t kept = count;
    while (kept > wanted && result(kept - 1) == Py_None) --kept;
    if (kept <= wanted && count > wanted) count = wanted;
    check(count == wanted, "function ", name, " returned an incorrect number of gradients (expected ", wanted,
          ", got ", count, ")");
    int edge = 0;
    for (std::size_t i = 0; i < wanted; ++i) {
        PyObject* g = result(i);
        if (arguments[i] == '-') {
            check(g == Py_None, "function ", name, " returned a gradient different than None at position ",
                  i + 1, ", but the corresponding forward input was not a Variable");
            continue;
        }
        if (g != Py_None) {
            check(is_tensor(g), "expected Variable or None (got ", type_name(g), ")");
            out[edge] = private_copy(tensor_from(g));
        }
        ++edge;
    }
}

void apply_function(Node& node, Gradients in, Gradients out) {
    const Owned method = backward_method(node);
    const std::size_t count = node.output_count;
    CallArguments arguments(count + 1);
    Owned gradients = owned(PyTuple_New(static_cast<Py_ssize_t>(count)));
    arguments[0] = as_python(&node);
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* g = checked(incoming(node, in, static_cast<int>(i)));
        PyTuple_SET_ITEM(gradients.get(), static_cast<Py_ssize_t>(i), g);
        arguments[i + 1] = g;
    }
    Owned results = owned(PyObject_Vectorcall(method.get(), arguments.data(), count + 1, nullptr));
    gradients = Owned();
    if (!PyTuple_Check(results.get())) results = owned(PyTuple_Pack(1, results.get()));
    take_results(node, results.get(), out);
}

// The class of nodes

using SharedClass = std::shared_ptr<const NodeClass>;

void destroy_class(PyObject* capsule) {
    delete static_cast<SharedClass*>(PyCapsule_GetPointer(capsule, "tapeless.FunctionClass"));
}

const SharedClass& make_function_class(PyObject* type) {
    auto made = std::make_shared<FunctionClass>();
    made->name = reinterpret_cast<PyTypeObject*>(type)->tp_name;
    made->node = node_class(made->name.c_str(), apply_function);
    made->node.visit_payload = visit_state;
    made->node.clear_payload = clear_state;
    made->node.destroy_payload = destroy_state;
    made->node.takes_undefined = true;
    made->node.binding = type;
    auto shared = std::make_unique<SharedClass>(made, &made->node);
    const Owned capsule = owned(PyCapsule_New(shared.get(), "tapeless.FunctionClass", destroy_class));
    const SharedClass& result = *shared.release();
    if (PyObject_SetAttr(type, interned().node_class, capsule.get()) < 0) throw nb::python_error();
    return result;
}

}  // namespace

const std::shared_ptr<const NodeClass>& class_of_type(PyObject* type) {
    PyObject* dict = reinterpret_cast<PyTypeObject*>(type)->tp_dict;
    if (PyObject* capsule = PyDict_GetItemWithError(dict, interned().node_class)) {
        return *static_cast<SharedClass*>(PyCapsule_GetPointer(capsule, "tapeless.FunctionClass"));
    }
    if (PyErr_Occurred()) throw nb::python_error();
    check(PyType_Check(type) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), function_node_type),
          "autograd.Function: _backward_cls must be the type that Function makes; do not assign it");
    return make_function_class(type);
}

namespace {

// The context's attributes

PyObject* saved_tensors(PyObject* self, void*) {
    return guarded([&]() -> PyObject* {
        Node& node = node_from(self);
        if (node.released) fail_released();
        Owned tuple = owned(PyTuple_New(node.saved_count));
        for (int i = 0; i < node.saved_count; ++i) {
            const SavedValue& saved = node.saved[i];
            PyTuple_SET_ITEM(tuple.get(), i, to_python(saved.empty() ? Tensor() : unpack(saved, node)));
        }
        return tuple.detach();
    });
}

PyObject* needs_input_grad(PyObject* self, void*) {
    FunctionState& state = state_of(node_from(self));
    if (!state.needs) {
        const Owned tuple(PyTuple_New(static_cast<Py_ssize_t>(state.arguments.size())));
        if (!tuple) return nullptr;
        for (std::size_t i = 0; i < state.arguments.size(); ++i) {
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                             PyBool_FromLong(state.arguments[i] == '1'));
        }
        state.needs = foreign(tuple);
    }
    return Py_NewRef(python(state.needs));
}

int set_needs_input_grad(PyObject* self, PyObject* value, void*) {
    state_of(node_from(self)).needs = Foreign(value);
    return 0;
}

PyObject* materialize_grads(PyObject* self, void*) {
    return PyBool_FromLong(state_of(node_from(self)).materialize);
}

int assign_materialize_grads(PyObject* self, PyObject* value, void*) {
    const int flag = value ? PyObject_IsTrue(value) : 1;
    if (flag < 0) return -1;
    state_of(node_from(self)).materialize = flag;
    return 0;
}

PyObject* set_materialize_grads(PyObject* self, PyObject* value) {
    if (assign_materialize_grads(self, value, nullptr) < 0) return nullptr;
    Py_RETURN_NONE;
}

Foreign tuple_of(PyObject* const* args, Py_ssize_t count) {
    const Owned tuple = owned(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(args[i]));
    return foreign(tuple);
}

PyObject* save_for_backward(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (args[i] == Py_None || is_tensor(args[i])) continue;
            fail(ErrorKind::Type, "save_for_backward can only save variables, but argument ", i,
                 " is of type ", type_name(args[i]));
        }
        state_of(node_from(self)).to_save = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

PyObject* mark_dirty(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        state_of(node_from(self)).dirty = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

PyObject* mark_non_differentiable(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (is_tensor(args[i])) continue;
            fail(ErrorKind::Type, "mark_non_differentiable only accepts variable arguments, but got ",
                 type_name(args[i]));
        }
        state_of(node_from(self)).non_differentiable = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

/// Values saved for forward mode stay attributes, because the node does not use them.
PyObject* save_for_forward(PyObject*, PyObject* const*, Py_ssize_t) { Py_RETURN_NONE; }

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef methods[] = {
    {"save_for_backward", fast(save_for_backward), METH_FASTCALL, "Keeps tensors (or None) for backward."},
    {"save_for_forward", fast(save_for_forward), METH_FASTCALL, "Keeps tensors for forward mode."},
    {"mark_dirty", fast(mark_dirty), METH_FASTCALL, "Announces inputs that forward wrote into."},
    {"mark_non_differentiable", fast(mark_non_differentiable), METH_FASTCALL,
     "Announces outputs without gradient."},
    {"set_materialize_grads", set_materialize_grads, METH_O, "Whether missing gradients arrive as zeros."},
    {}};
PyGetSetDef getset[] = {
    {"saved_tensors", saved_tensors, nullptr, "What save_for_backward was given.", nullptr},
    {"needs_input_grad", needs_input_grad, set_needs_input_grad,
     "Per argument: whether its gradient is wanted.", nullptr},
    {"materialize_grads", materialize_grads, assign_materialize_grads, "See set_materialize_grads.", nullptr},
    {}};

}  // namespace

void define_function_node(nb::module_& m) {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(object_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(object_clear)},
                           {Py_tp_methods, methods},
                           {Py_tp_getset, getset},
                           {Py_tp_doc, const_cast<char*>("The node and context of a custom Function.")},
                           {0, nullptr}};
    PyType_Spec spec = {
        "tapeless._core._FunctionNode", 0, 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        slots};
    const Owned bases = owned(PyTuple_Pack(1, reinterpret_cast<PyObject*>(node_type)));
    function_node_type =
        reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpecWithBases(&spec, bases.get())));
    m.attr("_FunctionNode") = nb::borrow(reinterpret_cast<PyObject*>(function_node_type));
}

}  // namespace tapeless
