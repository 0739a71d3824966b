// The tensor: a storage seen through a geometry, and its place in the graph.
#pragma once

#include <memory>

#include "base/dims.h"
#include "base/dtype.h"
#include "base/scalar.h"
#include "tensor/storage.h"

namespace tapeless {

struct Autograd;  // graph/autograd.h: gradient, hooks and view facts; most tensors have none
struct AutogradDeleter {
    void operator()(Autograd*) const noexcept;
};

/// See Note [One object, one header] for why this is also what Python holds.
struct TensorBody : Object {
    Shared<Storage> storage;
    Dims sizes, strides;      ///< in elements
    std::int64_t offset = 0;  ///< first element, in elements from the storage's start
    std::int64_t numel = 0;
    DType dtype{};
    Device device;
    bool contiguous = false;     ///< row-major without gaps
    bool requires_grad = false;  ///< of a leaf: a gradient is wanted; a result is told by its grad_fn
    bool implied_grad =
        false;               ///< requires_grad was Variable's default, so it gives way where it is in the way
    bool inference = false;  ///< made in inference mode: neither versions nor graph
    bool data_alias = false;      ///< made by `.data`: writes are counted apart
    bool wrapped_number = false;  ///< a Python number in disguise: lowest rank in promotion
    std::uint32_t output = 0;     ///< which output of grad_fn this is
    Ref<Object> grad_fn;          ///< a Node; the graph layer knows
    std::unique_ptr<Autograd, AutogradDeleter> autograd;

    TensorBody() {}  // Not defaulted: that would fill everything with zeros first.
    int dim() const { return sizes.size(); }
};
using Tensor = Ref<TensorBody>;
extern Class tensor_class;

/// Row-major strides of `sizes`.
Dims contiguous_strides(const Dims& sizes);
bool is_contiguous(const Dims& sizes, const Dims& strides);
/// Whether the elements lie side by side in some order of the dimensions.
bool is_dense(const Dims& sizes, const Dims& strides);
/// In which order the dimensions of a tensor lie in memory; Preserve: as in another one.
enum class MemoryFormat : std::uint8_t { Preserve, Contiguous, ChannelsLast, ChannelsLast3d };
/// The format of that name, as in "channels_last".
MemoryFormat memory_format_named(const std::string& name);
/// The strides of `sizes` without gaps in a format other than Preserve; fails where it needs another rank.
Dims format_strides(const Dims& sizes, MemoryFormat format);
/// Whether x's elements lie without gaps in that format.
bool lies_in(const TensorBody& x, MemoryFormat format);
/// The strides of a batch of images (4 dimensions) or volumes (5) with the second one fastest: their channels lie together.
Dims channels_last_strides(const Dims& sizes);
/// Whether PyTorch takes x for such a batch: its strides say so, and could not mean row-major.
bool is_channels_last(const TensorBody& x);
/// Whether two indices can name the same element (a stride of 0 with size > 1, or a self-overlapping as_strided).
bool has_internal_overlap(const TensorBody& x);

/// A fresh tensor; strides row-major when empty.
Tensor empty(Dims sizes, DType dtype, Device device = {}, const Dims* strides = nullptr);
/// A fresh row-major tensor of x's sizes; x is row-major too, so that nothing has to be worked out.
Tensor empty_beside(const TensorBody& x, DType dtype);
/// A tensor over an existing storage.
Tensor tensor_of(Shared<Storage> storage, Dims sizes, Dims strides, std::int64_t offset, DType dtype);
/// Same storage and geometry, no graph.
Tensor alias(const Tensor& x);
/// A 0-dimensional tensor of a number.
Tensor scalar_tensor(const Scalar& value, DType dtype, Device device = {});

/// First element's address; evaluates.
template <class T = char> const T* data(const TensorBody& x) {
    const char* bytes = readable(*x.storage);
    return reinterpret_cast<const T*>(bytes + x.offset * static_cast<std::int64_t>(size_of(x.dtype)));
}
template <class T = char> T* mutable_data(const TensorBody& x) {
    char* bytes = writable(*x.storage);
    return reinterpret_cast<T*>(bytes + x.offset * static_cast<std::int64_t>(size_of(x.dtype)));
}
/// The bytes [first, last) of the storage between which the elements lie.
std::pair<std::int64_t, std::int64_t> byte_range(const TensorBody& x);
/// Whether x's elements are the whole of its storage.
bool covers_storage(const TensorBody& x);
/// Reads element 0.
Scalar item(const TensorBody& x);

/// A dimension number, counted from the end when negative; fails with PyTorch's IndexError.
int wrap_dim(std::int64_t dim, int rank);
/// PyTorch's broadcasting of two shapes; fails with its message.
Dims broadcast(const Dims& x, const Dims& y);
/// Strides by which `x` is read as if it had `sizes`.
Dims expanded_strides(const TensorBody& x, const Dims& sizes);
/// Strides of `x` seen as `sizes` without a copy, or nothing.
bool view_strides(const Dims& sizes, const Dims& strides, const Dims& new_sizes, Dims& new_strides);
/// "torch.FloatTensor [2, 3]", as PyTorch's messages name a tensor.
std::string describe(const TensorBody& x);

}  // namespace tapeless
