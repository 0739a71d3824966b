// What every file of the bindings shares: the layout of objects, conversions both ways, errors, and the types.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "ops/operation.h"
#include "tensor/tensor.h"

namespace nb = nanobind;

namespace tapeless {

/// The core's header is the interpreter's object head: see Note [One object, one header].
inline PyObject* as_python(Object* object) { return reinterpret_cast<PyObject*>(object); }
inline Object* as_object(PyObject* object) { return reinterpret_cast<Object*>(object); }
inline TensorBody* body(PyObject* object) { return static_cast<TensorBody*>(as_object(object)); }

extern PyTypeObject* tensor_type;  ///< tapeless.Tensor
extern PyTypeObject* size_type;    ///< tapeless.Size, a tuple

inline bool is_exact_tensor(PyObject* object) { return Py_TYPE(object) == tensor_type; }
inline bool is_tensor(PyObject* object) {
    return is_exact_tensor(object) || PyObject_TypeCheck(object, tensor_type);
}
/// A counted reference to the tensor that `object` is.
inline Tensor tensor_from(PyObject* object) { return Tensor(body(object)); }
/// A new reference for the interpreter; None for null.
inline PyObject* to_python(Tensor x) {
    if (!x) Py_RETURN_NONE;
    return as_python(x.detach());
}
PyObject* to_python(const std::vector<Tensor>& tensors);  ///< a tuple
PyObject* to_python(AnyValue value);
PyObject* to_python(const Scalar& value);
PyObject* size_to_python(const Dims& sizes);    ///< a Size
PyObject* dims_to_python(const Dims& strides);  ///< a plain tuple
PyObject* to_python(DType dtype);               ///< the one object of that dtype; new reference
PyObject* to_python(const Device& device);

bool is_dtype(PyObject* object);
DType dtype_from(PyObject* object);    ///< also accepts float, int, bool, complex
Device device_from(PyObject* object);  ///< a device, or text like "cpu", "meta", "cpu:0"
/// A Python or NumPy number, bool included; false when `object` is none.
bool scalar_from(PyObject* object, Scalar& value);
std::int64_t integer_from(PyObject* object, const char* what);
/// A sequence of integers, or one integer.
Dims dims_from(PyObject* object, const char* what);
std::vector<Tensor> tensors_from(PyObject* object, const char* what);

/// Sets the Python exception that `error` stands for; call inside a catch block.
void set_python_error();
/// Throws when the interpreter has an exception set.
struct PythonError {};
inline PyObject* checked(PyObject* result) {
    if (!result) throw nb::python_error();
    return result;
}
/// Runs `body`, turning C++ exceptions into Python ones; null on error.
template <class F> PyObject* guarded(F&& function) noexcept {
    try {
        return function();
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}
template <class F> int guarded_status(F&& function) noexcept {
    try {
        function();
        return 0;
    } catch (...) {
        set_python_error();
        return -1;
    }
}

// Parts of the module, one per file.
void define_objects(nb::module_& m);      // object.cpp: the hooks between the core and the interpreter
void define_values(nb::module_& m);       // values.cpp: dtype, device, Size
void define_tensor(nb::module_& m);       // tensor_type.cpp
void define_nodes(nb::module_& m);        // node_type.cpp
void define_operations(nb::module_& m);   // operation_type.cpp: rows and structured operations
void define_indexing(nb::module_& m);     // indexing.cpp
void define_autograd(nb::module_& m);     // autograd.cpp: backward, modes, hooks
void define_function(nb::module_& m);     // function.cpp: custom Functions
void define_creation(nb::module_& m);     // creation.cpp: tensors from sizes and from Python data
void define_interop(nb::module_& m);      // interop.cpp: data from and to Python, NumPy, DLPack
void define_random(nb::module_& m);       // random.cpp
void define_draws(nb::module_& m);        // distributions.cpp
void define_composition(nb::module_& m);  // composition.cpp: named nodes of Python compositions
void define_autocast(nb::module_& m);     // autocast.cpp
void define_transforms(nb::module_& m);   // transforms.cpp: levels of jvp, vmap and grad
void define_forms(nb::module_& m);        // forms.cpp: parts of public functions written in Python
void define_table(nb::module_& m);  // table.cpp: what the rows say of themselves, and their kernels' text

}  // namespace tapeless

/// Tensors as arguments and results of functions defined through nanobind.
namespace nanobind::detail {
template <> struct type_caster<tapeless::Tensor> {
    NB_TYPE_CASTER(tapeless::Tensor, const_name("tapeless.Tensor"))
    bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
        if (source.is_none()) {
            value = tapeless::Tensor();
            return true;
        }
        if (!tapeless::is_tensor(source.ptr())) return false;
        value = tapeless::tensor_from(source.ptr());
        return true;
    }
    static handle from_cpp(const tapeless::Tensor& x, rv_policy, cleanup_list*) noexcept {
        return tapeless::to_python(x);
    }
};
}  // namespace nanobind::detail
