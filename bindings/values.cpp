// dtype, device and Size as Python objects, and conversions of numbers and lists both ways.
#include <cstring>

#include "base/linalg_error.h"
#include "bindings/python.h"
#include "graph/node.h"

namespace tapeless {

PyTypeObject* size_type = nullptr;

namespace {

/// A dtype's one object; identity is what programs compare.
struct DTypeObject {
    PyObject_HEAD DType dtype;
};
PyTypeObject* dtype_type = nullptr;
PyObject* dtype_objects[kDTypes];

struct DeviceObject {
    PyObject_HEAD Device device;
};
PyTypeObject* device_type = nullptr;

DType dtype_of(PyObject* self) { return reinterpret_cast<DTypeObject*>(self)->dtype; }
const Device& device_of(PyObject* self) { return reinterpret_cast<DeviceObject*>(self)->device; }

PyObject* dtype_repr(PyObject* self) { return PyUnicode_FromFormat("torch.%s", facts(dtype_of(self)).name); }
PyObject* dtype_reduce(PyObject* self, PyObject*) { return PyUnicode_FromString(facts(dtype_of(self)).name); }

PyGetSetDef dtype_getset[] = {
    {"is_floating_point", [](PyObject* s, void*) { return PyBool_FromLong(is_floating(dtype_of(s))); },
     nullptr, "Whether values are floating point.", nullptr},
    {"is_complex", [](PyObject* s, void*) { return PyBool_FromLong(is_complex(dtype_of(s))); }, nullptr,
     "Whether values are complex.", nullptr},
    {"is_signed",
     [](PyObject* s, void*) {
         return PyBool_FromLong(dtype_of(s) != DType::Bool && dtype_of(s) != DType::UInt8);
     },
     nullptr, "Whether values can be negative.", nullptr},
    {"itemsize", [](PyObject* s, void*) { return PyLong_FromSize_t(size_of(dtype_of(s))); }, nullptr,
     "Bytes of one element.", nullptr},
    {}};
PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_real", [](PyObject* s, PyObject*) { return to_python(real_of(dtype_of(s))); }, METH_NOARGS,
     "The dtype of the real part."},
    {"to_complex", [](PyObject* s, PyObject*) { return to_python(complex_of(dtype_of(s))); }, METH_NOARGS,
     "The complex dtype of the same precision."},
    {}};

PyObject* device_repr(PyObject* self) {
    const Device& device = device_of(self);
    if (device.index < 0) return PyUnicode_FromFormat("device(type='%s')", name(device.type));
    return PyUnicode_FromFormat("device(type='%s', index=%d)", name(device.type), device.index);
}
PyObject* device_str(PyObject* self) {
    const Device& device = device_of(self);
    if (device.index < 0) return PyUnicode_FromString(name(device.type));
    return PyUnicode_FromFormat("%s:%d", name(device.type), device.index);
}
PyObject* device_compare(PyObject* self, PyObject* other, int op) {
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(other) != device_type) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong((device_of(self) == device_of(other)) == (op == Py_EQ));
}
Py_hash_t device_hash(PyObject* self) {
    return static_cast<Py_hash_t>(device_of(self).type) * 64 + device_of(self).index + 1;
}
PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
    static const char* const names[] = {"type", "index", nullptr};
    PyObject *what = nullptr, *index = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &what, &index))
        return nullptr;
    return guarded([&] {
        Device device = device_from(what);
        if (index != Py_None) device.index = static_cast<std::int8_t>(integer_from(index, "device index"));
        return to_python(device);
    });
}
PyObject* device_reduce(PyObject* self, PyObject*) {
    return Py_BuildValue("O(N)", reinterpret_cast<PyObject*>(device_type), device_str(self));
}
PyGetSetDef device_getset[] = {
    {"type", [](PyObject* s, void*) { return PyUnicode_FromString(name(device_of(s).type)); }, nullptr,
     "The kind of device.", nullptr},
    {"index",
     [](PyObject* s, void*) -> PyObject* {
         if (device_of(s).index < 0) Py_RETURN_NONE;
         return PyLong_FromLong(device_of(s).index);
     },
     nullptr, "Which device of the kind, or None.", nullptr},
    {}};
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr}, {}};

PyTypeObject* make_type(const char* name, int size, PyType_Slot* slots) {
    PyType_Spec spec = {name, size, 0, Py_TPFLAGS_DEFAULT, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
}

PyObject* tuple_of(PyTypeObject* type, const Dims& values) {
    PyObject* tuple = checked(type->tp_alloc(type, values.size()));
    for (int i = 0; i < values.size(); ++i) PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(values[i]));
    return tuple;
}

}  // namespace

PyObject* to_python(DType dtype) { return Py_NewRef(dtype_objects[static_cast<int>(dtype)]); }
bool is_dtype(PyObject* object) { return Py_TYPE(object) == dtype_type; }

DType dtype_from(PyObject* object) {
    if (is_dtype(object)) return dtype_of(object);
    if (object == reinterpret_cast<PyObject*>(&PyFloat_Type)) return default_dtype();
    if (object == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::Int64;
    if (object == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::Bool;
    if (object == reinterpret_cast<PyObject*>(&PyComplex_Type)) return complex_of(default_dtype());
    fail(ErrorKind::Type, "dtype must be a torch.dtype, not ", Py_TYPE(object)->tp_name,
         "; write torch.float32 and such");
}

PyObject* to_python(const Device& device) {
    PyObject* object = checked(device_type->tp_alloc(device_type, 0));
    reinterpret_cast<DeviceObject*>(object)->device = device;
    return object;
}

Device device_from(PyObject* object) {
    if (Py_TYPE(object) == device_type) return device_of(object);
    check(!PyLong_Check(object), "Cannot access accelerator device when none is available.");
    if (!PyUnicode_Check(object)) {
        fail(ErrorKind::Type, "device must be a torch.device or text such as 'cpu', not ",
             Py_TYPE(object)->tp_name);
    }
    std::string whole = PyUnicode_AsUTF8(object);
    const std::size_t colon = whole.find(':');
    Device device;
    if (colon != std::string::npos)
        device.index = static_cast<std::int8_t>(std::atoi(whole.c_str() + colon + 1));
    const std::string kind = whole.substr(0, colon);
    std::string known;
    for (int k = 0; k < kDeviceTypes; ++k) {
        device.type = static_cast<DeviceType>(k);
        if (kind == name(device.type)) return device;
        known += (k ? ", " : "") + std::string(name(device.type));
    }
    fail(ErrorKind::Runtime, "Expected one of ", known, " device type at start of device string: ", whole);
}

bool scalar_from(PyObject* object, Scalar& value) {
    if (PyFloat_Check(object)) {
        value = Scalar(PyFloat_AS_DOUBLE(object));
        return true;
    }
    if (PyBool_Check(object)) {
        value = Scalar(object == Py_True);
        return true;
    }
    if (PyLong_Check(object)) {
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow)
            fail(ErrorKind::Overflow, "Overflow when unpacking long long: integers have 64 bits here");
        value = Scalar(static_cast<std::int64_t>(number));
        return true;
    }
    if (PyComplex_Check(object)) {
        value = Scalar(Complex<double>{PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object)});
        return true;
    }
    if (is_tensor(object) || PySequence_Check(object) || !PyNumber_Check(object)) return false;
    // NumPy's scalars: numbers that say which Python number they are.
    PyObject* plain = PyObject_CallMethod(object, "item", nullptr);
    if (!plain) {
        PyErr_Clear();
        return false;
    }
    const bool found = Py_TYPE(plain) != Py_TYPE(object) && scalar_from(plain, value);
    Py_DECREF(plain);
    return found;
}

std::int64_t integer_from(PyObject* object, const char* what) {
    if (PyLong_CheckExact(object)) {
        const std::int64_t value = PyLong_AsLongLong(object);
        if (value == -1 && PyErr_Occurred()) throw nb::python_error();
        return value;
    }
    if (is_tensor(object) && is_integral(body(object)->dtype) && body(object)->numel == 1) {
        return item(*body(object)).to<std::int64_t>();
    }
    if (PyFloat_Check(object) || !PyIndex_Check(object)) {
        fail(ErrorKind::Type, what, " must be int, not ", Py_TYPE(object)->tp_name);
    }
    PyObject* index = checked(PyNumber_Index(object));
    const std::int64_t value = PyLong_AsLongLong(index);
    Py_DECREF(index);
    if (value == -1 && PyErr_Occurred()) throw nb::python_error();
    return value;
}

Dims dims_from(PyObject* object, const char* what) {
    if (PyLong_Check(object) || PyIndex_Check(object)) return {integer_from(object, what)};
    PyObject* items = PySequence_Fast(object, "");
    if (!items) {
        PyErr_Clear();
        fail(ErrorKind::Type, what, " must be tuple of ints, not ", Py_TYPE(object)->tp_name);
    }
    Dims dims;
    try {
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); ++i) {
            dims.push_back(integer_from(PySequence_Fast_GET_ITEM(items, i), what));
        }
    } catch (...) {
        Py_DECREF(items);
        throw;
    }
    Py_DECREF(items);
    return dims;
}

std::vector<Tensor> tensors_from(PyObject* object, const char* what) {
    PyObject* items = is_tensor(object) ? nullptr : PySequence_Fast(object, "");
    if (!items) {
        PyErr_Clear();
        fail(ErrorKind::Type, what, " must be tuple of Tensors, not ", Py_TYPE(object)->tp_name);
    }
    std::vector<Tensor> tensors;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); ++i) {
        PyObject* element = PySequence_Fast_GET_ITEM(items, i);
        if (!is_tensor(element)) {
            const std::string kind = Py_TYPE(element)->tp_name;
            Py_DECREF(items);
            fail(ErrorKind::Type, "expected Tensor as element ", i, " in ", what, ", but got ", kind);
        }
        tensors.push_back(tensor_from(element));
    }
    Py_DECREF(items);
    return tensors;
}

PyObject* size_to_python(const Dims& sizes) { return tuple_of(size_type, sizes); }
PyObject* dims_to_python(const Dims& strides) { return tuple_of(&PyTuple_Type, strides); }

PyObject* to_python(const Scalar& value) {
    switch (value.category()) {
        case Category::Bool:
            return PyBool_FromLong(value.to<bool>());
        case Category::Integer:
            return PyLong_FromLongLong(value.to<std::int64_t>());
        case Category::Floating:
            return PyFloat_FromDouble(value.to<double>());
        case Category::Complex:
            break;
    }
    const Complex<double> number = value.to<Complex<double>>();
    return PyComplex_FromDoubles(number.re, number.im);
}

PyObject* to_python(const std::vector<Tensor>& tensors) {
    PyObject* tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(tensors.size())));
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), to_python(tensors[i]));
    }
    return tuple;
}

PyObject* to_python(AnyValue value) {
    return std::visit(
        [](auto&& held) -> PyObject* {
            using T = std::remove_cvref_t<decltype(held)>;
            if constexpr (std::is_same_v<T, std::monostate>) {
                Py_RETURN_NONE;
            } else if constexpr (std::is_same_v<T, Tensor>) {
                return to_python(std::move(held));
            } else if constexpr (std::is_same_v<T, bool>) {
                return PyBool_FromLong(held);
            } else if constexpr (std::is_same_v<T, std::int64_t>) {
                return PyLong_FromLongLong(held);
            } else if constexpr (std::is_same_v<T, double>) {
                return PyFloat_FromDouble(held);
            } else if constexpr (std::is_same_v<T, Dims>) {
                return size_to_python(held);
            } else if constexpr (std::is_same_v<T, std::string>) {
                return PyUnicode_FromStringAndSize(held.data(), static_cast<Py_ssize_t>(held.size()));
            } else {
                return to_python(held);
            }
        },
        std::move(value));
}

namespace {

PyObject* linalg_error() {
    static PyObject* const kind = PyErr_NewExceptionWithDoc(
        "torch._C._LinAlgError",
        "A matrix is singular, not positive definite, or its decomposition did not converge.",
        PyExc_RuntimeError, nullptr);
    return kind;
}

}  // namespace

void set_python_error() {
    static PyObject* const kinds[] = {PyExc_RuntimeError, PyExc_TypeError,           PyExc_ValueError,
                                      PyExc_IndexError,   PyExc_NotImplementedError, PyExc_OverflowError,
                                      PyExc_BufferError,  PyExc_AssertionError,      PyExc_RuntimeError};
    try {
        throw;
    } catch (const LinAlgError& error) {
        PyErr_SetString(linalg_error(), error.what());
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Python && PyErr_Occurred()) return;
        const int kind = error.kind() == ErrorKind::Python ? 0 : static_cast<int>(error.kind());
        std::string message = error.what();
        // Where deferred work runs out of memory, a traceback alone would show the line that read the result.
        const bool placed = error.kind() == ErrorKind::OutOfMemory;
        if (const std::string line = placed ? location_text(current_location()) : ""; !line.empty())
            message += "\n  at " + line;
        PyErr_SetString(kinds[kind], message.c_str());
    } catch (nb::python_error& error) {
        error.restore();
    } catch (const std::bad_alloc&) {
        PyErr_SetString(PyExc_RuntimeError, "out of memory");
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
}

void define_values(nb::module_& m) {
    m.attr("LinAlgError") = nb::borrow(linalg_error());
    PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                                 {Py_tp_getset, dtype_getset},
                                 {Py_tp_methods, dtype_methods},
                                 {Py_tp_doc, const_cast<char*>("The type of a tensor's elements.")},
                                 {0, nullptr}};
    dtype_type = make_type("torch.dtype", sizeof(DTypeObject), dtype_slots);
    PyType_Slot device_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(device_repr)},
                                  {Py_tp_str, reinterpret_cast<void*>(device_str)},
                                  {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
                                  {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
                                  {Py_tp_new, reinterpret_cast<void*>(device_new)},
                                  {Py_tp_getset, device_getset},
                                  {Py_tp_methods, device_methods},
                                  {Py_tp_doc, const_cast<char*>("Where a tensor lives.")},
                                  {0, nullptr}};
    device_type = make_type("torch.device", sizeof(DeviceObject), device_slots);
    m.attr("dtype") = nb::borrow(reinterpret_cast<PyObject*>(dtype_type));
    m.attr("device") = nb::borrow(reinterpret_cast<PyObject*>(device_type));
    for (int i = 0; i < kDTypes; ++i) {
        PyObject* object = checked(dtype_type->tp_alloc(dtype_type, 0));
        reinterpret_cast<DTypeObject*>(object)->dtype = static_cast<DType>(i);
        dtype_objects[i] = object;
        m.attr(facts(static_cast<DType>(i)).name) = nb::borrow(object);
    }
    m.def("_set_size_type",
          [](nb::handle type) { size_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type.ptr())); });
    m.def("get_default_dtype", [] { return nb::steal(to_python(default_dtype())); });
    m.def("_set_default_dtype", [](nb::handle dtype) { set_default_dtype(dtype_from(dtype.ptr())); });
    m.def("promote_types", [](nb::handle x, nb::handle y) {
        return nb::steal(to_python(promote(dtype_from(x.ptr()), dtype_from(y.ptr()))));
    });
    m.def("can_cast", [](nb::handle from, nb::handle to) {
        return can_cast(dtype_from(from.ptr()), dtype_from(to.ptr()));
    });
}

}  // namespace tapeless
