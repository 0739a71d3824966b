// The type tapeless.Tensor: its slots, attributes and the methods that programs call most; the rest is Python.
#include <Python.h>
#include <structmember.h>

#include <cstring>

#include "bindings/hooks.h"
#include "bindings/indexing.h"
#include "bindings/interop.h"
#include "bindings/object.h"
#include "bindings/operators.h"
#include "bindings/python.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

template <class F> PyObject* get(PyObject* self, F&& read) {
    return guarded([&] { return read(tensor_from(self)); });
}

PyObject* shape(PyObject* self, void*) { return size_to_python(body(self)->sizes); }
PyObject* dtype(PyObject* self, void*) { return to_python(body(self)->dtype); }
PyObject* device(PyObject* self, void*) { return to_python(body(self)->device); }
PyObject* ndim(PyObject* self, void*) { return PyLong_FromLong(body(self)->dim()); }
PyObject* get_requires_grad(PyObject* self, void*) {
    return get(self, [](const Tensor& x) { return PyBool_FromLong(requires_grad(x)); });
}
int put_requires_grad(PyObject* self, PyObject* value, void*) {
    return guarded_status([&] {
        const int on = value ? PyObject_IsTrue(value) : -1;
        if (on < 0) fail(ErrorKind::Runtime, "requires_grad must be True or False, and cannot be deleted");
        const Tensor x = tensor_from(self);
        check(is_leaf(x), "you can only change requires_grad flags of leaf variables.",
              on ? ""
                 : " If you want to use a computed variable in a subgraph that doesn't require "
                   "differentiation use "
                   "var_no_grad = var.detach().");
        set_requires_grad(x, on);
    });
}

PyObject* get_grad(PyObject* self, void*) {
    return guarded([&]() -> PyObject* {
        const Tensor x = tensor_from(self);
        if (!x->requires_grad && (!x->autograd || !x->autograd->retains_grad) && grad_fn(x) &&
            !(x->autograd && x->autograd->grad)) {
            if (PyErr_WarnEx(
                    PyExc_UserWarning,
                    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                    "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
                    "field "
                    "to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If "
                    "you "
                    "access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead.",
                    1) < 0) {
                throw nb::python_error();
            }
        }
        return to_python(x->autograd ? x->autograd->grad : Tensor());
    });
}

const char* lower_name(DType dtype) {
    switch (dtype) {
        case DType::Float32:
            return "float";
        case DType::Float64:
            return "double";
        case DType::Int64:
            return "long int";
        case DType::Int32:
            return "int";
        default:
            return facts(dtype).name;
    }
}

int put_grad(PyObject* self, PyObject* value, void*) {
    return guarded_status([&] {
        const Tensor x = tensor_from(self);
        if (!value || value == Py_None) {
            if (x->autograd) x->autograd->grad.reset();
            return;
        }
        if (!is_tensor(value)) {
            fail(ErrorKind::Type, "assigned grad expected to be a Tensor or None but got grad of type ",
                 Py_TYPE(value)->tp_name);
        }
        const Tensor g = tensor_from(value);
        check(g.get() != x.get(), "can't assign Variable as its own grad");
        const bool any = x->autograd && x->autograd->grad_dtype_set && x->autograd->any_grad_dtype;
        const DType wanted = x->autograd && x->autograd->grad_dtype_set ? x->autograd->grad_dtype : x->dtype;
        check(g->device.type == x->device.type, "attempting to assign a gradient with device type '",
              name(g->device.type), "' to a tensor with device type '", name(x->device.type),
              "'. Please ensure that the gradient and the tensor are on the same device");
        check(any || g->dtype == wanted, "attempting to assign a gradient with dtype '", lower_name(g->dtype),
              "' to a tensor with grad_dtype '", facts(wanted).legacy_name,
              "'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can "
              "set the "
              "tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
              "grad_dtype with "
              "caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that "
              "assume they "
              "match.");
        check(g->sizes == x->sizes, "attempting to assign a gradient of size '", g->sizes,
              "' to a tensor of size '", x->sizes,
              "'. Please ensure that the gradient and the tensor are the "
              "same size");
        autograd_of(x).grad = g;
    });
}

PyObject* get_grad_fn(PyObject* self, void*) {
    return get(self, [](const Tensor& x) -> PyObject* {
        Node* node = grad_fn(x);
        return Py_NewRef(node ? as_python(node) : Py_None);
    });
}
PyObject* get_is_leaf(PyObject* self, void*) {
    return get(self, [](const Tensor& x) { return PyBool_FromLong(is_leaf(x)); });
}
PyObject* get_data(PyObject* self, void*) {
    return get(self, [](const Tensor& x) {
        Tensor out = alias(x);
        out->data_alias = true;
        return to_python(out);
    });
}
int put_data(PyObject* self, PyObject* value, void*) {
    return guarded_status([&] {
        if (!value || !is_tensor(value)) {
            fail(ErrorKind::Type, "Variable data has to be a tensor, but got ",
                 value ? Py_TYPE(value)->tp_name : "nothing");
        }
        const Tensor x = tensor_from(self), source = tensor_from(value);
        check(!x->requires_grad || is_differentiable(source->dtype),
              "data set to a tensor that requires gradients must be floating point or complex dtype");
        x->storage = source->storage;
        x->sizes = source->sizes;
        x->strides = source->strides;
        x->offset = source->offset;
        x->numel = source->numel;
        x->dtype = source->dtype;
        x->device = source->device;
        x->contiguous = source->contiguous;
    });
}
PyObject* get_version(PyObject* self, void*) {
    return get(self, [](const Tensor& x) -> PyObject* {
        check(!x->inference || x->data_alias, "Inference tensors do not track version counter.");
        return PyLong_FromUnsignedLong(version(*x));
    });
}
PyObject* get_base(PyObject* self, void*) {
    return get(self, [](const Tensor& x) -> PyObject* {
        ViewFacts* view = view_of(*x);
        return view && !view->detached ? to_python(view->base) : Py_NewRef(Py_None);
    });
}
PyObject* get_retains(PyObject* self, void*) {
    return PyBool_FromLong(body(self)->autograd && body(self)->autograd->retains_grad);
}
PyObject* get_output(PyObject* self, void*) { return PyLong_FromUnsignedLong(body(self)->output); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromSize_t(size_of(body(self)->dtype)); }
PyObject* get_t(PyObject* self, void*) {
    return get(self, [](const Tensor& x) {
        Dims dims;
        for (int d = x->dim() - 1; d >= 0; --d) dims.push_back(d);
        return to_python(permute(x, dims));
    });
}
PyObject* get_mt(PyObject* self, void*) {
    return get(self, [](const Tensor& x) {
        check(x->dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ", x->dim(),
              "-D tensor.");
        return to_python(transpose(x, -2, -1));
    });
}

PyObject* get_dict(PyObject* self, void* context) {
    if (!PyObject_GC_IsTracked(self))
        PyObject_GC_Track(self);  // What is put there may refer back to the tensor.
    return PyObject_GenericGetDict(self, context);
}

PyGetSetDef getset[] = {
    {"shape", shape, nullptr, "The size of each dimension.", nullptr},
    {"dtype", dtype, nullptr, "The type of the elements.", nullptr},
    {"device", device, nullptr, "Where the tensor lives.", nullptr},
    {"ndim", ndim, nullptr, "The number of dimensions.", nullptr},
    {"requires_grad", get_requires_grad, put_requires_grad, "Whether a gradient is wanted.", nullptr},
    {"grad", get_grad, put_grad, "The gradient that backward accumulated, or None.", nullptr},
    {"_grad", get_grad, put_grad, nullptr, nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The node that made the tensor, or None of a leaf.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no recorded operation made the tensor.", nullptr},
    {"data", get_data, put_data, "The same memory outside the graph.", nullptr},
    {"_version", get_version, nullptr, "How many writes the memory has seen.", nullptr},
    {"_base", get_base, nullptr, "What the tensor is a view of, or None.", nullptr},
    {"retains_grad", get_retains, nullptr, "Whether retain_grad was called on a result.", nullptr},
    {"output_nr", get_output, nullptr, "Which output of grad_fn the tensor is.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"__dict__", get_dict, PyObject_GenericSetDict, nullptr, nullptr},
    {"T", get_t, nullptr, "The view with the dimensions reversed.", nullptr},
    {"mT", get_mt, nullptr, "The view with the last two dimensions swapped.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* size(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        PyObject* dim = count ? args[0] : names && PyTuple_GET_SIZE(names) ? args[0] : Py_None;
        if (dim == Py_None) return size_to_python(body(self)->sizes);
        return PyLong_FromLongLong(body(self)->sizes[wrap_dim(integer_from(dim, "dim"), body(self)->dim())]);
    });
}
PyObject* stride(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        PyObject* dim = count ? args[0] : names && PyTuple_GET_SIZE(names) ? args[0] : Py_None;
        if (dim == Py_None) return dims_to_python(body(self)->strides);
        return PyLong_FromLongLong(
            body(self)->strides[wrap_dim(integer_from(dim, "dim"), body(self)->dim())]);
    });
}
PyObject* numel(PyObject* self, PyObject*) { return PyLong_FromLongLong(body(self)->numel); }
PyObject* dim(PyObject* self, PyObject*) { return PyLong_FromLong(body(self)->dim()); }
PyObject* storage_offset(PyObject* self, PyObject*) { return PyLong_FromLongLong(body(self)->offset); }
PyObject* is_view(PyObject* self, PyObject*) {
    ViewFacts* view = view_of(*body(self));
    return PyBool_FromLong(view && !view->detached);
}
PyObject* is_inference(PyObject* self, PyObject*) { return PyBool_FromLong(body(self)->inference); }
PyObject* is_pending(PyObject* self, PyObject*) {
    return PyBool_FromLong(static_cast<bool>(body(self)->storage->pending));
}
PyObject* data_ptr(PyObject* self, PyObject*) {
    return get(self, [](const Tensor& x) -> PyObject* {
        if (x->numel == 0 || x->device.type != DeviceType::CPU) return PyLong_FromLong(0);
        const char* base = expose(*x->storage);
        return PyLong_FromVoidPtr(
            const_cast<char*>(base + x->offset * static_cast<std::int64_t>(size_of(x->dtype))));
    });
}
constexpr const char* kItemInBatch =
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a "
    "Tensor, "
    "please try to rewrite what you're doing with other operations, or read the number outside of vmap.";
constexpr const char* kBranchInBatch =
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't "
    "support that "
    "yet: each example may go another way. Write torch.where(condition, a, b) instead.";

PyObject* item_of(PyObject* self, PyObject*) {
    return get(self, [](const Tensor& x) -> PyObject* {
        check(x->numel == 1, "a Tensor with ", x->numel, " elements cannot be converted to Scalar");
        return to_python(item(readable_primal(*x, kItemInBatch)));
    });
}
PyObject* is_contiguous_of(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    if (count == 0 && !names) return PyBool_FromLong(body(self)->contiguous);
    return guarded([&]() -> PyObject* {
        const bool known = count == 0 && PyTuple_GET_SIZE(names) == 1 &&
                           !PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "memory_format");
        if (!known) fail(ErrorKind::Type, "is_contiguous() takes no argument but memory_format, by name");
        const nb::object text = nb::steal(checked(PyObject_Str(args[0])));
        const std::string name = nb::cast<std::string>(text);
        const MemoryFormat format = memory_format_named(name.rfind("torch.", 0) == 0 ? name.substr(6) : name);
        check(format != MemoryFormat::Preserve,
              "preserve memory format is unsupported by the is_contiguous operator");
        return PyBool_FromLong(lies_in(*body(self), format));
    });
}
PyObject* set_flag(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const bool given = count || (names && PyTuple_GET_SIZE(names));
        const bool on = given ? PyObject_IsTrue(args[0]) == 1 : true;
        const Tensor x = tensor_from(self);
        check(!on || is_differentiable(x->dtype),
              "only Tensors of floating point dtype can require gradients");
        set_requires_grad(x, on);
        return Py_NewRef(self);
    });
}
PyObject* hook(PyObject* self, PyObject* callable) {
    return guarded([&] { return register_tensor_hook(tensor_from(self), callable); });
}
PyObject* post_hook(PyObject* self, PyObject* callable) {
    return guarded([&] { return register_post_accumulate_hook(tensor_from(self), callable); });
}
PyObject* retain(PyObject* self, PyObject*) {
    return guarded([&]() -> PyObject* {
        retain_grad(tensor_from(self));
        Py_RETURN_NONE;
    });
}
PyObject* detach_inplace(PyObject* self, PyObject*) {
    return guarded([&]() -> PyObject* {
        const Tensor x = tensor_from(self);
        ViewFacts* view = view_of(*x);
        check(!(view && !view->detached),
              "Can't detach views in-place. Use detach() instead. If you are using "
              "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, "
              "gradients are views "
              "of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, "
              "please refer to "
              "the Optimizer.zero_grad() function in torch/optim/optimizer.py as a solution.");
        x->grad_fn.reset();
        x->requires_grad = x->implied_grad = false;
        x->output = 0;
        return Py_NewRef(self);
    });
}

#define TAPELESS_FAST(function) \
    reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL | METH_KEYWORDS
PyMethodDef methods[] = {
    {"size", TAPELESS_FAST(size), "The size of each dimension, or of one."},
    {"stride", TAPELESS_FAST(stride), "Elements between neighbours along each dimension, or along one."},
    {"numel", numel, METH_NOARGS, "The number of elements."},
    {"nelement", numel, METH_NOARGS, "The number of elements."},
    {"dim", dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", dim, METH_NOARGS, "The number of dimensions."},
    {"storage_offset", storage_offset, METH_NOARGS, "The first element's place in the storage, in elements."},
    {"item", item_of, METH_NOARGS, "The one element as a Python number."},
    {"data_ptr", data_ptr, METH_NOARGS,
     "The address of the first element; the memory is exposed from then on."},
    {"is_contiguous", TAPELESS_FAST(is_contiguous_of),
     "is_contiguous(*, memory_format=torch.contiguous_format)\n\nWhether elements lie in row-major order, or "
     "channels "
     "last, without gaps."},
    {"requires_grad_", TAPELESS_FAST(set_flag), "Sets requires_grad and returns the tensor."},
    {"register_hook", hook, METH_O, "Calls hook(grad) when the gradient has been computed."},
    {"register_post_accumulate_grad_hook", post_hook, METH_O,
     "Calls hook(tensor) after its .grad was accumulated."},
    {"retain_grad", retain, METH_NOARGS, "Keeps the gradient of a result in .grad."},
    {"detach_", detach_inplace, METH_NOARGS, "Cuts the tensor off its history."},
    {"__rsub__", reflected_subtract, METH_O | METH_COEXIST, "other - self."},
    {"_is_view", is_view, METH_NOARGS, "Whether the tensor is a view."},
    {"is_inference", is_inference, METH_NOARGS, "Whether the tensor was made in inference mode."},
    {"_is_pending", is_pending, METH_NOARGS, "Whether the bytes have still to be computed."},
    {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(Object, attributes), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(Object, weak), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

Py_ssize_t length(PyObject* self) {
    if (body(self)->dim() == 0) {
        PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
        return -1;
    }
    return body(self)->sizes[0];
}

int truth(PyObject* self) {
    int result = 0;
    const int status = guarded_status([&] {
        const TensorBody& x = *body(self);
        check(x.numel != 0, "Boolean value of Tensor with no values is ambiguous");
        check(x.numel == 1, "Boolean value of Tensor with more than one value is ambiguous");
        result = item(readable_primal(x, kBranchInBatch)).to<bool>();
    });
    return status < 0 ? -1 : result;
}

PyObject* number(PyObject* self, PyObject* (*convert)(const TensorBody&)) {
    return guarded([&] {
        const TensorBody& x = *body(self);
        check(x.numel == 1, "a Tensor with ", x.numel, " elements cannot be converted to Scalar");
        if (requires_grad(tensor_from(self)) &&
            PyErr_WarnEx(
                PyExc_UserWarning,
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
                "Consider using tensor.detach() first.",
                1) < 0) {
            throw nb::python_error();
        }
        return convert(readable_primal(x, kItemInBatch));
    });
}
PyObject* to_float(PyObject* self) {
    return number(self, [](const TensorBody& x) {
        check(!is_complex(x.dtype) || item(x).to<Complex<double>>().im == 0,
              "value cannot be converted to type double without overflow");
        return PyFloat_FromDouble(item(x).to<double>());
    });
}
PyObject* to_int(PyObject* self) {
    return number(self, [](const TensorBody& x) {
        if (is_integral(x.dtype)) return PyLong_FromLongLong(item(x).to<std::int64_t>());
        return checked(PyLong_FromDouble(item(x).to<double>()));
    });
}
PyObject* to_index(PyObject* self) {
    return guarded([&] {
        const TensorBody& x = *body(self);
        if (!is_integral(x.dtype) || x.numel != 1) {
            fail(ErrorKind::Type, "only integer tensors of a single element can be converted to an index");
        }
        return PyLong_FromLongLong(item(x).to<std::int64_t>());
    });
}

PyObject* construct(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    static PyObject* build = nullptr;
    if (!build) {
        PyObject* module = PyImport_ImportModule("tapeless._tensor");
        if (!module) return nullptr;
        build = PyObject_GetAttrString(module, "_construct");
        Py_DECREF(module);
        if (!build) return nullptr;
    }
    PyObject* source = PyObject_Call(build, args, kwargs);
    if (!source || Py_TYPE(source) == type) return source;
    PyObject* made = make_subclass(type, source);
    Py_DECREF(source);
    return made;
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
    if (!PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);  // What it is given may refer back to it.
    return PyObject_GenericSetAttr(self, name, value);
}

PyObject* represent(PyObject* self) {
    static PyObject* function = nullptr;
    if (!function) {
        PyObject* module = PyImport_ImportModule("tapeless._tensor");
        if (!module) return nullptr;
        function = PyObject_GetAttrString(module, "_represent");
        Py_DECREF(module);
        if (!function) return nullptr;
    }
    return PyObject_CallOneArg(function, self);
}

}  // namespace

PyObject* make_subclass(PyTypeObject* type, PyObject* source) {
    return guarded([&]() -> PyObject* {
        const Tensor x = tensor_from(source);
        PyObject* object = checked(type->tp_alloc(type, 0));
        Object* memory = as_object(object);
        const Object head = *memory;
        TensorBody* made = new (memory) TensorBody();
        static_cast<Object&>(*made) = head;
        made->attributes = made->weak = nullptr;
        made->extent = 0;
        made->storage = x->storage;
        made->sizes = x->sizes;
        made->strides = x->strides;
        made->offset = x->offset;
        made->numel = x->numel;
        made->dtype = x->dtype;
        made->device = x->device;
        made->contiguous = x->contiguous;
        made->inference = x->inference;
        made->data_alias = x->data_alias;
        return object;
    });
}

void define_tensor(nb::module_& m) {
    std::vector<PyType_Slot> slots = {
        {Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(object_traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(object_clear)},
        {Py_tp_methods, methods},
        {Py_tp_getset, getset},
        {Py_tp_members, members},
        {Py_tp_new, reinterpret_cast<void*>(construct)},
        {Py_tp_repr, reinterpret_cast<void*>(represent)},
        {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
        {Py_tp_hash, reinterpret_cast<void*>(_Py_HashPointer)},
        {Py_mp_length, reinterpret_cast<void*>(length)},
        {Py_sq_length, reinterpret_cast<void*>(length)},
        {Py_mp_subscript, reinterpret_cast<void*>(tensor_getitem)},
        {Py_mp_ass_subscript, reinterpret_cast<void*>(tensor_setitem)},
        {Py_nb_bool, reinterpret_cast<void*>(truth)},
        {Py_nb_float, reinterpret_cast<void*>(to_float)},
        {Py_nb_int, reinterpret_cast<void*>(to_int)},
        {Py_nb_index, reinterpret_cast<void*>(to_index)},
        {Py_bf_getbuffer, reinterpret_cast<void*>(tensor_getbuffer)},
        {Py_bf_releasebuffer, reinterpret_cast<void*>(tensor_releasebuffer)},
        {Py_tp_doc, const_cast<char*>("An n-dimensional array with a gradient.")}};
    add_number_slots(slots);
    slots.push_back({0, nullptr});
    PyType_Spec spec = {"torch.Tensor", sizeof(TensorBody), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
    tensor_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    tensor_type->tp_name =
        "Tensor";  // As messages of Python's own name the class; the spec's name gave it its module.
    tensor_class.binding = tensor_type;
    m.attr("Tensor") = nb::borrow(reinterpret_cast<PyObject*>(tensor_type));
    m.def(
        "_make_subclass",
        [](nb::handle type, nb::handle source, bool wants_grad) {
            if (!PyType_Check(type.ptr()) ||
                !PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.ptr()), tensor_type)) {
                throw nb::type_error("_make_subclass: the first argument must be a subclass of Tensor");
            }
            nb::object made =
                nb::steal(checked(make_subclass(reinterpret_cast<PyTypeObject*>(type.ptr()), source.ptr())));
            if (wants_grad) set_requires_grad(tensor_from(made.ptr()), true);
            return made;
        },
        nb::arg("cls"), nb::arg("data"), nb::arg("require_grad") = false);
}

}  // namespace tapeless
