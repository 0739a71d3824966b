// The arguments of functions that make tensors: positions, keywords and the options that all of them share.
#include "bindings/creation.h"

#include <algorithm>

#include "graph/level.h"

namespace tapeless {

namespace {

thread_local Device default_device;

/// Option names by bit number, interned: a call's keyword names are interned too, so pointers are compared.
constexpr int kOptions = 8;
const char* const option_texts[kOptions] = {"dtype",      "layout", "device",    "requires_grad",
                                            "pin_memory", "out",    "generator", "memory_format"};
PyObject* option_names[kOptions];

int option_of(PyObject* name) {
    for (int i = 0; i < kOptions; ++i) {
        if (option_names[i] == name) return i;
    }
    for (int i = 0; i < kOptions; ++i) {
        if (PyUnicode_Compare(option_names[i], name) == 0) return i;
    }
    return -1;
}

bool is_sequence(PyObject* object) { return PyTuple_Check(object) || PyList_Check(object); }

bool is_size_item(PyObject* object) {
    return PyLong_Check(object) ||
           (PyIndex_Check(object) && (!is_tensor(object) || is_integral(body(object)->dtype)));
}

std::int64_t size_item(const Form& signature, PyObject* object, Py_ssize_t index) {
    if (!is_size_item(object)) {
        fail(ErrorKind::Type, signature.name, "(): argument 'size' failed to unpack the object at pos ",
             index + 1, " with error \"type must be tuple of ints,but got ", Py_TYPE(object)->tp_name, "\"");
    }
    return integer_from(object, "size");
}

Dims sizes_of(const Form& signature, PyObject* const* items, Py_ssize_t count) {
    Dims sizes;
    for (Py_ssize_t i = 0; i < count; ++i) sizes.push_back(size_item(signature, items[i], i));
    return sizes;
}

Dims sizes_of(const Form& signature, PyObject* sequence) {
    return sizes_of(signature, PySequence_Fast_ITEMS(sequence), PySequence_Fast_GET_SIZE(sequence));
}

std::string text_of(PyObject* object) {
    PyObject* text = checked(PyObject_Str(object));
    std::string result = PyUnicode_AsUTF8(text);
    Py_DECREF(text);
    return result;
}

bool flag(const Form& signature, const char* name, PyObject* value) {
    if (!PyBool_Check(value)) {
        fail(ErrorKind::Type, signature.name, "(): argument '", name, "' must be bool, not ",
             Py_TYPE(value)->tp_name);
    }
    return value == Py_True;
}

}  // namespace

void Call::refuse(int index, const char* expected) const {
    fail(ErrorKind::Type, signature.name, "(): argument '", signature.positional[index], "' (position ",
         index + 1 - shifted, ") must be ", expected, ", not ", Py_TYPE(values[index])->tp_name);
}

Call::Call(const Form& s, PyObject* const* args, Py_ssize_t count, PyObject* names) : signature(s) {
    given = static_cast<int>(count);
    if (s.variadic) {
        if (count == 1 && is_sequence(args[0])) {
            sizes = sizes_of(s, args[0]);
        } else if (count > 0) {
            values[0] = args[0];
            if (!is_size_item(args[0])) refuse(0, "tuple of ints");
            sizes = sizes_of(s, args, count);
        }
    } else {
        int most = 0;
        while (most < Form::kMost && s.positional[most]) ++most;
        if (count > most) {
            fail(ErrorKind::Type, s.name, "() takes ", most, " positional argument", most == 1 ? "" : "s",
                 " but ", count, count == 1 ? " was given" : " were given");
        }
        std::copy(args, args + count, values);
    }
    const Py_ssize_t keywords = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < keywords; ++i) take_keyword(PyTuple_GET_ITEM(names, i), args[count + i]);
    if (s.variadic && count == 0) sizes = size(0);
}

void Call::take_keyword(PyObject* name, PyObject* value) {
    const int option = option_of(name);
    if (option >= 0 && signature.options >> option & 1)
        return take_option(static_cast<Option>(1u << option), value);
    for (int i = 0; i < Form::kMost && signature.positional[i]; ++i) {
        if (PyUnicode_CompareWithASCIIString(name, signature.positional[i]) != 0) continue;
        if (signature.variadic ? given > 0 : values[i] != nullptr) {
            fail(ErrorKind::Type, signature.name, "() got multiple values for argument '",
                 signature.positional[i], "'");
        }
        values[i] = value;
        return;
    }
    fail(ErrorKind::Type, signature.name, "() got an unexpected keyword argument '", text_of(name), "'");
}

void Call::take_option(Option option, PyObject* value) {
    if (option == kRequiresGrad) {
        requires_grad = flag(signature, "requires_grad", value);
        return;
    }
    if (value == Py_None) return;
    switch (option) {
        case kDType:
            if (!is_dtype(value) && !PyType_Check(value)) {
                fail(ErrorKind::Type, signature.name, "(): argument 'dtype' must be torch.dtype, not ",
                     Py_TYPE(value)->tp_name);
            }
            // The type float means double here, as in PyTorch.
            dtype = value == reinterpret_cast<PyObject*>(&PyFloat_Type) ? DType::Float64 : dtype_from(value);
            return;
        case kDevice:
            device = device_from(value);
            return;
        case kPinMemory:
            check(!flag(signature, "pin_memory", value), signature.name,
                  ": pin_memory=True requires a CUDA or other "
                  "accelerator backend; no pinned memory allocator is available on this system.");
            return;
        case kOut:
            if (!is_tensor(value)) {
                fail(ErrorKind::Type, signature.name, "(): argument 'out' must be Tensor, not ",
                     Py_TYPE(value)->tp_name);
            }
            out = value;
            return;
        case kGenerator:
            generator = generator_from(value);
            if (!generator) {
                fail(ErrorKind::Type, signature.name,
                     "(): argument 'generator' must be torch.Generator, not ", Py_TYPE(value)->tp_name);
            }
            return;
        case kLayout:
            check(text_of(value) == "torch.strided", signature.name, ": layout ", text_of(value),
                  "; only torch.strided is supported; leave the argument out");
            return;
        case kMemoryFormat: {
            const std::string name = text_of(value);
            if (name.rfind("torch.", 0) != 0) {
                fail(ErrorKind::Type, signature.name,
                     "(): argument 'memory_format' must be torch.memory_format, not ",
                     Py_TYPE(value)->tp_name);
            }
            format = memory_format_named(name.substr(6));
            return;
        }
        case kRequiresGrad:
            return;
    }
}

PyObject* Call::required(int index) const {
    if (!values[index]) {
        fail(ErrorKind::Type, signature.name, "() missing 1 required positional arguments: \"",
             signature.positional[index], "\"");
    }
    return values[index];
}

Scalar Call::number(int index) const {
    PyObject* object = required(index);
    Scalar value;
    if (is_tensor(object)) {
        if (body(object)->numel != 1) refuse(index, "Number");
        return item(*body(object));
    }
    if (!scalar_from(object, value)) refuse(index, "Number");
    return value;
}
Scalar Call::number(int index, const Scalar& otherwise) const {
    return values[index] && values[index] != Py_None ? number(index) : otherwise;
}
double Call::real(int index, double otherwise) const { return number(index, Scalar(otherwise)).to<double>(); }

std::int64_t Call::integer(int index) const {
    PyObject* object = required(index);
    if (!is_size_item(object)) refuse(index, "int");
    return integer_from(object, signature.positional[index]);
}

Dims Call::size(int index) const {
    PyObject* object = required(index);
    if (!is_sequence(object)) {
        if (!(signature.variadic && is_size_item(object))) refuse(index, "tuple of ints");
        return {integer_from(object, "size")};
    }
    return sizes_of(signature, object);
}

Device Call::place() const {
    if (device) return {device->type, -1};
    if (out) return body(out)->device;
    return modes.has(kDefaultDevice) ? default_device : Device{};
}
Generator& Call::source() const {
    check(!refuses_random(),
          "vmap: called random operation while in randomness error mode. Please either use the "
          "'same' randomness flag on vmap or perform the randomness operation out of vmap");
    return generator ? *generator : default_generator();
}

void add_functions(nb::module_& m, PyMethodDef* table) {
    nb::object name = m.attr("__name__");
    for (PyMethodDef* def = table; def->ml_name; ++def) {
        m.attr(def->ml_name) = nb::steal(checked(PyCFunction_NewEx(def, nullptr, name.ptr())));
    }
}

void add_methods(PyMethodDef* table) {
    for (PyMethodDef* def = table; def->ml_name; ++def) {
        nb::object method = nb::steal(checked(PyDescr_NewMethod(tensor_type, def)));
        if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), def->ml_name, method.ptr()) <
            0) {
            throw nb::python_error();
        }
    }
}

void define_calls(nb::module_& m) {
    for (int i = 0; i < kOptions; ++i) option_names[i] = checked(PyUnicode_InternFromString(option_texts[i]));
    m.def(
        "_set_default_device",
        [](nb::handle device) {
            modes.set(kDefaultDevice, !device.is_none());
            if (!device.is_none()) default_device = {device_from(device.ptr()).type, -1};
        },
        nb::arg("device").none());
    m.def("get_default_device",
          [] { return nb::steal(to_python(modes.has(kDefaultDevice) ? default_device : Device{})); });
}

}  // namespace tapeless
