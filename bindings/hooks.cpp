// Hooks: registering callables at tensors and nodes, and calling them from the engine.
//
// Note [Private gradients]
// A gradient may be referred to from several slots at once (both sides of a sum get the same one). What user code sees
// is a copy whose bytes are copied only when somebody writes, so a write in a hook changes nothing but that hook's
// gradient. The engine goes on with the copy, because a write in a hook is meant to change the gradient.
#include "bindings/hooks.h"

#include <algorithm>

#include "autograd/engine.h"
#include "base/faults.h"
#include "ops/structured.h"

namespace tapeless {

Tensor private_copy(const Tensor& g) {
    if (planted(Fault::HookShared)) return g;
    const bool recorded = grad_enabled() && (g->grad_fn || g->requires_grad);
    if (recorded && !g->grad_fn) return g;  // A leaf: PyTorch's rules refuse writes to it.
    Tensor copy = lifted(g)                  ? rewrapped(g, private_copy)
                  : has_internal_overlap(*g) ? dense_copy(g, true)
                                             : lazy_copy(g);
    if (recorded) {
        object_hooks.track(copy.get());
        copy->grad_fn = g->grad_fn;
        copy->output = g->output;
    }
    return copy;
}

Tensor private_gradient(const Tensor& g) {
    const bool alone =
        g->refs == 1 && g->storage->refs == 1 && !view_of(*g) && !g->grad_fn && !g->requires_grad;
    return alone && !has_internal_overlap(*g) ? g : private_copy(g);
}

namespace {

std::string hook_name(PyObject* hook) {
    const Owned name(PyObject_GetAttrString(hook, "__name__"));
    const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
    PyErr_Clear();
    return text ? text : "<unknown>";
}

std::string kind_of(const Tensor& x) {
    const std::string all = describe(*x);
    return all.substr(0, all.find(' '));
}

/// What a hook gave back instead of `before`; null for None.
Tensor replacement(const Tensor& before, PyObject* result, PyObject* hook) {
    if (result == Py_None) return {};
    check(static_cast<bool>(before), "can't replace a None gradient with a non-None value");
    if (!is_tensor(result)) {
        fail(ErrorKind::Type, "expected Variable, but hook returned '", type_name(result), "'");
    }
    Tensor after = tensor_from(result);
    check(after->dtype == before->dtype && after->device.type == before->device.type, "hook '",
          hook_name(hook), "' has changed the type of value (was ", kind_of(before), " got ", kind_of(after),
          ")");
    check(after->sizes == before->sizes, "hook '", hook_name(hook), "' has changed the size of value");
    return after;
}

/// The callables as they are now: a hook may remove itself or others while it runs.
Owned snapshot(const Foreign& hooks) { return owned(PyDict_Values(python(hooks))); }

Tensor call_tensor_hooks(const Foreign& hooks, const Tensor& given) {
    if (!given) return given;
    const Owned callables = snapshot(hooks);
    const Py_ssize_t count = PyList_GET_SIZE(callables.get());
    if (count == 0) return given;
    Tensor g = private_copy(given);
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* hook = PyList_GET_ITEM(callables.get(), i);
        const Owned result = owned(PyObject_CallOneArg(hook, as_python(g.get())));
        if (Tensor after = replacement(g, result.get(), hook)) g = std::move(after);
    }
    return private_gradient(g);
}

/// A tuple of private gradients, None where there is none.
Owned gradients_to_python(Gradients gradients, int count) {
    Owned tuple = owned(PyTuple_New(count));
    for (int i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(tuple.get(), i, to_python(gradients[i] ? private_copy(gradients[i]) : Tensor()));
    }
    return tuple;
}

/// What the engine goes on with after user code has seen `tuple`.
void gradients_from_python(const Owned& tuple, Gradients gradients, int count) {
    for (int i = 0; i < count; ++i) {
        PyObject* item = PyTuple_GET_ITEM(tuple.get(), i);
        gradients[i] = item == Py_None ? Tensor() : private_copy(tensor_from(item));
    }
}

/// Checks what a node hook returned instead of `current`.
Owned merged(const Owned& current, PyObject* values, PyObject* hook) {
    if (!PyTuple_Check(values)) {
        fail(ErrorKind::Type, "expected tuple, but hook returned '", type_name(values), "'");
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(current.get());
    check(PyTuple_GET_SIZE(values) == count, "hook '", hook_name(hook),
          "' has returned an incorrect number of values (got ", PyTuple_GET_SIZE(values), ", but expected ",
          count, ")");
    Owned next = owned(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* before = PyTuple_GET_ITEM(current.get(), i);
        PyObject* after = PyTuple_GET_ITEM(values, i);
        replacement(before == Py_None ? Tensor() : tensor_from(before), after, hook);
        PyTuple_SET_ITEM(next.get(), i, Py_NewRef(after));
    }
    return next;
}

void call_pre_hooks(const Foreign& hooks, Gradients gradients, int count) {
    const Owned callables = snapshot(hooks);
    if (PyList_GET_SIZE(callables.get()) == 0) return;
    Owned current = gradients_to_python(gradients, count);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callables.get()); ++i) {
        PyObject* hook = PyList_GET_ITEM(callables.get(), i);
        const Owned result = owned(PyObject_CallOneArg(hook, current.get()));
        if (result.get() != Py_None) current = merged(current, result.get(), hook);
    }
    gradients_from_python(current, gradients, count);
}

void call_post_hooks(const Foreign& hooks, Gradients out, int out_count, Gradients in, int in_count) {
    const Owned callables = snapshot(hooks);
    if (PyList_GET_SIZE(callables.get()) == 0) return;
    Owned current = gradients_to_python(out, out_count);
    const Owned arrived = gradients_to_python(in, in_count);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callables.get()); ++i) {
        PyObject* hook = PyList_GET_ITEM(callables.get(), i);
        PyObject* arguments[] = {current.get(), arrived.get()};
        const Owned result = owned(PyObject_Vectorcall(hook, arguments, 2, nullptr));
        if (result.get() != Py_None) current = merged(current, result.get(), hook);
    }
    gradients_from_python(current, out, out_count);
}

void call_post_accumulate_hooks(const Foreign& hooks, const Tensor& x) {
    const Owned callables = snapshot(hooks);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callables.get()); ++i) {
        const Owned result =
            owned(PyObject_CallOneArg(PyList_GET_ITEM(callables.get(), i), as_python(x.get())));
        check(result.get() == Py_None, "Tensor post accumulate grad hooks should return None.");
    }
}

void keep_gradient(const Tensor& x, const Tensor& g) {
    Autograd& slot = autograd_of(x);
    slot.grad = slot.grad ? apply(row("add"), slot.grad, g) : private_copy(g);
}

/// Puts `callable` into the ordered dict that `hooks` holds, made if there is none, and returns the handle.
PyObject* add_hook(Foreign& hooks, PyObject* callable) {
    static PyObject* const ordered =
        owned(PyObject_GetAttrString(owned(PyImport_ImportModule("collections")).get(), "OrderedDict"))
            .detach();
    static PyObject* const handles =
        owned(PyObject_GetAttrString(owned(PyImport_ImportModule("tapeless.utils.hooks")).get(),
                                     "RemovableHandle"))
            .detach();
    if (!hooks) hooks = foreign(owned(PyObject_CallNoArgs(ordered)));
    Owned handle = owned(PyObject_CallOneArg(handles, python(hooks)));
    const Owned id = owned(PyObject_GetAttrString(handle.get(), "id"));
    if (PyObject_SetItem(python(hooks), id.get(), callable) < 0) throw nb::python_error();
    return handle.detach();
}

}  // namespace

PyObject* register_tensor_hook(const Tensor& x, PyObject* callable) {
    check(requires_grad(x), "cannot register a hook on a tensor that doesn't require gradient");
    Node* node = grad_fn(x);
    if (!node) return add_hook(autograd_of(x).hooks, callable);
    NodeExtra& extra = node->more();
    if (extra.tensor_hooks.size() <= x->output) {
        extra.tensor_hooks.resize(std::max<std::size_t>(node->output_count, x->output + 1));
    }
    return add_hook(extra.tensor_hooks[x->output], callable);
}

PyObject* tensor_hooks(const Tensor& x) {
    Node* node = grad_fn(x);
    if (!node) return x->autograd ? python(x->autograd->hooks) : nullptr;
    const bool any = node->extra && x->output < node->extra->tensor_hooks.size();
    return any ? python(node->extra->tensor_hooks[x->output]) : nullptr;
}

PyObject* register_post_accumulate_hook(const Tensor& x, PyObject* callable) {
    check(requires_grad(x), "cannot register a hook on a tensor that doesn't require gradient");
    check(is_leaf(x), "post accumulate grad hooks cannot be registered on non-leaf tensors");
    return add_hook(autograd_of(x).post_accumulate, callable);
}

PyObject* register_node_hook(Node& node, PyObject* callable, bool pre) {
    NodeExtra& extra = node.more();
    return add_hook(pre ? extra.pre_hooks : extra.post_hooks, callable);
}

void retain_grad(const Tensor& x) {
    check(requires_grad(x), "can't retain_grad on Tensor that has requires_grad=False");
    Node* node = grad_fn(x);
    if (!node) return;
    NodeExtra& extra = node->more();
    if (extra.retained.size() <= x->output) {
        extra.retained.resize(std::max<std::size_t>(node->output_count, x->output + 1));
    }
    extra.retained[x->output] = x;
    autograd_of(x).retains_grad = true;
}

void install_hook_calls() {
    hook_calls = {call_tensor_hooks, call_pre_hooks, call_post_hooks, call_post_accumulate_hooks,
                  keep_gradient};
}

}  // namespace tapeless
