// x[...] and x[...] = y: numbers, slices, None and Ellipsis are views; tensors and lists pick elements.
#include "bindings/indexing.h"

#include "bindings/arguments.h"
#include "bindings/python.h"
#include "ops/indexing.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// What an index made of a tensor: a view, and the index tensors still to be applied to it, by dimension.
struct Indexed {
    Tensor view;
    std::vector<Tensor> picks;
    int rank = 0;     ///< of the tensor that was indexed
    int covered = 0;  ///< dimensions of the view that `picks` speaks of
    bool picked = false;
};

bool is_plain_integer(PyObject* item) { return PyLong_Check(item) && !PyBool_Check(item); }

bool is_integer(PyObject* item) {
    if (is_plain_integer(item)) return true;
    if (is_tensor(item)) {
        return body(item)->dim() == 0 && is_integral(body(item)->dtype) && body(item)->dtype != DType::Bool;
    }
    return !PyBool_Check(item) && PyIndex_Check(item) && !PySequence_Check(item);
}

/// Dimensions that an item uses up.
int consumed(PyObject* item) {
    if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
    if (is_tensor(item) && body(item)->dtype == DType::Bool) return body(item)->dim();
    return 1;
}

Tensor tensor_from_list(PyObject* item) {
    static PyObject* make = nullptr;
    if (!make) {
        nb::module_ package = nb::module_::import_("tapeless");
        make = checked(PyObject_GetAttrString(package.ptr(), "tensor"));
    }
    PyObject* made = checked(PyObject_CallOneArg(make, item));
    Tensor out = tensor_from(made);
    Py_DECREF(made);
    if (out->numel == 0 && out->dtype == default_dtype()) return to_dtype(out, DType::Int64);
    return out;
}

/// A bound beyond 64 bits is as good as the farthest one, as everywhere in Python.
std::int64_t bound(PyObject* value, std::int64_t otherwise) {
    if (value == Py_None) return otherwise;
    if (!PyLong_CheckExact(value)) return integer_from(value, "slice indices");
    int overflow = 0;
    const std::int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 ? number : overflow > 0 ? INT64_MAX : INT64_MIN;
}

/// `alone`: it is the whole index of a read. Otherwise a slice that takes everything makes no view.
void apply_slice(Indexed& at, PyObject* item, int& dim, bool alone) {
    const PySliceObject* range = reinterpret_cast<PySliceObject*>(item);
    const std::int64_t step = bound(range->step, 1);
    if (step <= 0) fail(ErrorKind::Value, "step must be greater than zero");
    const std::int64_t start = bound(range->start, 0), end = bound(range->stop, INT64_MAX);
    const bool all = !alone && start == 0 && end >= at.view->sizes[dim] && step == 1;
    if (!all) at.view = slice(at.view, dim, start, end, step);
    ++dim;
}

void apply_pick(Indexed& at, Tensor pick, int& dim) {
    for (; at.covered < dim; ++at.covered) at.picks.push_back({});
    const bool mask = pick->dtype == DType::Bool || pick->dtype == DType::UInt8;
    at.picks.push_back(std::move(pick));
    at.picked = true;
    const int taken = mask ? std::max(at.picks.back()->dim(), 1) : 1;
    at.covered += taken;
    dim += taken;
}

void apply_item(Indexed& at, PyObject* item, int& dim, int rest, bool alone) {
    const Tensor& x = at.view;
    if (item == Py_Ellipsis) {
        dim = x->dim() - rest;
    } else if (item == Py_None) {
        at.view = unsqueeze(x, dim++);
    } else if (PyBool_Check(item) ||
               (is_tensor(item) && body(item)->dtype == DType::Bool && body(item)->dim() == 0)) {
        const bool on = is_tensor(item) ? tapeless::item(*body(item)).to<bool>() : item == Py_True;
        at.view = unsqueeze(x, dim);
        apply_pick(at, full({1}, Scalar(on), DType::Bool), dim);
    } else if (dim >= x->dim()) {
        fail(ErrorKind::Index, "too many indices for tensor of dimension ", at.rank);
    } else if (PySlice_Check(item)) {
        apply_slice(at, item, dim, alone);
    } else if (is_integer(item)) {
        const std::int64_t i = integer_from(item, "index"), size = x->sizes[dim];
        if (i < -size || i >= size) {
            fail(ErrorKind::Index, "index ", i, " is out of bounds for dimension ", dim, " with size ", size);
        }
        at.view = select(x, dim, i);
    } else if (is_tensor(item)) {
        const DType dtype = body(item)->dtype;
        if (!is_integral(dtype)) {
            fail(ErrorKind::Index, "tensors used as indices must be long, int, byte or bool tensors");
        }
        apply_pick(at, tensor_from(item), dim);
    } else if (PySequence_Check(item) && !PyUnicode_Check(item)) {
        apply_pick(at, tensor_from_list(item), dim);
    } else {
        fail(ErrorKind::Index,
             "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
             "indices (got ",
             Py_TYPE(item)->tp_name, ")");
    }
}

/// `reads`: as PyTorch, where x[:] makes a view and x[:] = y writes x itself.
Indexed index_by(const Tensor& x, PyObject* key, bool reads) {
    Indexed at{x, {}, x->dim(), 0, false};
    int dim = 0;
    if (!PyTuple_Check(key)) {
        if (x->dim() == 0 && is_integer(key)) {
            fail(ErrorKind::Index,
                 "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                 "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
        }
        apply_item(at, key, dim, 0, reads);
        return at;
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(key);
    for (Py_ssize_t i = 0; i < count; ++i) {
        int rest = 0;
        if (PyTuple_GET_ITEM(key, i) == Py_Ellipsis) {
            for (Py_ssize_t j = i + 1; j < count; ++j) rest += consumed(PyTuple_GET_ITEM(key, j));
        }
        apply_item(at, PyTuple_GET_ITEM(key, i), dim, rest, false);
    }
    return at;
}

PyObject* hand_over(const char* name, PyObject* self, PyObject* key, PyObject* value, bool& handled) {
    handled = overrides(self) || overrides(key) || (value && overrides(value));
    if (!handled) return nullptr;
    PyObject* method = checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name));
    PyObject* args[] = {self, key, value};
    PyObject* result = overridden(method, args, value ? 3 : 2, nullptr, handled);
    Py_DECREF(method);
    return checked(result);
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* key) {
    return guarded([&]() -> PyObject* {
        bool handled = false;
        if (!is_exact_tensor(self) || is_tensor(key)) {
            PyObject* result = hand_over("__getitem__", self, key, nullptr, handled);
            if (handled) return result;
        }
        const Tensor x = tensor_from(self);
        Indexed at = index_by(x, key, true);
        if (at.picked) return to_python(index(at.view, at.picks));
        return to_python(at.view.get() == x.get() ? alias_view(x) : at.view);
    });
}

int tensor_setitem(PyObject* self, PyObject* key, PyObject* value) {
    return guarded_status([&] {
        if (!value) fail(ErrorKind::Type, "tensor elements cannot be deleted");
        bool handled = false;
        if (!is_exact_tensor(self) || is_tensor(value)) {
            PyObject* result = hand_over("__setitem__", self, key, value, handled);
            Py_XDECREF(result);
            if (handled) return;
        }
        const Tensor x = tensor_from(self);
        Indexed at = index_by(x, key, false);
        Scalar number;
        Tensor source;
        if (is_tensor(value)) {
            source = tensor_from(value);
        } else if (scalar_from(value, number)) {
            if (!at.picked) return set_number(at.view, number);
            source = scalar_tensor(number, x->dtype);
        } else {
            if (!PySequence_Check(value) || PyUnicode_Check(value)) {
                const std::string kind = describe(*x);
                fail(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a ",
                     kind.substr(0, kind.find(' ')));
            }
            source = tensor_from_list(value);
        }
        if (at.picked) return index_put_(at.view, at.picks, source, false);
        // As in NumPy, leading dimensions of size 1 in what is written do not matter.
        while (source->dim() > at.view->dim() && source->sizes[0] == 1) source = select(source, 0, 0);
        copy_(at.view, source->sizes == at.view->sizes ? source : expand(source, at.view->sizes));
    });
}

void define_indexing(nb::module_&) {}

}  // namespace tapeless
