// Making tensors and reading single elements.
#include "tensor/tensor.h"

#include <cstring>
#include <new>

namespace tapeless {
namespace {

void destroy_tensor(Object* object) noexcept { static_cast<TensorBody*>(object)->~TensorBody(); }

TensorBody* new_body() {
    Object* object = object_hooks.allocate(tensor_class, 0);
    // The header is the hooks' own; everything behind it starts as zeros or empty.
    const Object head = *object;
    TensorBody* body = new (object) TensorBody();
    static_cast<Object&>(*body) = head;
    return body;
}

}  // namespace

int visit_tensor(Object* object,
                 const Visit& visit);  // graph/autograd.cpp, which knows what a tensor refers to
void clear_tensor(Object* object) noexcept;

Class tensor_class = {"Tensor", sizeof(TensorBody), destroy_tensor, visit_tensor, clear_tensor};

Tensor tensor_of(Shared<Storage> storage, Dims sizes, Dims strides, std::int64_t offset, DType dtype) {
    TensorBody* body = new_body();
    body->device = storage->device;
    body->storage = std::move(storage);
    body->numel = product(sizes);
    body->contiguous = is_contiguous(sizes, strides);
    body->sizes = std::move(sizes);
    body->strides = std::move(strides);
    body->offset = offset;
    body->dtype = dtype;
    return Tensor::adopt(body);
}

Tensor empty(Dims sizes, DType dtype, Device device, const Dims* strides) {
    for (std::int64_t size : sizes) {
        if (size < 0)
            fail(ErrorKind::Runtime, "Trying to create tensor with negative dimension ", size, ": ",
                 to_string(sizes));
    }
    std::int64_t bytes = 0;
    const bool overflow =
        __builtin_mul_overflow(product(sizes), static_cast<std::int64_t>(size_of(dtype)), &bytes);
    if (overflow)
        fail(ErrorKind::Runtime, "empty: storage size calculation overflowed with sizes=", to_string(sizes),
             "; a tensor holds at most 2^63 - 1 bytes");
    Dims own = strides ? *strides : contiguous_strides(sizes);
    return tensor_of(make_storage(static_cast<std::size_t>(bytes), device), std::move(sizes), std::move(own),
                     0, dtype);
}

Tensor empty_beside(const TensorBody& x, DType dtype) {
    Shared<Storage> storage = make_storage(static_cast<std::size_t>(x.numel) * size_of(dtype), x.device);
    TensorBody* body = new_body();
    body->storage = std::move(storage);
    body->sizes = x.sizes;
    body->strides = x.strides;
    body->numel = x.numel;
    body->dtype = dtype;
    body->device = x.device;
    body->contiguous = true;
    const std::int64_t* sizes = x.sizes.data();
    std::int64_t *strides = body->strides.data(), step = 1;
    for (int d = x.dim() - 1; d >= 0; --d) {  // Of a size of 1, x's own stride can be any.
        strides[d] = step;
        step *= std::max<std::int64_t>(sizes[d], 1);
    }
    return Tensor::adopt(body);
}

Tensor alias(const Tensor& x) {
    TensorBody* body = new_body();
    body->storage = x->storage;
    body->sizes = x->sizes;
    body->strides = x->strides;
    body->offset = x->offset;
    body->numel = x->numel;
    body->dtype = x->dtype;
    body->device = x->device;
    body->contiguous = x->contiguous;
    body->inference = x->inference;
    body->data_alias = x->data_alias;
    return Tensor::adopt(body);
}

Tensor scalar_tensor(const Scalar& value, DType dtype, Device device) {
    Tensor out = empty({}, dtype, device);
    if (device.type == DeviceType::Meta) return out;
    visit(dtype, [&]<class T>(Type<T>) { *mutable_data<T>(*out) = value.to<T>(); });
    return out;
}

Scalar item(const TensorBody& x) {
    check(x.device.type != DeviceType::Meta, "Tensor.item() cannot be called on meta tensors");
    return visit(x.dtype, [&]<class T>(Type<T>) -> Scalar {
        const T value = *data<T>(x);
        if constexpr (std::is_same_v<T, bool>) {
            return Scalar(value);
        } else if constexpr (std::is_integral_v<T>) {
            return Scalar(static_cast<std::int64_t>(value));
        } else if constexpr (is_complex_type<T>) {
            return Scalar(convert<Complex<double>>(value));
        } else {
            return Scalar(convert<double>(value));
        }
    });
}

std::string describe(const TensorBody& x) {
    return text(x.device.type == DeviceType::Meta ? "torch.meta." : "torch.", facts(x.dtype).legacy_name,
                "Tensor ", to_string(x.sizes));
}

}  // namespace tapeless
