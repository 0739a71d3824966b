// Memory shared with Python: the buffer protocol of tensors, and arrays of NumPy.
#pragma once

#include "bindings/python.h"

namespace tapeless {

/// Py_bf_getbuffer and Py_bf_releasebuffer of the tensor type.
int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags);
void tensor_releasebuffer(PyObject* self, Py_buffer* view);

/// numpy.ndarray if NumPy has been imported by anyone, else null.
PyTypeObject* ndarray_type();
inline bool is_array(PyObject* object) {
    PyTypeObject* type = ndarray_type();
    return type && PyObject_TypeCheck(object, type);
}
/// Whether it is one of NumPy's scalars, which are numbers with a dtype.
bool is_array_scalar(PyObject* object);
/// The dtype that NumPy's `dtype` attribute of `object` names; TypeError where there is none.
DType array_dtype(PyObject* object);
/// A tensor over an array's memory, which it keeps alive; `warns`: about memory that must not be written.
Tensor tensor_over_array(PyObject* array, bool warns = true);
/// A tensor over the memory of a DLPack capsule or of an object that makes one.
Tensor tensor_from_dlpack(PyObject* source);
void define_dlpack(nb::module_& m);

}  // namespace tapeless
