// Autocast for Python: the settings of a thread, and functions written in Python that have a policy.
#include <Python.h>
#include <structmember.h>

#include "ops/autocast.h"

#include "bindings/arguments.h"
#include "bindings/hooks.h"

namespace tapeless {
namespace {

AutocastSetting& setting_of(const std::string& device) {
    AutocastSetting* setting = autocast_setting(device);
    check(setting != nullptr,
          "unknown device type for autocast in get_autocast_dispatch_key_from_device_type: ", device);
    return *setting;
}

/// A Python function with a policy: while autocast is off a call of it is a call of the function.
struct Casting {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* function;
    PyObject* dict;
    Autocast policy;
};
Casting& casting(PyObject* object) { return *reinterpret_cast<Casting*>(object); }

bool holds_tensors(PyObject* object) {
    if (!PyList_CheckExact(object) && !PyTuple_CheckExact(object)) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
        if (is_tensor(PySequence_Fast_GET_ITEM(object, i))) return true;
    }
    return false;
}

/// An argument in the policy's dtype, a new reference.
PyObject* converted(PyObject* object, DType dtype) {
    if (is_tensor(object)) {
        Tensor x = tensor_from(object);
        Tensor cast = autocast_to(dtype, x);
        return cast.get() == x.get() ? Py_NewRef(object) : to_python(std::move(cast));
    }
    if (!holds_tensors(object)) return Py_NewRef(object);
    PyObject* list = checked(PySequence_List(object));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i)
        PyList_SetItem(list, i, converted(PyList_GET_ITEM(list, i), dtype));
    if (PyList_CheckExact(object)) return list;
    PyObject* tuple = PyList_AsTuple(list);
    Py_DECREF(list);
    return checked(tuple);
}

/// Whether a call is left alone: an operand takes it over, or it writes into out=.
bool stays(PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < count + named; ++i) {
        if (is_tensor(args[i]) && !is_exact_tensor(args[i]) && overrides(args[i])) return true;
    }
    for (Py_ssize_t i = 0; i < named; ++i) {
        if (args[count + i] != Py_None &&
            !PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "out"))
            return true;
    }
    return false;
}

PyObject* call_converted(Casting& self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Py_ssize_t all = count + (names ? PyTuple_GET_SIZE(names) : 0);
    const DType dtype = autocast_dtype(self.policy, {});
    std::vector<Owned> held;
    std::vector<PyObject*> given;
    for (Py_ssize_t i = 0; i < all; ++i) {
        held.push_back(owned(converted(args[i], dtype)));
        given.push_back(held.back().get());
    }
    const ModeGuard off(kAutocast, false);
    return PyObject_Vectorcall(self.function, given.data(), static_cast<std::size_t>(count), names);
}

PyObject* casting_call(PyObject* callable, PyObject* const* args, std::size_t flagged, PyObject* names) {
    Casting& self = casting(callable);
    if (!modes.has(kAutocast) || stays(args, PyVectorcall_NARGS(flagged), names)) [[likely]]
        return PyObject_Vectorcall(self.function, args, flagged, names);
    return guarded([&] { return checked(call_converted(self, args, PyVectorcall_NARGS(flagged), names)); });
}

PyObject* casting_bind(PyObject* self, PyObject* instance, PyObject*) {
    if (!instance || instance == Py_None) return Py_NewRef(self);
    return PyMethod_New(self, instance);
}

int casting_visit(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(casting(self).function);
    Py_VISIT(casting(self).dict);
    return 0;
}

int casting_clear(PyObject* self) {
    Py_CLEAR(casting(self).function);
    Py_CLEAR(casting(self).dict);
    return 0;
}

void casting_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    casting_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/// Its name, by which pickle finds it in its module.
PyObject* casting_reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }
PyObject* casting_repr(PyObject* self) { return PyObject_Repr(casting(self).function); }

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Casting, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Casting, dict), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};
PyGetSetDef attributes[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                            {}};
PyMethodDef methods[] = {{"__reduce__", casting_reduce, METH_NOARGS, nullptr}, {}};
PyTypeObject* casting_type = nullptr;

Autocast policy_named(const std::string& name) {
    if (name == "lower") return Autocast::Lower;
    check(name == "float32", "autocast: a function in Python has the policy 'lower' or 'float32', not '",
          name, "'");
    return Autocast::Float32;
}

void define_casting(nb::module_& m) {
    PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                           {Py_tp_descr_get, reinterpret_cast<void*>(casting_bind)},
                           {Py_tp_repr, reinterpret_cast<void*>(casting_repr)},
                           {Py_tp_traverse, reinterpret_cast<void*>(casting_visit)},
                           {Py_tp_clear, reinterpret_cast<void*>(casting_clear)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(casting_dealloc)},
                           {Py_tp_members, members},
                           {Py_tp_getset, attributes},
                           {Py_tp_methods, methods},
                           {0, nullptr}};
    PyType_Spec spec = {
        "tapeless.autocast_function", sizeof(Casting), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_HAVE_GC,
        slots};
    casting_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    m.def("_casting", [](const std::string& policy, nb::object function) {
        PyObject* object = checked(casting_type->tp_alloc(casting_type, 0));
        Casting& self = casting(object);
        self.vectorcall = casting_call;
        self.policy = policy_named(policy);
        self.function = function.release().ptr();
        self.dict = checked(PyDict_New());
        return nb::steal(object);
    });
}

}  // namespace

void define_autocast(nb::module_& m) {
    define_casting(m);
    m.def("_autocast_device", [](const std::string& device) { return autocast_setting(device) != nullptr; });
    m.def("_autocast_enabled", [](const std::string& device) { return setting_of(device).enabled; });
    m.def("_set_autocast_enabled", [](const std::string& device, bool on) {
        setting_of(device).enabled = on;
        follow_autocast_setting();
    });
    m.def("_autocast_dtype",
          [](const std::string& device) { return nb::steal(to_python(setting_of(device).dtype)); });
    m.def("_set_autocast_dtype", [](const std::string& device, nb::object dtype) {
        setting_of(device).dtype = dtype_from(dtype.ptr());
    });
    m.def("is_autocast_cache_enabled", [] { return autocast_cache.enabled; });
    m.def("set_autocast_cache_enabled", [](bool on) { autocast_cache.enabled = on; });
    m.def("autocast_increment_nesting", [] { return ++autocast_cache.nesting; });
    m.def("autocast_decrement_nesting", [] { return --autocast_cache.nesting; });
    m.def("clear_autocast_cache", [] { clear_autocast_cache(); });
}

}  // namespace tapeless
