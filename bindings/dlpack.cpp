// DLPack both ways: its structures, capsules that export a tensor, and tensors over imported memory.
#include <algorithm>
#include <memory>

#include "bindings/interop.h"
#include "graph/autograd.h"

namespace tapeless {
namespace {

// The structures of DLPack's C interface, version 1.0; layouts and codes are the specification's.

constexpr std::int32_t kDLCPU = 1;
enum DLCode : std::uint8_t { DLInt = 0, DLUInt = 1, DLFloat = 2, DLBFloat = 4, DLComplex = 5, DLBool = 6 };

struct DLDevice {
    std::int32_t type, index;
};
struct DLDataType {
    std::uint8_t code, bits;
    std::uint16_t lanes;
};
struct DLTensor {
    void* data;
    DLDevice device;
    std::int32_t ndim;
    DLDataType dtype;
    std::int64_t* shape;
    std::int64_t* strides;
    std::uint64_t byte_offset;
};
struct DLManaged {
    DLTensor tensor;
    void* context;
    void (*deleter)(DLManaged*);
};
struct DLVersion {
    std::uint32_t major, minor;
};
struct DLVersioned {
    DLVersion version;
    void* context;
    void (*deleter)(DLVersioned*);
    std::uint64_t flags;
    DLTensor tensor;
};
constexpr std::uint64_t kCopied = 2;

template <class M>
constexpr const char* fresh_name = std::is_same_v<M, DLManaged> ? "dltensor" : "dltensor_versioned";
template <class M>
constexpr const char* used_name = std::is_same_v<M, DLManaged> ? "used_dltensor" : "used_dltensor_versioned";

// ---- dtypes ----

DLDataType dlpack_dtype(DType dtype) {
    const std::uint8_t bits = static_cast<std::uint8_t>(8 * size_of(dtype));
    if (dtype == DType::Bool) return {DLBool, 8, 1};
    if (dtype == DType::UInt8) return {DLUInt, 8, 1};
    if (dtype == DType::BFloat16) return {DLBFloat, 16, 1};
    switch (category(dtype)) {
        case Category::Floating:
            return {DLFloat, bits, 1};
        case Category::Complex:
            return {DLComplex, bits, 1};
        default:
            return {DLInt, bits, 1};
    }
}

DType dtype_from_dlpack(DLDataType type) {
    for (int i = 0; i < kDTypes; ++i) {
        const DLDataType known = dlpack_dtype(static_cast<DType>(i));
        if (known.code == type.code && known.bits == type.bits && type.lanes == 1)
            return static_cast<DType>(i);
    }
    fail(ErrorKind::Runtime, "from_dlpack: unsupported type: code ", int{type.code}, ", ", int{type.bits},
         " bits, ", type.lanes, " lanes");
}

// ---- export ----

/// What an exported tensor keeps alive.
template <class M> struct Export {
    M managed{};
    Tensor tensor;
    Dims sizes, strides;
};

template <class M> void drop_export(M* managed) {
    if (!managed || !Py_IsInitialized()) return;
    const PyGILState_STATE state = PyGILState_Ensure();  // The reader may have released it.
    delete static_cast<Export<M>*>(managed->context);
    PyGILState_Release(state);
}

/// A capsule that nobody took still owns its tensor.
template <class M> void drop_capsule(PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, fresh_name<M>)) return;
    M* managed = static_cast<M*>(PyCapsule_GetPointer(capsule, fresh_name<M>));
    if (managed && managed->deleter) managed->deleter(managed);
}

template <class M> PyObject* export_as(const Tensor& x, bool copied) {
    auto made = std::make_unique<Export<M>>();
    made->tensor = x;
    made->sizes = x->sizes;
    made->strides = x->strides;
    for (int d = 0; d < x->dim(); ++d) {
        if (x->sizes[d] < 2) made->strides[d] = 1;  // Never stepped; readers choke on odd ones.
    }
    char* base = expose(*x->storage);
    DLTensor& tensor = made->managed.tensor;
    tensor.data = base ? base + x->offset * static_cast<std::int64_t>(size_of(x->dtype)) : nullptr;
    tensor.device = {kDLCPU, 0};
    tensor.ndim = x->dim();
    tensor.dtype = dlpack_dtype(x->dtype);
    tensor.shape = made->sizes.data();
    tensor.strides = made->strides.data();
    tensor.byte_offset = 0;
    made->managed.context = made.get();
    made->managed.deleter = drop_export<M>;
    if constexpr (std::is_same_v<M, DLVersioned>) {
        made->managed.version = {1, 0};
        made->managed.flags = copied ? kCopied : 0;
    }
    PyObject* capsule = checked(PyCapsule_New(&made->managed, fresh_name<M>, drop_capsule<M>));
    made.release();
    return capsule;
}

nb::object to_dlpack(const Tensor& x, bool versioned, bool copied) {
    if (requires_grad(x)) {
        fail(ErrorKind::Buffer, "Can't export tensors that require gradient, use tensor.detach()");
    }
    if (x->device.type != DeviceType::CPU)
        fail(ErrorKind::Buffer, "__dlpack__: a tensor on the meta device has no memory");
    const Tensor memory = alias(x);
    return nb::steal(versioned ? export_as<DLVersioned>(memory, copied)
                               : export_as<DLManaged>(memory, copied));
}

// ---- import ----

template <class M> void drop_import(void* owner) {
    M* managed = static_cast<M*>(owner);
    if (managed->deleter) managed->deleter(managed);
}

template <class M> Tensor import_from(PyObject* capsule) {
    M* managed = static_cast<M*>(PyCapsule_GetPointer(capsule, fresh_name<M>));
    if (!managed) throw nb::python_error();
    if constexpr (std::is_same_v<M, DLVersioned>) {
        check(managed->version.major == 1, "from_dlpack: version ", managed->version.major,
              " of DLPack; 1 is understood");
    }
    const DLTensor& tensor = managed->tensor;
    check(tensor.device.type == kDLCPU, "from_dlpack: device type ", tensor.device.type,
          "; only CPU memory can be shared");
    const DType dtype = dtype_from_dlpack(tensor.dtype);
    const std::int64_t element = static_cast<std::int64_t>(size_of(dtype));
    const Dims sizes(tensor.shape, tensor.ndim);
    const Dims strides = tensor.strides ? Dims(tensor.strides, tensor.ndim) : contiguous_strides(sizes);
    std::int64_t extent = product(sizes) == 0 ? 0 : 1;
    for (int d = 0; d < sizes.size() && extent; ++d) {
        check(strides[d] >= 0 || sizes[d] < 2,
              "from_dlpack: negative strides are not supported; copy the array first");
        extent += (sizes[d] - 1) * strides[d];
    }
    char* start = static_cast<char*>(tensor.data) + tensor.byte_offset;
    Shared<Buffer> buffer =
        wrap_external(start, static_cast<std::size_t>(extent * element), drop_import<M>, managed);
    PyCapsule_SetName(capsule, used_name<M>);
    return tensor_of(make_external(std::move(buffer)), sizes, strides, 0, dtype);
}

Tensor import_capsule(PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, fresh_name<DLVersioned>)) return import_from<DLVersioned>(capsule);
    check(PyCapsule_IsValid(capsule, fresh_name<DLManaged>),
          "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, "
          "so you might have "
          "already constructed a tensor from it once.");
    return import_from<DLManaged>(capsule);
}

}  // namespace

Tensor tensor_from_dlpack(PyObject* source) {
    nb::object method = nb::steal(PyObject_GetAttrString(source, "__dlpack__"));
    if (!method.is_valid()) {
        PyErr_Clear();
        return import_capsule(source);
    }
    nb::object newest = nb::make_tuple(1, 0);
    nb::object capsule;
    try {
        capsule = method(nb::arg("max_version") = newest);
    } catch (nb::python_error& error) {
        // Exporters older than version 1 do not know the argument.
        if (!error.matches(PyExc_TypeError)) throw;
        capsule = method();
    }
    return import_capsule(capsule.ptr());
}

void define_dlpack(nb::module_& m) {
    m.def("_to_dlpack", to_dlpack, nb::arg("x"), nb::arg("versioned"), nb::arg("copied"));
    m.def("_from_dlpack", [](nb::handle source) { return tensor_from_dlpack(source.ptr()); });
}

}  // namespace tapeless
