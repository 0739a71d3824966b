// Numbers from Python into tensors and back: nested sequences, array scalars, nested lists of elements.
#include <cmath>
#include <cstring>

#include "bindings/creation.h"
#include "bindings/interop.h"
#include "ops/fresh.h"

namespace tapeless {
namespace {

constexpr int kDeepest = 64;

const char* type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }
bool is_text(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object); }

/// Numbers and what stands for one: tensors, NumPy's scalars and 0-dimensional arrays.
bool is_number(PyObject* object) {
    return PyFloat_Check(object) || PyLong_Check(object) || is_tensor(object) || !PySequence_Check(object) ||
           is_array_scalar(object);
}

/// The sizes that the first elements at each depth tell; all others are checked when they are read.
Dims sizes_of_data(PyObject* data) {
    Dims sizes;
    nb::object current = nb::borrow(data);
    while (!is_number(current.ptr())) {
        if (is_text(current.ptr()) || sizes.size() == kDeepest) {
            fail(ErrorKind::Value, "too many dimensions '", type_name(current.ptr()), "'");
        }
        const Py_ssize_t length = PySequence_Size(current.ptr());
        if (length < 0) throw nb::python_error();
        sizes.push_back(length);
        if (length == 0) break;
        current = nb::steal(checked(PySequence_GetItem(current.ptr(), 0)));
    }
    return sizes;
}

// ---- which dtype ----

/// The least dtype that holds everything seen so far.
class Inference {
public:
    void look_at(PyObject* object, int depth) {
        if (Py_TYPE(object) == last_) return;
        if (PyFloat_CheckExact(object) || PyLong_CheckExact(object) || PyBool_Check(object)) {
            last_ = Py_TYPE(object);
            add(PyFloat_CheckExact(object) ? default_dtype()
                : PyBool_Check(object)     ? DType::Bool
                                           : DType::Int64);
        } else if (PyList_Check(object) || PyTuple_Check(object)) {
            look_into(object, depth);
        } else {
            look_closer(object, depth);
        }
    }
    DType found() const { return found_.value_or(default_dtype()); }

private:
    void add(DType dtype) { found_ = found_ ? promote(*found_, dtype) : dtype; }

    void look_into(PyObject* sequence, int depth) {
        if (depth == kDeepest) fail(ErrorKind::Value, "too many dimensions '", type_name(sequence), "'");
        nb::object items = nb::steal(checked(PySequence_Fast(sequence, "not a sequence")));
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
            look_at(PySequence_Fast_GET_ITEM(items.ptr(), i), depth + 1);
        }
    }
    void look_closer(PyObject* object, int depth) {
        if (is_tensor(object)) return add(body(object)->dtype);
        if (is_text(object)) fail(ErrorKind::Type, "new(): invalid data type '", type_name(object), "'");
        if (is_array(object) || is_array_scalar(object)) return add(array_dtype(object));
        if (PyFloat_Check(object)) return add(default_dtype());
        if (PyLong_Check(object)) return add(DType::Int64);
        if (PyComplex_Check(object)) return add(complex_of(default_dtype()));
        if (PySequence_Check(object)) return look_into(object, depth);
        check(PyIndex_Check(object), "Could not infer dtype of ", type_name(object));
        add(DType::Int64);
    }

    std::optional<DType> found_;
    PyTypeObject* last_ = nullptr;  ///< type of the last number: lists mostly hold one type
};

// ---- reading numbers ----

[[noreturn]] void refuse_integer(PyObject* object) {
    fail(ErrorKind::Type, "'", type_name(object), "' object cannot be interpreted as an integer");
}

std::int64_t whole_number(PyObject* object, DType dtype) {
    if (PyLong_Check(object)) {
        int overflow = 0;
        const std::int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow) fail(ErrorKind::Value, "Overflow when unpacking long long");
        return value;
    }
    if (PyFloat_Check(object) ||
        (!PyIndex_Check(object) && PyNumber_Check(object) && !PyComplex_Check(object))) {
        const double value = PyFloat_AsDouble(object);
        if (value == -1.0 && PyErr_Occurred()) throw nb::python_error();
        check(value >= -0x1p63 && value < 0x1p63, "value cannot be converted to type ", facts(dtype).name,
              " without overflow");
        return static_cast<std::int64_t>(value);
    }
    if (!PyIndex_Check(object)) refuse_integer(object);
    nb::object index = nb::steal(checked(PyNumber_Index(object)));
    return whole_number(index.ptr(), dtype);
}

double real_number(PyObject* object) {
    const double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        if (!PyComplex_Check(object)) throw nb::python_error();
        PyErr_Clear();
        fail(ErrorKind::Type, "must be real number, not complex");
    }
    return value;
}

Scalar only_element(const TensorBody& x) {
    if (x.numel != 1) fail(ErrorKind::Value, "only one element tensors can be converted to Python scalars");
    check(x.device.type == DeviceType::CPU, "Cannot copy out of meta tensor; no data!");
    return item(x);
}

template <class T> T number_from(PyObject* object, DType dtype) {
    if constexpr (std::is_floating_point_v<T>) {
        if (PyFloat_CheckExact(object)) [[likely]]
            return static_cast<T>(PyFloat_AS_DOUBLE(object));
    }
    if (is_tensor(object)) return only_element(*body(object)).to<T>();
    if constexpr (std::is_same_v<T, bool>) {
        if (!PyNumber_Check(object)) refuse_integer(object);
        const int truth = PyObject_IsTrue(object);
        if (truth < 0) throw nb::python_error();
        return truth;
    } else if constexpr (std::is_integral_v<T>) {
        const std::int64_t value = whole_number(object, dtype);
        if constexpr (sizeof(T) < 8) {
            constexpr std::int64_t largest = std::numeric_limits<T>::max();
            constexpr std::int64_t lowest = std::is_unsigned_v<T> ? -largest : -largest - 1;
            check(value >= lowest && value <= largest, "value cannot be converted to type ",
                  facts(dtype).name, " without overflow");
        }
        return static_cast<T>(value);
    } else if constexpr (is_complex_type<T>) {
        const Py_complex value = PyComplex_AsCComplex(object);
        if (value.real == -1.0 && PyErr_Occurred()) throw nb::python_error();
        return convert<T>(Complex<double>{value.real, value.imag});
    } else {
        return convert<T>(real_number(object));
    }
}

/// Reads nested sequences of known sizes, element after element.
class Reader {
public:
    Reader(const Dims& sizes, DType dtype, char* out) : sizes_(sizes), dtype_(dtype), out_(out) {}

    void read(PyObject* data, int dim) {
        if (dim == sizes_.size()) {
            visit(dtype_, [&]<class T>(Type<T>) { put(number_from<T>(data, dtype_)); });
            return;
        }
        if (PyNumber_Check(data) && !PySequence_Check(data)) fail(ErrorKind::Type, "not a sequence");
        if (is_tensor(data))
            fail(ErrorKind::Value, "only one element tensors can be converted to Python scalars");
        nb::object items = nb::steal(checked(PySequence_Fast(data, "not a sequence")));
        const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.ptr());
        if (count != sizes_[dim]) {
            fail(ErrorKind::Value, "expected sequence of length ", sizes_[dim], " at dim ", dim, " (got ",
                 count, ")");
        }
        if (dim + 1 < sizes_.size()) {
            for (Py_ssize_t i = 0; i < count; ++i) read(item_at(items, i, count), dim + 1);
        } else {
            visit(dtype_, [&]<class T>(Type<T>) {
                for (Py_ssize_t i = 0; i < count; ++i) put(number_from<T>(item_at(items, i, count), dtype_));
            });
        }
    }

private:
    template <class T> void put(T value) {
        std::memcpy(out_, &value, sizeof(T));
        out_ += sizeof(T);
    }
    /// Reading a number may run the caller's code, which may have shortened the list.
    static PyObject* item_at(const nb::object& items, Py_ssize_t index, Py_ssize_t count) {
        if (PySequence_Fast_GET_SIZE(items.ptr()) != count) {
            fail(ErrorKind::Runtime,
                 "tensor: the sequence changed while it was read; give one that stays as it is");
        }
        return PySequence_Fast_GET_ITEM(items.ptr(), index);
    }

    const Dims& sizes_;
    DType dtype_;
    char* out_;
};

Tensor copy_to(const Tensor& x, std::optional<DType> dtype, Device device) {
    const DType wanted = dtype.value_or(x->dtype);
    if (device.type != x->device.type) {
        check(x->device.type == DeviceType::CPU, "Cannot copy out of meta tensor; no data!");
        return fresh(x->sizes, wanted, device);
    }
    return x->dtype == wanted ? marked(dense_copy(x, false)) : converted(x, wanted);
}

bool has_dlpack(PyObject* object) {
    return !PyList_Check(object) && !PyTuple_Check(object) && PyObject_HasAttrString(object, "__dlpack__");
}

// ---- nested lists ----

PyObject* number_to_python(bool value) { return PyBool_FromLong(value); }
template <class T> PyObject* number_to_python(T value) {
    if constexpr (std::is_integral_v<T>)
        return PyLong_FromLongLong(static_cast<long long>(value));
    else if constexpr (is_complex_type<T>)
        return PyComplex_FromDoubles(value.re, value.im);
    else
        return PyFloat_FromDouble(convert<double>(value));
}

template <class T> PyObject* list_of(const TensorBody& x, const T* values, int dim) {
    if (dim == x.dim()) return checked(number_to_python(*values));
    nb::object list = nb::steal(checked(PyList_New(x.sizes[dim])));
    for (std::int64_t i = 0; i < x.sizes[dim]; ++i) {
        PyList_SET_ITEM(list.ptr(), i, list_of(x, values + i * x.strides[dim], dim + 1));
    }
    return list.release().ptr();
}

PyObject* tolist(PyObject* self, PyObject*) {
    return guarded([&] { return nested_list(*body(self)); });
}

PyMethodDef methods[] = {
    {"tolist", tolist, METH_NOARGS, "The elements as nested lists of numbers; a number for 0 dimensions."},
    {}};

}  // namespace

PyObject* nested_list(const TensorBody& x) {
    if (x.device.type != DeviceType::CPU)
        fail(ErrorKind::NotImplemented, "Cannot copy out of meta tensor; no data!");
    return visit(x.dtype, [&]<class T>(Type<T>) { return list_of(x, data<T>(x), 0); });
}

Tensor tensor_of_data(PyObject* data, std::optional<DType> dtype, Device device) {
    if (is_tensor(data)) return copy_to(tensor_from(data), dtype, device);
    if (is_text(data)) fail(ErrorKind::Type, "new(): invalid data type '", type_name(data), "'");
    const bool number = is_number(data);
    if (!number && is_array(data)) return copy_to(tensor_over_array(data, false), dtype, device);
    if (number && !PyFloat_Check(data) && !PyLong_Check(data) && !is_array_scalar(data) && has_dlpack(data)) {
        return copy_to(tensor_from_dlpack(data), dtype, device);
    }
    const Dims sizes = number ? Dims() : sizes_of_data(data);
    if (!dtype) {
        Inference inference;
        inference.look_at(data, 0);
        dtype = inference.found();
    }
    const Tensor out = fresh(sizes, *dtype, {});
    Reader(sizes, *dtype, fresh_bytes(out)).read(data, 0);
    return device.type == DeviceType::CPU ? out : fresh(sizes, *dtype, device);
}

void define_data(nb::module_& m) {
    add_methods(methods);
    m.def(
        "_tensor_of_data",
        [](nb::handle data, nb::handle dtype, nb::handle device) {
            std::optional<DType> wanted;
            if (!dtype.is_none()) wanted = dtype_from(dtype.ptr());
            return tensor_of_data(data.ptr(), wanted,
                                  device.is_none() ? Device{} : device_from(device.ptr()));
        },
        nb::arg("data"), nb::arg("dtype").none(), nb::arg("device").none());
}

}  // namespace tapeless
