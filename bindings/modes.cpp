// The modes of a thread as Python sets them: functions, and the fast context behind no_grad and enable_grad.
#include "graph/modes.h"
#include "bindings/hooks.h"
#include "graph/anomaly.h"

namespace tapeless {
namespace {

/// Inside inference mode nothing is recorded, whatever grad mode is asked for.
void set_grad_mode(bool enabled) { modes.set(kNoGrad, !enabled || modes.has(kInference)); }

/// A context that sets grad mode to its class's `_enabled`. What it replaced is kept as a stack of bits, so that one
/// object may be entered again while it is active.
struct GradMode {
    PyObject_HEAD std::uint64_t before;
    bool enabled;
};

PyObject* grad_mode_new(PyTypeObject* type, PyObject* args, PyObject*) {
    static PyObject* const attribute = PyUnicode_InternFromString("_enabled");
    const Owned enabled(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), attribute));
    if (!enabled) return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    reinterpret_cast<GradMode*>(self)->enabled = enabled.get() == Py_True;
    if (PyTuple_GET_SIZE(args) == 0 || PyTuple_GET_ITEM(args, 0) == Py_None) return self;
    PyObject* decorated =
        PyObject_CallOneArg(self, PyTuple_GET_ITEM(args, 0));  // `@no_grad` without parentheses
    Py_DECREF(self);
    return decorated;
}

void grad_mode_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* grad_mode_enter(PyObject* self, PyObject*) {
    GradMode& mode = *reinterpret_cast<GradMode*>(self);
    mode.before = mode.before << 1 | (grad_enabled() ? 1 : 0);
    set_grad_mode(mode.enabled);
    Py_RETURN_NONE;
}

PyObject* grad_mode_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
    GradMode& mode = *reinterpret_cast<GradMode*>(self);
    set_grad_mode(mode.before & 1);
    mode.before >>= 1;
    Py_RETURN_NONE;
}

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef grad_mode_methods[] = {
    {"__enter__", grad_mode_enter, METH_NOARGS, "Sets the mode."},
    {"__exit__", fast(grad_mode_exit), METH_FASTCALL, "Restores the mode that was set before."},
    {}};

PyObject* set_grad(PyObject*, PyObject* enabled) {
    const int value = PyObject_IsTrue(enabled);
    if (value < 0) return nullptr;
    set_grad_mode(value);
    Py_RETURN_NONE;
}

PyObject* grad_is_enabled(PyObject*, PyObject*) { return PyBool_FromLong(grad_enabled()); }
PyObject* inference_is_enabled(PyObject*, PyObject*) { return PyBool_FromLong(modes.has(kInference)); }

/// Switches inference mode, which brings grad mode with it; returns both as they were, for `_restore_inference_mode`.
PyObject* set_inference(PyObject*, PyObject* enabled) {
    const int value = PyObject_IsTrue(enabled);
    if (value < 0) return nullptr;
    const std::uint32_t before = modes.word & (kInference | kNoGrad);
    modes.set(kInference, value);
    modes.set(kNoGrad, value);
    return PyLong_FromUnsignedLong(before);
}

PyObject* restore_inference(PyObject*, PyObject* before) {
    const unsigned long word = PyLong_AsUnsignedLong(before);
    if (PyErr_Occurred()) return nullptr;
    modes.set(kInference, word & kInference);
    modes.set(kNoGrad, word & kNoGrad);
    Py_RETURN_NONE;
}

PyObject* set_anomaly(PyObject*, PyObject* args) {
    int enabled = 0, check = 1;
    if (!PyArg_ParseTuple(args, "p|p", &enabled, &check)) return nullptr;
    modes.set(kAnomaly, enabled);
    anomaly.checks_values = check;
    Py_RETURN_NONE;
}

PyObject* anomaly_is_enabled(PyObject*, PyObject*) { return PyBool_FromLong(modes.has(kAnomaly)); }
PyObject* anomaly_checks_nan(PyObject*, PyObject*) { return PyBool_FromLong(anomaly.checks_values); }

PyObject* python_made = nullptr;
PyObject* python_failed = nullptr;

void note_made(Node& node, Node* running) {
    PyObject* parent = running ? as_python(running) : Py_None;
    owned(PyObject_CallFunctionObjArgs(python_made, as_python(&node), parent, nullptr));
}

/// Keeps the exception that is set, if one is, unless the warning becomes one.
void report_failed(Node& node) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    const Owned result(PyObject_CallOneArg(python_failed, as_python(&node)));
    if (result) return PyErr_Restore(type, value, trace);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    throw nb::python_error();
}

PyObject* set_anomaly_calls(PyObject*, PyObject* args) {
    PyObject *made = nullptr, *failed = nullptr;
    if (!PyArg_ParseTuple(args, "OO", &made, &failed)) return nullptr;
    Py_XSETREF(python_made, Py_NewRef(made));
    Py_XSETREF(python_failed, Py_NewRef(failed));
    anomaly_calls = {note_made, report_failed};
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"_set_grad_enabled", set_grad, METH_O, "Switches recording for this thread."},
    {"is_grad_enabled", grad_is_enabled, METH_NOARGS, "Whether operations are recorded in this thread."},
    {"_set_inference_mode", set_inference, METH_O,
     "Switches inference mode; returns the modes as they were."},
    {"_restore_inference_mode", restore_inference, METH_O,
     "Undoes _set_inference_mode, given what it returned."},
    {"is_inference_mode_enabled", inference_is_enabled, METH_NOARGS,
     "Whether this thread is in inference mode."},
    {"_set_anomaly", set_anomaly, METH_VARARGS, "Switches anomaly detection, and whether it looks for NaN."},
    {"_set_anomaly_calls", set_anomaly_calls, METH_VARARGS,
     "Says what to call when a node is made, and when one fails, in anomaly mode."},
    {"is_anomaly_enabled", anomaly_is_enabled, METH_NOARGS,
     "Whether anomaly detection is on in this thread."},
    {"is_anomaly_check_nan_enabled", anomaly_checks_nan, METH_NOARGS,
     "Whether anomaly detection looks for NaN."},
    {}};

}  // namespace

void define_modes(nb::module_& m) {
    if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw nb::python_error();
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(grad_mode_new)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(grad_mode_dealloc)},
                           {Py_tp_methods, grad_mode_methods},
                           {0, nullptr}};
    PyType_Spec spec = {"tapeless._core._GradMode", sizeof(GradMode), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    m.attr("_GradMode") = nb::steal(checked(PyType_FromSpec(&spec)));
}

}  // namespace tapeless
