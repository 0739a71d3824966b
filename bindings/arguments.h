// Reading a call's arguments by a signature: positions, keywords, defaults, kinds.
#pragma once

#include "bindings/python.h"
#include "ops/row.h"

namespace tapeless {

/// A signature ready to be matched: names interned, defaults parsed.
class Signature {
public:
    Signature(const char* function, std::vector<Parameter> parameters);

    /// Fills `values`, one per parameter and all empty, from a vectorcall. `args` has `count` positional arguments,
    /// then those named in `names`.
    void parse(PyObject* const* args, Py_ssize_t count, PyObject* names, AnyValue* values) const;
    std::size_t size() const { return parameters_.size(); }
    const std::vector<Parameter>& parameters() const { return parameters_; }

private:
    int index_of(PyObject* name) const;
    AnyValue convert(std::size_t i, PyObject* object) const;

    const char* function_;
    std::vector<Parameter> parameters_;
    std::vector<PyObject*> names_;
    std::vector<AnyValue> defaults_;
};

/// A tensor or a number as a row's operand; false when `object` is neither. `held` keeps what the argument points to.
inline bool operand_from(PyObject* object, Tensor& held, Argument& argument) {
    if (!is_tensor(object)) return scalar_from(object, argument.number);
    held = tensor_from(object);
    argument.tensor = &held;
    return true;
}

/// The result of the first operand's __torch_function__ that answers, or null when nobody overrides.
/// `callable` is the public function that was called.
PyObject* overridden(PyObject* callable, PyObject* const* args, Py_ssize_t count, PyObject* names,
                     bool& handled);
/// Whether an operand's type brings its own __torch_function__.
bool overrides(PyObject* object);

}  // namespace tapeless
