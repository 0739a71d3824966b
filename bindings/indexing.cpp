// x[...] and x[...] = y: numbers, slices, None and Ellipsis are views; tensors and lists pick elements.
#include "bindings/indexing.h"

#include "base/warn.h"
#include "bindings/arguments.h"
#include "bindings/python.h"
#include "ops/fresh.h"
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
        const DType dtype = body(item)->dtype;
        if (body(item)->dim() > 0 || !is_integral(dtype) || dtype == DType::Bool || dtype == DType::UInt8)
            return false;
        return !lifted(tensor_from(item));  // The numbers of a batch are many.
    }
    return !PyBool_Check(item) && PyIndex_Check(item) && !PySequence_Check(item);
}

/// Dimensions that an item uses up.
int consumed(PyObject* item) {
    if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
    if (!is_tensor(item)) return 1;
    const DType dtype = body(item)->dtype;
    return dtype == DType::Bool || dtype == DType::UInt8 ? body(item)->dim() : 1;
}

PyObject* member(const char* module, const char* name) {
    nb::module_ found = nb::module_::import_(module);
    return checked(PyObject_GetAttrString(found.ptr(), name));
}

Tensor tensor_from_sequence(PyObject* item) {
    static PyObject* const make = member("tapeless", "tensor");
    PyObject* made = checked(PyObject_CallOneArg(make, item));
    Tensor out = tensor_from(made);
    Py_DECREF(made);
    return out;
}

/// A sequence of numbers as an index: masks stay masks, all else becomes int64.
Tensor pick_from_sequence(PyObject* item) {
    const Tensor out = tensor_from_sequence(item);
    return out->dtype == DType::Bool || out->dtype == DType::UInt8 ? out : to_dtype(out, DType::Int64);
}

bool is_array(PyObject* item) {
    static PyObject* const type = member("numpy", "ndarray");
    return PyObject_IsInstance(item, type) == 1;
}

/// Whether PyTorch takes a list for a key of several parts: it holds sequences, slices, None or an Ellipsis.
bool is_list_of_parts(PyObject* key) {
    if (is_tensor(key) || !PySequence_Check(key) || is_array(key)) return false;
    const Py_ssize_t count = PySequence_Size(key);
    if (count < 0) PyErr_Clear();
    if (count >= 32) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* part = PySequence_GetItem(key, i);
        if (!part) {
            PyErr_Clear();
            return false;
        }
        const bool found = is_tensor(part) || PySequence_Check(part) || PySlice_Check(part) ||
                           part == Py_Ellipsis || part == Py_None;
        Py_DECREF(part);
        if (found) return true;
    }
    return false;
}

/// The tuple that a list of parts stands for.
nb::object tuple_of_parts(PyObject* key) {
    warn_user(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
        "pytorch "
        "2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, "
        "x[torch.tensor(seq)], which will result either in an error or a different result");
    return nb::steal(checked(PySequence_Tuple(key)));
}

std::int64_t position_from(PyObject* item) {
    if (PyLong_Check(item)) {
        int overflow = 0;
        const std::int64_t number = PyLong_AsLongLongAndOverflow(item, &overflow);
        if (overflow) fail(ErrorKind::Value, "Overflow when unpacking long long");
        return number;
    }
    return integer_from(item, "index");
}

/// A bound beyond 64 bits is as good as the farthest one, as everywhere in Python.
std::int64_t bound(PyObject* value, std::int64_t otherwise) {
    if (value == Py_None) return otherwise;
    if (!PyLong_CheckExact(value)) {
        if (!PyIndex_Check(value)) {
            fail(ErrorKind::Type, "slice indices must be integers or None or have an __index__ method");
        }
        return integer_from(value, "slice indices");
    }
    int overflow = 0;
    const std::int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 ? number : overflow > 0 ? INT64_MAX : INT64_MIN;
}

/// `alone`: it is the whole index of a read. Otherwise a slice that takes everything makes no view.
void apply_slice(Indexed& at, PyObject* item, int& dim, bool alone) {
    const PySliceObject* range = reinterpret_cast<PySliceObject*>(item);
    const std::int64_t step = bound(range->step, 1);
    if (step == 0) fail(ErrorKind::Value, "slice step cannot be zero");
    if (step < 0) fail(ErrorKind::Value, "step must be greater than zero");
    const std::int64_t start = bound(range->start, 0), end = bound(range->stop, INT64_MAX);
    if (dim >= at.view->dim()) fail(ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
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

/// A number without dimensions that says whether, not where.
bool is_truth(PyObject* item) {
    if (!is_tensor(item)) return PyBool_Check(item);
    const DType dtype = body(item)->dtype;
    return body(item)->dim() == 0 && (dtype == DType::Bool || dtype == DType::UInt8);
}

void apply_item(Indexed& at, PyObject* item, int& dim, int rest, bool alone);

/// A list, or an array: one without dimensions is the number that it holds.
void apply_sequence(Indexed& at, PyObject* item, int& dim) {
    const Tensor pick = pick_from_sequence(item);
    if (pick->dim() > 0) return apply_pick(at, pick, dim);
    const nb::object number = nb::steal(to_python(pick));
    apply_item(at, number.ptr(), dim, 0, false);
}

void apply_item(Indexed& at, PyObject* item, int& dim, int rest, bool alone) {
    const Tensor& x = at.view;
    if (item == Py_Ellipsis) {
        dim = x->dim() - rest;
    } else if (item == Py_None) {
        at.view = unsqueeze(x, dim++);
    } else if (is_truth(item)) {
        const bool on = is_tensor(item) ? tapeless::item(*body(item)).to<bool>() : item == Py_True;
        at.view = unsqueeze(x, dim);
        apply_pick(at, full({on ? 1 : 0}, Scalar(0), DType::Int64), dim);
    } else if (PySlice_Check(item)) {
        apply_slice(at, item, dim, alone);
    } else if (dim >= x->dim()) {
        fail(ErrorKind::Index, "too many indices for tensor of dimension ", at.rank);
    } else if (is_integer(item)) {
        const std::int64_t i = position_from(item), size = x->sizes[dim];
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
    } else if (PyUnicode_Check(item)) {
        fail(ErrorKind::Type, "new(): invalid data type 'str'");
    } else if (PySequence_Check(item)) {
        apply_sequence(at, item, dim);
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
        if (is_list_of_parts(key)) return index_by(x, tuple_of_parts(key).ptr(), reads);
        if (x->dim() == 0 && is_integer(key) && !is_tensor(key)) {
            position_from(key);  // A number without end is refused first.
            fail(ErrorKind::Index,
                 "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                 "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
        }
        apply_item(at, key, dim, 0, reads);
        return at;
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(key);
    int wanted = 0;
    for (Py_ssize_t i = 0; i < count; ++i) wanted += consumed(PyTuple_GET_ITEM(key, i));
    if (wanted > x->dim()) fail(ErrorKind::Index, "too many indices for tensor of dimension ", x->dim());
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

/// What is written into x[...]: a tensor, or a sequence of numbers.
Tensor source_from(const Tensor& x, PyObject* value) {
    if (is_tensor(value)) return tensor_from(value);
    if (PySequence_Check(value) && !PyUnicode_Check(value)) {
        return to_dtype(tensor_from_sequence(value), x->dtype);
    }
    const std::string kind = describe(*x);
    fail(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a ",
         kind.substr(0, kind.find(' ')));
}

/// As in NumPy, leading dimensions of size 1 in what is written do not matter.
Tensor without_ones(Tensor source, int rank) {
    while (source->dim() > rank && source->sizes[0] == 1) source = select(source, 0, 0);
    return source;
}

void write_view(const Tensor& view, const Tensor& given) {
    if (given->sizes == view->sizes) return copy_(view, given);
    if (given->dim() == 0) return fill_(view, given);
    const Tensor source = without_ones(given, view->dim());
    copy_(view, source->sizes == view->sizes ? source : expand(source, view->sizes));
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
        if (key == Py_False) return;
        Scalar number;
        const bool is_number = !is_tensor(value) && scalar_from(value, number);
        if (is_number) check_number(number, x->dtype);
        Indexed at =
            key == Py_True ? Indexed{unsqueeze(x, 0), {}, x->dim(), 0, false} : index_by(x, key, false);
        if (is_number && !at.picked && at.view->dim() > 0) return set_number(at.view, number);
        const Tensor source = is_number ? scalar_tensor(number, x->dtype) : source_from(x, value);
        at.picked ? index_put_(at.view, at.picks, without_ones(source, 0), false)
                  : write_view(at.view, source);
    });
}

void define_indexing(nb::module_&) {}

}  // namespace tapeless
