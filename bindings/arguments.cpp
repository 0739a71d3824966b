// Matching calls against signatures, and handing them to __torch_function__ where an operand's type asks for it.
#include "bindings/arguments.h"

#include <cstring>

#include "graph/modes.h"

namespace tapeless {
namespace {

AnyValue default_of(const Parameter& parameter) {
    const std::string& text = parameter.default_text;
    if (parameter.required || text == "None") return {};
    if (text == "True" || text == "False") {
        const bool value = text == "True";
        if (parameter.kind == ParameterKind::Scalar) return Scalar(value);
        return value;
    }
    if (parameter.kind == ParameterKind::Dims) return Dims();
    if (parameter.kind == ParameterKind::Integer) return static_cast<std::int64_t>(std::stoll(text));
    if (parameter.kind == ParameterKind::Real) return std::stod(text);
    if (parameter.kind == ParameterKind::Text) return text.substr(1, text.size() - 2);
    if (parameter.kind == ParameterKind::Scalar) {
        return text.find('.') == std::string::npos ? Scalar(static_cast<std::int64_t>(std::stoll(text)))
                                                   : Scalar(std::stod(text));
    }
    fail(ErrorKind::Runtime, "signature: cannot read the default ", text);
}

Scalar element_of(PyObject* tensor, const char* function) {
    const TensorBody& x = *body(tensor);
    check(x.dim() == 0, function, " only supports 0-dimension value tensor but got tensor with ", x.dim(),
          " dimensions.");
    return item(x);
}

const char* alias_of(const char* name) {
    if (!std::strcmp(name, "axis")) return "dim";
    if (!std::strcmp(name, "keepdims")) return "keepdim";
    if (!std::strcmp(name, "self") || !std::strcmp(name, "x")) return "input";
    return nullptr;
}

}  // namespace

Signature::Signature(const char* function, std::vector<Parameter> parameters)
    : function_(function), parameters_(std::move(parameters)) {
    for (const Parameter& parameter : parameters_) {
        names_.push_back(PyUnicode_InternFromString(parameter.name.c_str()));
        defaults_.push_back(default_of(parameter));
    }
}

int Signature::index_of(PyObject* name) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (names_[i] == name) return static_cast<int>(i);
    }
    const char* text = PyUnicode_AsUTF8(name);
    const char* alias = text ? alias_of(text) : nullptr;
    for (std::size_t i = 0; text && i < names_.size(); ++i) {
        if (parameters_[i].name == text || (alias && parameters_[i].name == alias))
            return static_cast<int>(i);
    }
    fail(ErrorKind::Type, function_, "() got an unexpected keyword argument '", text ? text : "?", "'");
}

AnyValue Signature::convert(std::size_t i, PyObject* object) const {
    const Parameter& parameter = parameters_[i];
    const char* what = parameter.name.c_str();
    if (object == Py_None && parameter.optional) return {};
    auto refuse = [&](const char* wanted) -> AnyValue {
        fail(ErrorKind::Type, function_, "(): argument '", what, "' (position ", i + 1, ") must be ", wanted,
             ", not ", Py_TYPE(object)->tp_name);
    };
    switch (parameter.kind) {
        case ParameterKind::Tensor:
            return is_tensor(object) ? AnyValue(tensor_from(object)) : refuse("Tensor");
        case ParameterKind::Scalar: {
            Scalar value;
            if (is_tensor(object)) return element_of(object, function_);
            return scalar_from(object, value) ? AnyValue(value) : refuse("Number");
        }
        case ParameterKind::TensorOrNumber: {
            Scalar value;
            if (is_tensor(object)) return tensor_from(object);
            return scalar_from(object, value) ? AnyValue(value) : refuse("Tensor or Number");
        }
        case ParameterKind::Integer: {
            const bool fits = PyLong_Check(object) || (PyIndex_Check(object) && !PyFloat_Check(object)) ||
                              is_tensor(object);
            return fits ? AnyValue(integer_from(object, what)) : refuse("int");
        }
        case ParameterKind::Boolean: {
            if (!PyBool_Check(object) && !PyLong_Check(object)) return refuse("bool");
            return PyObject_IsTrue(object) == 1;
        }
        case ParameterKind::Real: {
            Scalar value;
            return scalar_from(object, value) ? AnyValue(value.to<double>()) : refuse("float");
        }
        case ParameterKind::Dims:
            return dims_from(object, what);
        case ParameterKind::DimOrDims: {
            if (PyTuple_Check(object) || PyList_Check(object)) return dims_from(object, what);
            return PyIndex_Check(object) ? AnyValue(integer_from(object, what))
                                         : refuse("int or tuple of ints");
        }
        case ParameterKind::Tensors:
            return tensors_from(object, what);
        case ParameterKind::DType:
            return dtype_from(object);
        case ParameterKind::Device:
            return device_from(object);
        case ParameterKind::Text: {
            PyObject* text = checked(PyObject_Str(object));
            std::string value = PyUnicode_AsUTF8(text);
            Py_DECREF(text);
            return value.compare(0, 6, "torch.") == 0 ? value.substr(6) : value;
        }
    }
    return {};
}

void Signature::parse(PyObject* const* args, Py_ssize_t count, PyObject* names, AnyValue* values) const {
    std::uint64_t given = 0;
    std::size_t next = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (next >= parameters_.size() || parameters_[next].keyword_only) {
            fail(ErrorKind::Type, function_, "() takes ", next, " positional arguments but ", count,
                 " were given");
        }
        const bool one_by_one =
            parameters_[next].variadic && PyIndex_Check(args[i]) && !PyTuple_Check(args[i]);
        if (one_by_one) {
            Dims sizes;
            for (; i < count; ++i) sizes.push_back(integer_from(args[i], parameters_[next].name.c_str()));
            values[next] = std::move(sizes);
        } else {
            values[next] = convert(next, args[i]);
        }
        given |= std::uint64_t{1} << next++;
    }
    for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k) {
        PyObject* name = PyTuple_GET_ITEM(names, k);
        const int i = index_of(name);
        if ((given >> i) & 1) {
            fail(ErrorKind::Type, function_, "() got multiple values for argument '", PyUnicode_AsUTF8(name),
                 "'");
        }
        values[i] = convert(static_cast<std::size_t>(i), args[count + k]);
        given |= std::uint64_t{1} << i;
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if ((given >> i) & 1) continue;
        if (!parameters_[i].required) {
            values[i] = defaults_[i];
            continue;
        }
        if (parameters_[i].variadic) {
            values[i] = Dims();  // x.view() and its like take no sizes at all as none.
            continue;
        }
        fail(ErrorKind::Type, function_, "() missing 1 required positional arguments: \"",
             parameters_[i].name, "\"");
    }
}

namespace {

PyObject* protocol() {
    static PyObject* const name = PyUnicode_InternFromString("__torch_function__");
    return name;
}

}  // namespace

bool overrides(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == tensor_type || modes.has(kTorchFunction)) return false;
    if (PyFloat_CheckExact(object) || PyLong_CheckExact(object) || object == Py_None) return false;
    PyObject* found = _PyType_Lookup(type, protocol());
    if (!found) return false;
    static PyObject* base = nullptr;
    if (!base) base = _PyType_Lookup(tensor_type, protocol());
    // A subclass without one of its own gets results of its own class through the base's; the disabled one asks for none.
    static PyObject* const disabled = PyUnicode_InternFromString("_tapeless_disabled");
    return !PyObject_HasAttr(found, disabled);
}

PyObject* overridden(PyObject* callable, PyObject* const* args, Py_ssize_t count, PyObject* names,
                     bool& handled) {
    const Py_ssize_t total = count + (names ? PyTuple_GET_SIZE(names) : 0);
    handled = false;
    for (Py_ssize_t i = 0; i < total && !handled; ++i) handled = overrides(args[i]);
    if (!handled) return nullptr;
    PyObject* positional = checked(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(positional, i, Py_NewRef(args[i]));
    PyObject* keywords = checked(PyDict_New());
    for (Py_ssize_t i = count; i < total; ++i)
        PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, i - count), args[i]);
    static PyObject* dispatch = nullptr;
    if (!dispatch) {
        PyObject* module = checked(PyImport_ImportModule("tapeless.overrides"));
        dispatch = checked(PyObject_GetAttrString(module, "_dispatch"));
        Py_DECREF(module);
    }
    PyObject* result = PyObject_CallFunctionObjArgs(dispatch, callable, positional, keywords, nullptr);
    Py_DECREF(positional);
    Py_DECREF(keywords);
    return result;
}

}  // namespace tapeless
