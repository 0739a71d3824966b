// Saved-tensor hooks: a stack of (pack, unpack) pairs per thread, and the calls that values saved under them make.
#include <vector>

#include "bindings/hooks.h"
#include "graph/record.h"
#include "graph/saved.h"

namespace tapeless {
namespace {

// Plain references: a thread may end without the interpreter's lock.
thread_local std::vector<SavedHookPair> pairs;
thread_local PyObject* disabled = nullptr;  ///< why hooks are refused, a str

/// A packed value is (what pack returned, grad_fn or None, output number): the graph is not the hook's business.
Foreign packed_value(PyObject* result, const Tensor& x) {
    const Edge edge = x->grad_fn || x->requires_grad ? gradient_edge(x) : Edge();
    PyObject* node = edge.node ? as_python(edge.node.get()) : Py_None;
    return foreign(owned(Py_BuildValue("(OOI)", result, node, edge.input)));
}

void pack(SavedValue& saved, const Tensor& x) {
    const ModeGuard without_grad(kNoGrad, true);
    if (pairs.empty()) return;
    const SavedHookPair pair = pairs.back();
    const Foreign hold(pair.pack);
    const std::uint32_t before = version(*x);
    const Owned result = owned(PyObject_CallOneArg(pair.pack, as_python(x.get())));
    check(version(*x) == before,
          "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
          "cannot be "
          "modified by in-place operations as this can lead to unexpected side-effects. Please write to a "
          "clone.");
    saved.packed = packed_value(result.get(), x);
    saved.unpack = Foreign(pair.unpack);
}

Tensor unpack_value(const SavedValue& saved) {
    const Foreign packed = saved.packed, unpack = saved.unpack;
    PyObject* parts = python(packed);
    const Owned result = owned(PyObject_CallOneArg(python(unpack), PyTuple_GET_ITEM(parts, 0)));
    if (!is_tensor(result.get())) {
        fail(ErrorKind::Type,
             "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
             type_name(result.get()));
    }
    Tensor x = alias(tensor_from(result.get()));
    PyObject* node = PyTuple_GET_ITEM(parts, 1);
    if (node == Py_None) return x;
    object_hooks.track(x.get());
    x->grad_fn = Ref<Object>(as_object(node));
    x->output = static_cast<std::uint32_t>(PyLong_AsUnsignedLong(PyTuple_GET_ITEM(parts, 2)));
    return x;
}

PyObject* push_hooks(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "saved_tensors_hooks: two callables are needed, pack and unpack");
        return nullptr;
    }
    if (disabled) {
        PyErr_SetObject(PyExc_RuntimeError, disabled);
        return nullptr;
    }
    pairs.push_back({Py_NewRef(args[0]), Py_NewRef(args[1])});
    modes.set(kSavedHooks, true);
    Py_RETURN_NONE;
}

PyObject* pop_hooks(PyObject*, PyObject*) {
    if (!pairs.empty()) {
        const SavedHookPair pair = pairs.back();
        pairs.pop_back();
        Py_DECREF(pair.pack);
        Py_DECREF(pair.unpack);
    }
    modes.set(kSavedHooks, !pairs.empty());
    Py_RETURN_NONE;
}

/// Refuses hooks with the given message, or allows them again with None; returns what was set before.
PyObject* disable_hooks(PyObject*, PyObject* message) {
    if (message != Py_None && !pairs.empty()) {
        PyErr_SetObject(PyExc_RuntimeError, message);
        return nullptr;
    }
    PyObject* before = disabled ? disabled : Py_NewRef(Py_None);
    disabled = message == Py_None ? nullptr : Py_NewRef(message);
    return before;
}

PyMethodDef functions[] = {
    {"_push_saved_tensors_hooks", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(push_hooks)),
     METH_FASTCALL,
     "Values saved from now on in this thread go through pack(x) and come back through unpack(packed)."},
    {"_pop_saved_tensors_hooks", pop_hooks, METH_NOARGS, "Ends the innermost pair of hooks."},
    {"_disable_saved_tensors_hooks", disable_hooks, METH_O,
     "Refuses hooks with this message; None allows them."},
    {}};

}  // namespace

std::vector<SavedHookPair>& saved_hook_pairs() { return pairs; }

void install_saved_hooks(nb::module_& m) {
    saved_hooks = {pack, unpack_value};
    if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw nb::python_error();
}

}  // namespace tapeless
