// Python's operators on tensors, shared by the type's slots and the operation callables.
#pragma once

#include "bindings/python.h"
#include "ops/row.h"

namespace tapeless {

/// add and sub with alpha, div with a rounding mode: compositions of rows.
PyObject* call_with_options(const Row& row, Argument* arguments, bool in_place, PyObject* alpha,
                            PyObject* rounding, PyObject* out);
/// Copies a result into the tensor given as out=, resized if its shape differs.
void write_out(const Tensor& target, const Tensor& result);
/// x.__rsub__(y), which for two tensors is rsub, and not what the slot of y - x computes.
PyObject* reflected_subtract(PyObject* x, PyObject* y);
/// Fills the number slots of the tensor type's spec.
void add_number_slots(std::vector<PyType_Slot>& slots);

}  // namespace tapeless
