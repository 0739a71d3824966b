// The interpreter's side of objects: what the type objects of tensors and nodes are made of.
#pragma once

#include <Python.h>

namespace tapeless {

void object_dealloc(PyObject* self);
int object_traverse(PyObject* self, visitproc visit, void* arg);
int object_clear(PyObject* self);

/// The type that all nodes' types derive from.
extern PyTypeObject* node_type;
/// A type for nodes of one class, named as PyTorch names them; new reference. node_type.cpp.
PyTypeObject* make_node_type(const char* name);

}  // namespace tapeless
