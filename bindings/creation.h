// Functions that make tensors: how their arguments are read, and what their files offer each other.
#pragma once

#include <optional>

#include "bindings/python.h"
#include "kernels/generator.h"

namespace tapeless {

/// Keywords that functions making tensors share; a function names those that it takes as bits.
enum Option : unsigned {
    kDType = 1 << 0,
    kLayout = 1 << 1,
    kDevice = 1 << 2,
    kRequiresGrad = 1 << 3,
    kPinMemory = 1 << 4,
    kOut = 1 << 5,
    kGenerator = 1 << 6,
    kMemoryFormat = 1 << 7,
};
inline constexpr unsigned kPlaced = kDType | kLayout | kDevice | kRequiresGrad | kPinMemory;

/// One function's parameters: those that may be given by position, and its keyword options.
struct Form {
    static constexpr int kMost = 4;
    const char* name;
    unsigned options;
    const char* positional[kMost] = {};
    bool variadic = false;  ///< the one positional parameter, sizes, may be given one by one
};

/// The arguments of one call, sorted by parameter; references are borrowed.
struct Call {
    const Form& signature;
    PyObject* values[Form::kMost] = {};
    int given = 0;  ///< how many came by position
    int shifted =
        0;       ///< how many parameters before them were left out, as randint(high, size) leaves out low
    Dims sizes;  ///< of a variadic function
    std::optional<DType> dtype;
    std::optional<Device> device;
    bool requires_grad = false;
    std::optional<MemoryFormat> format;  ///< memory_format
    PyObject* out = nullptr;
    Generator* generator = nullptr;

    Call(const Form& signature, PyObject* const* args, Py_ssize_t count, PyObject* names);
    /// The argument number `index`; TypeError if it was not given.
    PyObject* required(int index) const;
    /// The argument as a number (also a tensor of one element); its default if it was not given.
    Scalar number(int index, const Scalar& otherwise) const;
    Scalar number(int index) const;
    double real(int index, double otherwise) const;
    std::int64_t integer(int index) const;
    Dims size(int index) const;  ///< a tuple or list of integers, not one integer
    Device place() const;        ///< the device given, else the default one
    Generator& source() const;   ///< the generator given, else the default one
    [[noreturn]] void refuse(int index, const char* expected) const;

private:
    void take_keyword(PyObject* name, PyObject* value);
    void take_option(Option option, PyObject* value);
};

using FastFunction = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
/// A method table's row of a function that takes its arguments as an array.
inline PyMethodDef fast(const char* name, FastFunction function, const char* doc) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
            METH_FASTCALL | METH_KEYWORDS, doc};
}
/// Adds functions to the module, and methods to the tensor type; the tables end with an empty row.
void add_functions(nb::module_& m, PyMethodDef* table);
void add_methods(PyMethodDef* table);

/// The tensor with the flags that the call asks for.
PyObject* finished(Tensor made, const Call& call);
/// Writes what was made into the call's `out`, resizing it as PyTorch does.
PyObject* finished_into(const Tensor& made, const Call& call);
/// dtype of a floating result: the one given, out's, or the default.
DType floating_dtype(const Call& call);
/// An uninitialised tensor with the strides of the format, else those that a result like x has.
Tensor empty_like(const Tensor& x, DType dtype, Device device, std::optional<MemoryFormat> format);
/// Fails where a number is outside the dtype's range.
void check_fits(const Scalar& value, DType dtype);
/// The first bytes of a fresh tensor; null on devices without memory.
char* fresh_bytes(const Tensor& x);

/// Keyword names and the default device. call.cpp.
void define_calls(nb::module_& m);
/// A new tensor with the numbers of nested sequences, an array, a number or another tensor. data.cpp.
Tensor tensor_of_data(PyObject* data, std::optional<DType> dtype, Device device);
/// The elements as nested lists; a number for 0 dimensions. data.cpp.
PyObject* nested_list(const TensorBody& x);
void define_data(nb::module_& m);
/// The Generator that a Python object is; null when it is none. random.cpp.
Generator* generator_from(PyObject* object);

}  // namespace tapeless
