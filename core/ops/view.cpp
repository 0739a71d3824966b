// Views: results that share their input's storage. Each is linear; its derivative is the reverse rearrangement.
#include <algorithm>

#include "ops/embed.h"
#include "ops/operation.h"
#include "ops/viewed.h"
#include "ops/written.h"

namespace tapeless {
namespace {

struct Select : Embed {
    static constexpr const char* node = "SelectBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = (*this)(in[0]);
    }
};

struct Slice : Embed {
    static constexpr const char* node = "SliceBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = (*this)(in[0]);
    }
};

struct Permute {
    static constexpr const char* node = "PermuteBackward0";
    Dims dims;
    void backward(Node&, Gradients in, Gradients out) const {
        Dims inverse(dims.size());
        for (int d = 0; d < dims.size(); ++d) inverse[static_cast<int>(dims[d])] = d;
        if (in[0]) out[0] = permute(in[0], inverse);
    }
};

struct Transpose {
    static constexpr const char* node = "TransposeBackward0";
    std::int64_t dim0, dim1;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = transpose(in[0], dim0, dim1);
    }
};

struct T {
    static constexpr const char* node = "TBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = t(in[0]);
    }
};

struct Expand {
    static constexpr const char* node = "ExpandBackward0";
    Dims sizes;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = sum_to_size(in[0], sizes);
    }
};

/// View, squeeze and unsqueeze all give the gradient the input's sizes back.
struct View {
    static constexpr const char* node = "ViewBackward0";
    Dims sizes;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = reshape(in[0], sizes);
    }
};
struct ReshapeAlias : View {
    static constexpr const char* node = "ReshapeAliasBackward0";
};
struct Unsqueeze : View {
    static constexpr const char* node = "UnsqueezeBackward0";
};
struct Squeeze : View {
    static constexpr const char* node = "SqueezeBackward0";
};
struct SqueezeDim : View {
    static constexpr const char* node = "SqueezeBackward1";
};
struct SqueezeDims : View {
    static constexpr const char* node = "SqueezeBackward2";
};
struct UnsafeView : View {
    static constexpr const char* node = "UnsafeViewBackward0";
};
struct Alias : View {
    static constexpr const char* node = "AliasBackward0";
};

Dims checked_dims(const Dims& dims, int rank) {
    Dims out;
    for (std::int64_t dim : dims) out.push_back(wrap_dim(dim, rank));
    return out;
}

}  // namespace

Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index) {
    if (x->dim() == 0) fail(ErrorKind::Index, "select() cannot be applied to a 0-dim tensor.");
    const int d = wrap_dim(dim, x->dim());
    const std::int64_t size = x->sizes[d];
    if (index < -size || index >= size) {
        fail(ErrorKind::Index, "select(): index ", index, " out of range for tensor of size ",
             to_string(x->sizes), " at dimension ", d);
    }
    if (index < 0) index += size;
    const Select node{{x->sizes, d, index, 0, 1, true}};
    if (lifted(x)) {
        return recorded_view(linear_at_level(
                                 x, [&](const Tensor& held) { return select(held, d, index); },
                                 [&](const Tensor& all) { return select(all, d + 1, index); }),
                             x, node);
    }
    Dims sizes = x->sizes, strides = x->strides;
    const std::int64_t offset = x->offset + index * strides[d];
    sizes.erase(d);
    strides.erase(d);
    return recorded_view(viewed(x, std::move(sizes), std::move(strides), offset), x, node);
}

Tensor slice(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
    if (x->dim() == 0) fail(ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
    const int d = wrap_dim(dim, x->dim());
    if (step <= 0)
        fail(ErrorKind::Value, "slice step must be positive, but got ", step, "; use flip for reverse order");
    const std::int64_t size = x->sizes[d];
    auto wrap = [&](std::int64_t i) { return std::clamp(i < 0 ? i + size : i, std::int64_t{0}, size); };
    start = wrap(start);
    end = std::max(start, wrap(end));
    const Slice node{{x->sizes, d, start, end, step, false}};
    if (lifted(x)) {
        return recorded_view(linear_at_level(
                                 x, [&](const Tensor& held) { return slice(held, d, start, end, step); },
                                 [&](const Tensor& all) { return slice(all, d + 1, start, end, step); }),
                             x, node);
    }
    Dims sizes = x->sizes, strides = x->strides;
    sizes[d] = end == start ? 0 : (end - start - 1) / step + 1;
    // Where the product does not fit, one element is taken at most, and its stride does not matter.
    if (__builtin_mul_overflow(strides[d], step, &strides[d])) strides[d] = step;
    const std::int64_t offset = x->offset + start * x->strides[d];
    return recorded_view(viewed(x, std::move(sizes), std::move(strides), offset), x, node);
}

Tensor permute(const Tensor& x, const Dims& given) {
    check(given.size() == x->dim(),
          "permute(sparse_coo): number of dimensions in the tensor input does not match the "
          "length of the desired ordering of dimensions i.e. input.dim() = ",
          x->dim(), " is not equal to len(dims) = ", given.size());
    const Dims dims = checked_dims(given, x->dim());
    for (int i = 0; i < dims.size(); ++i) {
        for (int j = 0; j < i; ++j) check(dims[i] != dims[j], "permute(): duplicate dims are not allowed.");
    }
    if (lifted(x)) {
        Dims whole = behind_examples(dims, x->dim());
        whole.insert(0, 0);
        return recorded_view(linear_at_level(
                                 x, [&](const Tensor& held) { return permute(held, dims); },
                                 [&](const Tensor& all) { return permute(all, whole); }),
                             x, Permute{dims});
    }
    Dims sizes, strides;
    for (int i = 0; i < dims.size(); ++i) {
        sizes.push_back(x->sizes[static_cast<int>(dims[i])]);
        strides.push_back(x->strides[static_cast<int>(dims[i])]);
    }
    return recorded_view(viewed(x, std::move(sizes), std::move(strides), x->offset), x, Permute{dims});
}

namespace {

Tensor swapped(const Tensor& x, int a, int b) {
    if (lifted(x)) {
        const int shift = x->dim() > 0 ? 1 : 0;  // A number is viewed as it is, for all examples too.
        return linear_at_level(
            x, [&](const Tensor& held) { return transpose(held, a, b); },
            [&](const Tensor& all) { return shift ? transpose(all, a + 1, b + 1) : all; });
    }
    Dims sizes = x->sizes, strides = x->strides;
    if (x->dim() > 0) {
        std::swap(sizes[a], sizes[b]);
        std::swap(strides[a], strides[b]);
    }
    return viewed(x, std::move(sizes), std::move(strides), x->offset);
}

}  // namespace

Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
    const int a = wrap_dim(dim0, x->dim()), b = wrap_dim(dim1, x->dim());
    return recorded_view(swapped(x, a, b), x, Transpose{a, b});
}

Tensor t(const Tensor& x) {
    check(x->dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", x->dim(), "D");
    return recorded_view(swapped(x, 0, x->dim() == 2 ? 1 : 0), x, T{});
}

Tensor expand(const Tensor& x, const Dims& given) {
    if (given.size() < x->dim()) {
        fail(ErrorKind::Runtime, "expand(", describe(*x), ", size=", given,
             "): the number of sizes provided (", given.size(),
             ") must be greater or equal to the number of dimensions in the tensor (", x->dim(), ")");
    }
    Dims sizes = given, strides(given.size());
    const int shift = given.size() - x->dim();
    for (int d = given.size() - 1; d >= 0; --d) {
        const std::int64_t have = d >= shift ? x->sizes[d - shift] : 1;
        if (sizes[d] == -1) {
            check(d >= shift,
                  "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ",
                  d);
            sizes[d] = have;
        }
        check(sizes[d] == have || have == 1, "The expanded size of the tensor (", sizes[d],
              ") must match the existing size (", have, ") at non-singleton dimension ", d,
              ".  Target sizes: ", given, ".  Tensor sizes: ", x->sizes);
        strides[d] = x->dim() == 0 ? 0
                     : d < shift
                         ? (sizes[d] == 1 ? (d + 1 < sizes.size() ? sizes[d + 1] * strides[d + 1] : 1) : 0)
                     : have == sizes[d] ? x->strides[d - shift]
                                        : 0;
    }
    const Expand node{x->sizes};
    if (lifted(x)) {
        return recorded_view(linear_at_level(
                                 x, [&](const Tensor& held) { return expand(held, sizes); },
                                 [&](const Tensor& all) {
                                     return expand(with_rank(all, sizes.size()), with_examples(all, sizes));
                                 }),
                             x, node);
    }
    return recorded_view(viewed(x, std::move(sizes), std::move(strides), x->offset), x, node);
}

namespace {

/// Fills in a size of -1.
Dims complete(const Dims& given, std::int64_t numel, const char* what) {
    Dims sizes = given;
    int unknown = -1;
    std::int64_t known = 1;
    for (int d = 0; d < sizes.size(); ++d) {
        if (sizes[d] == -1) {
            check(unknown < 0, "only one dimension can be inferred");
            unknown = d;
        } else {
            check(sizes[d] >= 0, "invalid shape dimension ", sizes[d], " at index ", d, " of shape ", given);
            known *= sizes[d];
        }
    }
    if (unknown >= 0) {
        check(known != 0, "cannot reshape tensor of 0 elements into shape ", given,
              " because the unspecified dimension size -1 can be any value and is ambiguous");
        if (known > 0 && numel % known == 0) sizes[unknown] = numel / known;
    }
    check(unknown >= 0 ? sizes[unknown] >= 0 : known == numel, "shape '", given,
          "' is invalid for input of size ", numel, what);
    return sizes;
}

}  // namespace

namespace {

/// view and reshape where x's level acts.
Tensor resized_at_level(const Tensor& x, const Dims& sizes, Tensor (*resize)(const Tensor&, const Dims&)) {
    return linear_at_level(
        x, [&](const Tensor& held) { return resize(held, sizes); },
        [&](const Tensor& all) { return resize(all, with_examples(all, sizes)); });
}

}  // namespace

Tensor view(const Tensor& x, const Dims& given) {
    const Dims sizes = complete(given, x->numel, "");
    if (lifted(x)) return recorded_view(resized_at_level(x, sizes, view), x, View{x->sizes});
    Dims strides;
    check(view_strides(x->sizes, x->strides, sizes, strides),
          "view size is not compatible with input tensor's size and stride (at least one dimension spans "
          "across two "
          "contiguous subspaces). Use .reshape(...) instead.");
    return recorded_view(viewed(x, sizes, std::move(strides), x->offset), x, View{x->sizes});
}

Tensor reshape(const Tensor& x, const Dims& given) {
    const Dims sizes = complete(given, x->numel, "");
    if (lifted(x)) return recorded_view(resized_at_level(x, sizes, reshape), x, View{x->sizes});
    Dims strides;
    if (view_strides(x->sizes, x->strides, sizes, strides)) {
        const Tensor out = viewed(x, sizes, std::move(strides), x->offset);
        if (x->contiguous) return recorded_view(out, x, View{x->sizes});
        return recorded_view(out, x, ReshapeAlias{{x->sizes}});
    }
    const Tensor copy = clone(x, MemoryFormat::Contiguous);
    if (copy->grad_fn || !needs_record({&x})) {
        Tensor out = tensor_of(copy->storage, sizes, contiguous_strides(sizes), 0, x->dtype);
        set_view(out, copy);
        if (copy->grad_fn) record(out, {&copy}, UnsafeView{{copy->sizes}});
        out->autograd->view.reset();
        return out;
    }
    return view(copy, sizes);
}

namespace {

Tensor unsqueezed(const Tensor& x, std::int64_t dim) {
    const int d = wrap_dim(dim, x->dim() + 1);
    if (lifted(x)) {
        return linear_at_level(
            x, [&](const Tensor& held) { return unsqueeze(held, d); },
            [&](const Tensor& all) { return unsqueeze(all, d + 1); });
    }
    Dims sizes = x->sizes, strides = x->strides;
    const std::int64_t stride = d < x->dim() ? sizes[d] * strides[d] : 1;
    sizes.insert(d, 1);
    strides.insert(d, stride);
    return viewed(x, std::move(sizes), std::move(strides), x->offset);
}

Tensor squeezed(const Tensor& x, const Dims* dims) {
    if (lifted(x)) {
        Dims named;
        for (int d = 0; d < x->dim(); ++d) {
            if (!dims || std::find(dims->begin(), dims->end(), d) != dims->end()) named.push_back(d);
        }
        return linear_at_level(
            x, [&](const Tensor& held) { return squeeze(held, named); },
            [&](const Tensor& all) { return squeeze(all, behind_examples(named, x->dim())); });
    }
    Dims sizes, strides;
    for (int d = 0; d < x->dim(); ++d) {
        const bool named = !dims || std::find(dims->begin(), dims->end(), d) != dims->end();
        if (named && x->sizes[d] == 1) continue;
        sizes.push_back(x->sizes[d]);
        strides.push_back(x->strides[d]);
    }
    return viewed(x, std::move(sizes), std::move(strides), x->offset);
}

}  // namespace

Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
    return recorded_view(unsqueezed(x, dim), x, Unsqueeze{{x->sizes}});
}

Tensor squeeze(const Tensor& x) { return recorded_view(squeezed(x, nullptr), x, Squeeze{{x->sizes}}); }

Tensor squeeze(const Tensor& x, std::int64_t dim) {
    const Dims dims = {wrap_dim(dim, x->dim())};
    return recorded_view(squeezed(x, &dims), x, SqueezeDim{{x->sizes}});
}

Tensor squeeze(const Tensor& x, const Dims& given) {
    const Dims dims = checked_dims(given, x->dim());
    return recorded_view(squeezed(x, &dims), x, SqueezeDims{{x->sizes}});
}

Tensor alias_view(const Tensor& x) {
    if (lifted(x)) return recorded_view(untracked(x), x, Alias{{x->sizes}});
    return recorded_view(viewed(x, x->sizes, x->strides, x->offset), x, Alias{{x->sizes}});
}

Tensor detach(const Tensor& x) {
    if (lifted(x)) {
        const Level& level = *level_of(*x);
        const Tensor held = detach(level.value);
        return level.kind == Level::Kind::Batched ? batched(level.depth, held) : held;
    }
    Tensor out = alias(x);
    set_view(out, x, Creation::Ordinary);
    out->autograd->view->detached = true;
    if (x->inference && !modes.has(kInference)) out->data_alias = true;  // Its writes count, x's do not.
    return out;
}

Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
    check(x->dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
    check(length >= 0, "narrow(): length must be non-negative.");
    const std::int64_t size = x->sizes[wrap_dim(dim, x->dim())];
    if (start < -size || start > size) {
        fail(ErrorKind::Index, "Dimension out of range (expected to be in range of [", -size, ", ", size,
             "], but got ", start, ")");
    }
    if (start < 0) start += size;
    check(length <= size - start, "start (", start, ") + length (", length, ") exceeds dimension size (",
          size, ").");
    return slice(x, dim, start, start + length, 1);
}

namespace {

Tensor squeeze_of(const Tensor& x, const std::optional<DimOrDims>& dim) {
    if (!dim) return squeeze(x);
    const Dims* dims = std::get_if<Dims>(&*dim);
    return dims ? squeeze(x, *dims) : squeeze(x, std::get<std::int64_t>(*dim));
}
Tensor slice_of(const Tensor& x, std::int64_t dim, std::optional<std::int64_t> start,
                std::optional<std::int64_t> end, std::int64_t step) {
    return slice(x, dim, start.value_or(0), end.value_or(INT64_MAX), step);
}
Tensor narrow_of(const Tensor& x, std::int64_t dim, const TensorOrNumber& given, std::int64_t length) {
    const Tensor* tensor = std::get_if<Tensor>(&given);
    check(!tensor ||
              ((*tensor)->dim() == 0 && is_integral((*tensor)->dtype) && (*tensor)->dtype != DType::Bool),
          "start must be an 0-dim integral Tensor.");
    const Scalar number = tensor ? item(**tensor) : std::get<Scalar>(given);
    if (number.category() > Category::Integer) {
        fail(ErrorKind::Type,
             "narrow(): argument 'start' must be an int or an integral tensor without dimensions");
    }
    return narrow(x, dim, number.to<std::int64_t>(), length);
}
Tensor expand_of(const Tensor& x, Dims size) { return expand(x, size); }

// The forms in place: the node is named apart from the view's, its gradient is the same.
struct TransposeInPlace : Transpose {
    static constexpr const char* node = "TransposeBackward1";
};
struct TInPlace : T {
    static constexpr const char* node = "TBackward1";
};
struct UnsqueezeInPlace : View {
    static constexpr const char* node = "UnsqueezeBackward1";
};
struct SqueezeInPlace : View {
    static constexpr const char* node = "SqueezeBackward3";
};
struct SqueezeDimInPlace : View {
    static constexpr const char* node = "SqueezeBackward4";
};
struct SqueezeDimsInPlace : View {
    static constexpr const char* node = "SqueezeBackward5";
};

void transpose_(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
    const int a = wrap_dim(dim0, x->dim()), b = wrap_dim(dim1, x->dim());
    become(x, swapped(x, a, b), TransposeInPlace{{a, b}});
}
void t_(const Tensor& x) {
    check(x->dim() <= 2, "t_() expects a tensor with <= 2 dimensions, but self is ", x->dim(), "D");
    become(x, swapped(x, 0, x->dim() == 2 ? 1 : 0), TInPlace{});
}
void unsqueeze_(const Tensor& x, std::int64_t dim) {
    become(x, unsqueezed(x, dim), UnsqueezeInPlace{{x->sizes}});
}
void squeeze_(const Tensor& x, const std::optional<DimOrDims>& dim) {
    if (!dim) return become(x, squeezed(x, nullptr), SqueezeInPlace{{x->sizes}});
    if (const Dims* given = std::get_if<Dims>(&*dim)) {
        const Dims dims = checked_dims(*given, x->dim());
        return become(x, squeezed(x, &dims), SqueezeDimsInPlace{{x->sizes}});
    }
    const Dims dims = {wrap_dim(std::get<std::int64_t>(*dim), x->dim())};
    become(x, squeezed(x, &dims), SqueezeDimInPlace{{x->sizes}});
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<static_cast<Tensor (*)(const Tensor&, std::int64_t, std::int64_t)>(&select)>(
            "select", "input, dim, index",
            "The view at one index of a dimension, which disappears. Derivative: g there, 0 elsewhere."),
        operation<&slice_of>("_slice", "input, dim=0, start=None, end=None, step=1",
                             "The view of a range of a dimension."),
        operation<&narrow_of>(
            "narrow", "input, dim, start, length",
            "The view of `length` indices of a dimension from start. Derivative: g there, 0 elsewhere."),
        operation<&permute>("permute", "input, *dims",
                            "The view with the dimensions in another order. Derivative: g permuted back."),
        operation<&transpose_>("transpose_", "input, dim0, dim1", "transpose in place.", Offered::Method),
        operation<&t_>("t_", "input", "t in place.", Offered::Method),
        operation<&unsqueeze_>("unsqueeze_", "input, dim", "unsqueeze in place.", Offered::Method),
        operation<&squeeze_>("squeeze_", "input, dim=None", "squeeze in place.", Offered::Method),
        operation<&transpose>("transpose", "input, dim0, dim1",
                              "The view with two dimensions swapped. Derivative: g with them swapped."),
        operation<&t>("t", "input",
                      "The transpose of a matrix; vectors and numbers are viewed as they are. Derivative: g "
                      "transposed."),
        operation<&expand_of>("expand", "input, *size",
                              "The view that repeats dimensions of size 1; -1 keeps a size.",
                              Offered::Method),
        operation<&view>("_view", "input, *size", "The view with other sizes, where strides allow it."),
        operation<&reshape>(
            "reshape", "input, *shape",
            "Other sizes: a view where strides allow it, else a copy. Derivative: g in the input's sizes."),
        operation<&unsqueeze>("unsqueeze", "input, dim",
                              "The view with a dimension of size 1 inserted. Derivative: g without it."),
        operation<&squeeze_of>("squeeze", "input, dim=None",
                               "The view without dimensions of size 1. Derivative: g in the input's sizes."),
        operation<&alias_view>("_alias", "input", "The tensor seen as it is.", Offered::Function),
        operation<&detach>("detach", "input", "The same memory without the graph. No derivative."),
    });

}  // namespace
}  // namespace tapeless
