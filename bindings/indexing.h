// x[...] and x[...] = y.
#pragma once

#include <Python.h>

namespace tapeless {

PyObject* tensor_getitem(PyObject* self, PyObject* key);
int tensor_setitem(PyObject* self, PyObject* key, PyObject* value);
/// A tensor of a subclass over the same memory as `source`; tensor_type.cpp.
PyObject* make_subclass(PyTypeObject* type, PyObject* source);

}  // namespace tapeless
