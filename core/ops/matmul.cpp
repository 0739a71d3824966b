// Matrix products and their derivatives, which are matrix products again.
#include "kernels/gemm.h"
#include "ops/fresh.h"
#include "ops/levels.h"
#include "ops/operation.h"
#include "ops/products.h"
#include "ops/written.h"

namespace tapeless {
namespace {

/// How PyTorch's messages about products name an element type.
const char* c_name(DType dtype) {
    static constexpr const char* names[kDTypes] = {
        "bool",  "unsigned char", "signed char",         "short int",
        "int",   "long int",      "c10::Half",           "c10::BFloat16",
        "float", "double",        "c10::complex<float>", "c10::complex<double>"};
    return names[static_cast<int>(dtype)];
}

/// A stack of matrices as gemm reads it; `held` keeps the bytes.
struct Stack {
    Tensor held;
    bool trans;
    std::int64_t ld, stride;
};

/// Whether gemm can read x's last two dimensions where they lie, by rows or by columns.
bool readable_in_place(const TensorBody& x, Stack& stack) {
    const int rank = x.dim();
    const std::int64_t m = x.sizes[rank - 2], n = x.sizes[rank - 1];
    const std::int64_t down = x.strides[rank - 2], across = x.strides[rank - 1];
    if ((n == 1 || across == 1) && (m == 1 || down >= std::max<std::int64_t>(n, 1))) {
        stack.trans = false;
        stack.ld = m == 1 ? std::max<std::int64_t>(n, 1) : down;
        return true;
    }
    if ((m == 1 || down == 1) && (n == 1 || across >= std::max<std::int64_t>(m, 1))) {
        stack.trans = true;
        stack.ld = n == 1 ? std::max<std::int64_t>(m, 1) : across;
        return true;
    }
    return false;
}

Stack stack_of(const Tensor& x) {
    Stack stack{converted(x, compute_type(x->dtype)), false, 1, 0};
    if (!readable_in_place(*stack.held, stack)) {
        stack.held = dense_copy(stack.held, true);
        readable_in_place(*stack.held, stack);
    }
    stack.stride = x->dim() == 3 ? stack.held->strides[0] : 0;
    return stack;
}

GemmType gemm_type(DType dtype) {
    switch (dtype) {
        case DType::Float64:
            return GemmType::F64;
        case DType::Complex64:
            return GemmType::C64;
        case DType::Complex128:
            return GemmType::C128;
        default:
            return GemmType::F32;
    }
}

/// A vector seen as a matrix of one column, or of one row.
Tensor as_column(const Tensor& x) {
    return tensor_of(x->storage, {x->sizes[0], 1}, {x->strides[0], 1}, x->offset, x->dtype);
}
Tensor as_row(const Tensor& x) {
    return tensor_of(x->storage, {1, x->sizes[0]}, {x->sizes[0], x->strides[0]}, x->offset, x->dtype);
}

/// The product of two matrices, or of two stacks of as many, in the dtype that products are computed in.
Tensor multiply(const char* kernel, const Tensor& x, const Tensor& y) {
    const int rank = x->dim();
    const std::int64_t m = x->sizes[rank - 2], k = x->sizes[rank - 1], n = y->sizes[rank - 1];
    const std::int64_t batch = rank == 3 ? x->sizes[0] : 1;
    const DType dtype = compute_type(x->dtype);
    Tensor out = fresh(rank == 3 ? Dims{batch, m, n} : Dims{m, n}, dtype, x->device);
    if (!on_cpu(x) || out->numel == 0) return out;
    if (dtype == DType::Bool && k > 0) {
        fail(ErrorKind::NotImplemented, "\"", kernel,
             "\" not implemented for 'Bool'; convert the operands to an integer ",
             "or a floating dtype first");
    }
    const Stack a = stack_of(x), b = stack_of(y);
    char* c = mutable_data(*out);
    if (is_integral(dtype)) {
        gemm_integer(static_cast<int>(size_of(dtype)), a.trans, b.trans, m, n, k, data(*a.held), a.ld,
                     a.stride, data(*b.held), b.ld, b.stride, c, n, m * n, batch, Interruptible::Yes);
    } else {
        gemm_batched(gemm_type(dtype), a.trans, b.trans, m, n, k, data(*a.held), a.ld, a.stride,
                     data(*b.held), b.ld, b.stride, c, n, m * n, batch, Interruptible::Yes);
    }
    return out;
}

/// A product with other sizes over the same bytes: no view, nothing recorded.
Tensor resized(const Tensor& x, const Dims& sizes) {
    Tensor out = tensor_of(x->storage, sizes, contiguous_strides(sizes), x->offset, x->dtype);
    out->inference = x->inference;
    return out;
}

Tensor conj(const Tensor& x) { return apply(row("conj"), x); }

Scalar conj(const Scalar& x) {
    return x.category() == Category::Complex ? Scalar(conj(x.to<Complex<double>>())) : x;
}

bool is_one(const Scalar& x) { return x.to<Complex<double>>() == Complex<double>{1, 0}; }

Tensor scaled(const Tensor& x, const Scalar& factor) {
    return is_one(factor) ? x : apply(row("mul"), x, factor);
}

bool by_columns(const TensorBody& x) { return x.strides[0] == 1 && x.strides[1] == x.sizes[0]; }

/// The gradients of x @ y; each has the layout of its operand.
struct MmGradients {
    bool x_by_columns, y_by_columns;

    MmGradients(const Tensor& x, const Tensor& y)
        : x_by_columns(by_columns(*x)), y_by_columns(by_columns(*y)) {}
    Tensor of_x(const Tensor& g, const Tensor& y) const {
        return x_by_columns ? t(mm(conj(y), t(g))) : mm(g, conj(t(y)));
    }
    Tensor of_y(const Tensor& g, const Tensor& x) const {
        return y_by_columns ? t(mm(t(g), conj(x))) : mm(conj(t(x)), g);
    }
};

/// Saves of two operands what the gradient of the other needs; slot k holds operand k.
void save_factors(Node& node, int first_edge, const Tensor& x, const Tensor& y) {
    if (node.needs(first_edge + 1)) save(node.saved[0], x);
    if (node.needs(first_edge)) save(node.saved[1], y);
}

struct Mm : MmGradients {
    static constexpr const char* node = "MmBackward0";
    static constexpr const char* const saved_names[] = {"self", "mat2"};
    using MmGradients::MmGradients;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_x(in[0], unpack(node.saved[1], node));
        if (node.needs(1)) out[1] = of_y(in[0], unpack(node.saved[0], node));
    }
};

struct Bmm {
    static constexpr const char* node = "BmmBackward0";
    static constexpr const char* const saved_names[] = {"self", "mat2"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = bmm(in[0], conj(transpose(unpack(node.saved[1], node), 1, 2)));
        if (node.needs(1)) out[1] = bmm(conj(transpose(unpack(node.saved[0], node), 1, 2)), in[0]);
    }
};

struct Mv {
    static constexpr const char* node = "MvBackward0";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = outer(in[0], conj(unpack(node.saved[1], node)));
        if (node.needs(1)) out[1] = mv(t(conj(unpack(node.saved[0], node))), in[0]);
    }
};

struct Dot {
    static constexpr const char* node = "DotBackward0";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = apply(row("mul"), in[0], conj(unpack(node.saved[1], node)));
        if (node.needs(1)) out[1] = apply(row("mul"), in[0], conj(unpack(node.saved[0], node)));
    }
};

struct Addmm : MmGradients {
    static constexpr const char* node = "AddmmBackward0";
    static constexpr const char* const saved_names[] = {"mat1", "mat2"};
    Scalar beta, alpha;
    Addmm(const Tensor& x, const Tensor& y, const Scalar& b, const Scalar& a)
        : MmGradients(x, y), beta(b), alpha(a) {}
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = scaled(in[0], conj(beta));
        if (node.needs(1)) out[1] = scaled(of_x(in[0], unpack(node.saved[1], node)), conj(alpha));
        if (node.needs(2)) out[2] = scaled(of_y(in[0], unpack(node.saved[0], node)), conj(alpha));
    }
};

struct Baddbmm {
    static constexpr const char* node = "BaddbmmBackward0";
    Scalar beta, alpha;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Scalar factor = conj(alpha);
        if (node.needs(0)) out[0] = scaled(in[0], conj(beta));
        if (node.needs(1))
            out[1] = scaled(bmm(in[0], conj(transpose(unpack(node.saved[1], node), 1, 2))), factor);
        if (node.needs(2))
            out[2] = scaled(bmm(conj(transpose(unpack(node.saved[0], node), 1, 2)), in[0]), factor);
    }
};

/// A product given the sizes of the operands' batch dimensions back; squeezing is the same thing.
struct UnsafeView {
    static constexpr const char* node = "UnsafeViewBackward0";
    Dims sizes;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = reshape(in[0], sizes);
    }
};
struct SqueezeInPlace : UnsafeView {
    static constexpr const char* node = "SqueezeBackward4";
};

template <class P> Tensor reshaped(const Tensor& x, const Dims& sizes) {
    const Tensor out = lifted(x)
                           ? linear_at_level(
                                 x, [&](const Tensor& held) { return reshape(held, sizes); },
                                 [&](const Tensor& all) { return reshape(all, with_examples(all, sizes)); })
                           : resized(x, sizes);
    if (needs_record({&x})) record(out, {&x}, P{x->sizes});
    return out;
}

Tensor unsafe_view(const Tensor& x, const Dims& sizes) { return reshaped<UnsafeView>(x, sizes); }

/// A product of any ranks where the level with the number `wrapped` acts: for all examples it is a batched product.
Tensor product_at_level(int wrapped, const Tensor& x, const Tensor& y,
                        Tensor (*same)(const Tensor&, const Tensor&)) {
    return bilinear_at_level(wrapped, x, y, same, [&](const Tensor& a, bool, const Tensor& b, bool b_whole) {
        const bool vectors = x->dim() == 1, column = y->dim() == 1 && b_whole;
        Tensor out = matmul(vectors ? unsqueeze(a, -2) : a, column ? unsqueeze(b, -1) : b);
        if (column) out = squeeze(out, Dims{-1});
        return vectors ? squeeze(out, Dims{-1}) : out;
    });
}

}  // namespace

Tensor mm(const Tensor& x, const Tensor& y) {
    check(x->dim() == 2, "self must be a matrix");
    check(y->dim() == 2, "mat2 must be a matrix");
    check(x->sizes[1] == y->sizes[0], "mat1 and mat2 shapes cannot be multiplied (", x->sizes[0], "x",
          x->sizes[1], " and ", y->sizes[0], "x", y->sizes[1], ")");
    check(x->dtype == y->dtype, "expected m1 and m2 to have the same dtype, but got: ", c_name(x->dtype),
          " != ", c_name(y->dtype));
    check_devices("mm", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out = wrapped ? product_at_level(wrapped, x, y, mm)
                               : converted(multiply("addmm_impl_cpu_", x, y), x->dtype);
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Mm(x, y), 2), 0, x, y);
    return out;
}

namespace {

void check_batches(const Tensor& x, const Tensor& y) {
    check(x->dim() == 3, "batch1 must be a 3D tensor");
    check(y->dim() == 3, "batch2 must be a 3D tensor");
    check(x->sizes[0] == y->sizes[0] && x->sizes[2] == y->sizes[1],
          "Expected size for first two dimensions of batch2 tensor to be: [", x->sizes[0], ", ", x->sizes[2],
          "] but got: [", y->sizes[0], ", ", y->sizes[1], "].");
    check(x->dtype == y->dtype, "expected scalar type ", facts(x->dtype).legacy_name, " but found ",
          facts(y->dtype).legacy_name);
}

}  // namespace

Tensor bmm(const Tensor& x, const Tensor& y) {
    check_batches(x, y);
    check_devices("bmm", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out =
        wrapped ? product_at_level(wrapped, x, y, bmm) : converted(multiply("bmm", x, y), x->dtype);
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Bmm{}, 2), 0, x, y);
    return out;
}

Tensor mv(const Tensor& x, const Tensor& y) {
    check(x->dim() == 2 && y->dim() == 1, "vector + matrix @ vector expected, got 1, ", x->dim(), ", ",
          y->dim());
    check(x->sizes[1] == y->sizes[0], "size mismatch, got input (", x->sizes[0], "), mat (", x->sizes[0], "x",
          x->sizes[1], "), vec (", y->sizes[0], ")");
    check(x->dtype == y->dtype, "addmv input tensors must have the same dtype, but got ",
          facts(y->dtype).legacy_name, ", ", facts(x->dtype).legacy_name, ", and ",
          facts(y->dtype).legacy_name);
    check_devices("mv", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out =
        wrapped ? product_at_level(wrapped, x, y, mv)
                : resized(converted(multiply("addmv_impl_cpu", x, as_column(y)), x->dtype), {x->sizes[0]});
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Mv{}, 2), 0, x, y);
    return out;
}

Tensor dot(const Tensor& x, const Tensor& y) {
    check(x->dim() == 1 && y->dim() == 1, "1D tensors expected, but got ", x->dim(), "D and ", y->dim(),
          "D tensors");
    check(x->dtype == y->dtype, "dot : expected both vectors to have same dtype, but found ",
          facts(x->dtype).legacy_name, " and ", facts(y->dtype).legacy_name);
    check(x->numel == y->numel, "inconsistent tensor size, expected tensor ", x->sizes, " and src ", y->sizes,
          " to have the same number of elements, but got ", x->numel, " and ", y->numel,
          " elements respectively");
    check_devices("dot", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out = wrapped ? product_at_level(wrapped, x, y, dot)
                               : resized(converted(multiply("dot", as_row(x), as_column(y)), x->dtype), {});
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Dot{}, 2), 0, x, y);
    return out;
}

Tensor outer(const Tensor& x, const Tensor& y) {
    check(x->dim() == 1, "outer: Expected 1-D argument self, but got ", x->dim(), "-D");
    check(y->dim() == 1, "outer: Expected 1-D argument vec2, but got ", y->dim(), "-D");
    return apply(row("mul"), reshape(x, {x->sizes[0], 1}), y);
}

namespace {

Scalar factor_of(const Scalar& factor, DType dtype) {
    check(factor.category() != Category::Complex || is_complex(dtype),
          "value cannot be converted to type float without overflow");
    return is_integral(dtype) && factor.category() == Category::Floating ? Scalar(factor.to<std::int64_t>())
                                                                         : factor;
}

/// beta * input + alpha * product, rounded once to `dtype`; the product's bytes may be reused.
Tensor blend(Tensor product, const Tensor& input, const Scalar& beta, const Scalar& alpha, DType dtype) {
    const DType wide = product->dtype;
    auto times = [&](const Tensor& x, const Scalar& factor) {
        const Argument arguments[] = {Argument(x), Argument(factor_of(factor, dtype))};
        return compute({&row("mul").forward, wide, wide}, arguments, 2);
    };
    if (!is_one(alpha)) product = times(product, alpha);
    if (beta.is_zero()) return converted(product, dtype);
    const Tensor term = is_one(beta) ? input : times(input, beta);
    const Tensor out = dtype == wide ? product : fresh(product->sizes, dtype, product->device);
    const Argument arguments[] = {Argument(product), Argument(term)};
    compute_into({&row("add").forward, wide, dtype}, arguments, 2, out);
    return marked(out);
}

/// The same from recorded operations, which know what to do at levels.
Tensor blend_at_level(const Tensor& product, const Tensor& input, const Scalar& beta, const Scalar& alpha) {
    const Tensor main = scaled(product, factor_of(alpha, product->dtype));
    if (beta.is_zero()) return main;
    return apply(row("add"), scaled(input, factor_of(beta, product->dtype)), main);
}

void check_expands(const Tensor& input, const Dims& sizes) {
    if (lifted(input)) return;  // The sum fails on sizes that do not fit.
    const ModeGuard quiet(kNoGrad, true);
    expand(input, sizes);  // For its message.
}

}  // namespace

namespace {

void check_addmm(const Tensor& input, const Tensor& x, const Tensor& y) {
    const char* const names[] = {facts(input->dtype).legacy_name, facts(x->dtype).legacy_name,
                                 facts(y->dtype).legacy_name};
    check(input->dtype == y->dtype, "self and mat2 must have the same dtype, but got ", names[0], " and ",
          names[2]);
    check(x->dtype == y->dtype, "mat1 and mat2 must have the same dtype, but got ", names[1], " and ",
          names[2]);
    check(x->dim() == 2, "mat1 must be a matrix, got ", x->dim(), "-D tensor");
    check(y->dim() == 2, "mat2 must be a matrix, got ", y->dim(), "-D tensor");
    check(x->sizes[1] == y->sizes[0], "mat1 and mat2 shapes cannot be multiplied (", x->sizes[0], "x",
          x->sizes[1], " and ", y->sizes[0], "x", y->sizes[1], ")");
    check_expands(input, {x->sizes[0], y->sizes[1]});
    check_devices("addmm", {&input, &x, &y});
}

void check_baddbmm(const Tensor& input, const Tensor& x, const Tensor& y) {
    check_batches(x, y);
    check_expands(input, {x->sizes[0], x->sizes[1], y->sizes[2]});
    check(input->dtype == x->dtype, "Input dtypes must be the same, got: input ", c_name(input->dtype),
          ", batch1: ", c_name(x->dtype), ", batch2: ", c_name(y->dtype));
    check_devices("baddbmm", {&input, &x, &y});
}

void check_shape_in_place(const Tensor& input, const Dims& sizes) {
    check(input->sizes == sizes, "Bad in-place call: input tensor size ", to_string(input->sizes),
          " and output tensor size ", to_string(sizes), " should match");
}

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    check_addmm(input, x, y);
    if (deepest({&input, &x, &y})) return blend_at_level(mm(x, y), input, beta, alpha);
    const Tensor out = blend(multiply("addmm_impl_cpu_", x, y), input, beta, alpha, x->dtype);
    if (needs_record({&input, &x, &y})) {
        save_factors(*record(out, {&input, &x, &y}, Addmm(x, y, beta, alpha), 2), 1, x, y);
    }
    return out;
}

Tensor baddbmm(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
               const Scalar& alpha) {
    check_baddbmm(input, x, y);
    if (deepest({&input, &x, &y})) return blend_at_level(bmm(x, y), input, beta, alpha);
    const Tensor out = blend(multiply("baddbmm", x, y), input, beta, alpha, x->dtype);
    if (needs_record({&input, &x, &y})) {
        save_factors(*record(out, {&input, &x, &y}, Baddbmm{beta, alpha}, 2), 1, x, y);
    }
    return out;
}

namespace {

void addmm_(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    check_addmm(input, x, y);
    check_shape_in_place(input, {x->sizes[0], y->sizes[1]});
    const Tensor result = blend(multiply("addmm_impl_cpu_", x, y), input, beta, alpha, x->dtype);
    write_inplace(
        input, {&input, &x, &y}, Addmm(x, y, beta, alpha), 2, [&](const Tensor& out) { write(out, result); },
        [&](Node& node) { save_factors(node, 1, x, y); });
}

void baddbmm_(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
              const Scalar& alpha) {
    check_baddbmm(input, x, y);
    check_shape_in_place(input, {x->sizes[0], x->sizes[1], y->sizes[2]});
    const Tensor result = blend(multiply("baddbmm", x, y), input, beta, alpha, x->dtype);
    write_inplace(
        input, {&input, &x, &y}, Baddbmm{beta, alpha}, 2, [&](const Tensor& out) { write(out, result); },
        [&](Node& node) { save_factors(node, 1, x, y); });
}

Dims leading(const TensorBody& x, int dropped) {
    return Dims(x.sizes.data(), std::max(0, x.dim() - dropped));
}

Dims joined(Dims dims, std::initializer_list<std::int64_t> more) {
    for (std::int64_t size : more) dims.push_back(size);
    return dims;
}

/// Whether the operand of higher rank is to be folded into a matrix, so that one product does for all of its batches.
bool folds(const Tensor& x, const Tensor& y) {
    const bool x_larger = x->dim() >= y->dim();
    const Tensor& large = x_larger ? x : y;
    const Tensor& small = x_larger ? y : x;
    if (large->dim() < 3 || small->dim() > 2) return false;
    if (requires_grad(small)) return true;  // Unfolded, its gradient would first be as large as the batch.
    if (x->dim() == 2) return false;        // The result would have to be copied to be row-major.
    if (large->numel == 0) return true;
    Dims strides = large->strides, sizes = large->sizes;
    if (!x_larger) {
        std::swap(strides[large->dim() - 2], strides[large->dim() - 1]);
        std::swap(sizes[large->dim() - 2], sizes[large->dim() - 1]);
    }
    for (int d = 0; d + 2 < large->dim(); ++d) {
        if (strides[d] != strides[d + 1] * sizes[d + 1]) return false;
    }
    return true;
}

Tensor folded(const Tensor& x, const Tensor& y) {
    const bool turned = y->dim() > x->dim();
    const Tensor large = turned ? transpose(y, -2, -1) : x;
    const Tensor small = !turned ? y : x->dim() == 2 ? t(x) : x;
    Dims sizes = leading(*large, 1);
    const Tensor matrix = reshape(large, {product(sizes), large->sizes.back()});
    if (small->dim() == 1) return unsafe_view(mv(matrix, small), sizes);
    sizes.push_back(small->sizes[1]);
    const Tensor out = unsafe_view(mm(matrix, small), sizes);
    return turned ? contiguous(transpose(out, -2, -1)) : out;
}

Tensor batched(const Tensor& x, const Tensor& y) {
    const bool x_vector = x->dim() == 1, y_vector = y->dim() == 1;
    const std::int64_t m = x_vector ? 1 : x->sizes[x->dim() - 2], k = x->sizes.back();
    const std::int64_t rows = y_vector ? y->sizes[0] : y->sizes[y->dim() - 2],
                       n = y_vector ? 1 : y->sizes.back();
    if (x->dim() == 3 && y->dim() == 3 && x->sizes[0] != y->sizes[0]) {
        if (x->sizes[0] == 1 && requires_grad(x)) return matmul(squeeze(x, std::int64_t{0}), y);
        if (y->sizes[0] == 1 && requires_grad(y)) return matmul(x, squeeze(y, std::int64_t{0}));
    }
    const Dims batch = broadcast(leading(*x, 2), leading(*y, 2));
    const std::int64_t count = product(batch);
    const Tensor a = reshape(expand(x, joined(batch, {m, k})), {count, m, k});
    const Tensor b = y_vector ? unsqueeze(reshape(expand(y, joined(batch, {rows})), {count, rows}), 2)
                              : reshape(expand(y, joined(batch, {rows, n})), {count, rows, n});
    Dims sizes = batch;
    if (!x_vector) sizes.push_back(m);
    if (!y_vector) sizes.push_back(n);
    const Tensor out = bmm(a, b);
    return unsafe_view(y_vector ? squeeze(out, std::int64_t{-1}) : out, sizes);
}

}  // namespace

Tensor matmul(const Tensor& x, const Tensor& y) {
    check(x->dim() > 0 && y->dim() > 0, "both arguments to matmul need to be at least 1D, but they are ",
          x->dim(), "D and ", y->dim(), "D");
    if (x->dim() == 1 && y->dim() == 1) return dot(x, y);
    if (x->dim() == 2 && y->dim() == 1) return mv(x, y);
    if (x->dim() == 1 && y->dim() == 2) {
        const Tensor out = mm(unsqueeze(x, 0), y);
        return reshaped<SqueezeInPlace>(out, {out->sizes[1]});
    }
    if (x->dim() == 2 && y->dim() == 2) return mm(x, y);
    return folds(x, y) ? folded(x, y) : batched(x, y);
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&matmul>(
            "matmul", "input, other",
            "The matrix product by ranks: two vectors give a number, a matrix and a vector a vector, two "
            "matrices a matrix; further dimensions are batches that broadcast. Both operands have one dtype, "
            "not bool. Derivatives: g @ other^H and input^H @ g.",
            Offered::Both, kOutExact),
        operation<&mm>("mm", "input, mat2",
                       "The product of an (m, k) and a (k, n) matrix of one dtype, not bool; RuntimeError "
                       "when the sizes do "
                       "not fit. Derivatives: g @ mat2^H and input^H @ g.",
                       Offered::Both, kOutExact),
        operation<&bmm>(
            "bmm", "input, mat2",
            "The products of (b, m, k) and (b, k, n) batches of matrices of one dtype, not bool, without "
            "broadcasting. Derivatives: those of mm in each batch.",
            Offered::Both, kOutExact),
        operation<&mv>(
            "mv", "input, vec",
            "The product of an (m, k) matrix and a (k) vector of one dtype, not bool. Derivatives: the outer "
            "product of g and conj(vec), and input^H @ g.",
            Offered::Both, kOutExact),
        operation<&dot>("dot", "input, tensor",
                        "The sum of the products of two vectors of one length and dtype, not bool; nothing "
                        "is conjugated. "
                        "Derivatives: g * conj(tensor) and g * conj(input).",
                        Offered::Both, kOutExact),
        operation<&outer>(
            "outer", "input, vec2",
            "The (n, m) products of each element of an (n) vector with each of an (m) vector. Derivatives: "
            "those of mul, summed over the other vector."),
        operation<&addmm>(
            "addmm", "input, mat1, mat2, *, beta=1, alpha=1",
            "beta * input + alpha * (mat1 @ mat2) for an (m, k) and a (k, n) matrix; the input broadcasts to "
            "(m, n) and is ignored when beta is 0. Derivatives: beta * g, and alpha times those of mm."),
        operation<&addmm_>("addmm_", "input, mat1, mat2, *, beta=1, alpha=1", "addmm in place.",
                           Offered::Method),
        operation<&baddbmm_>("baddbmm_", "input, batch1, batch2, *, beta=1, alpha=1", "baddbmm in place.",
                             Offered::Method),
        operation<&baddbmm>(
            "baddbmm", "input, batch1, batch2, *, beta=1, alpha=1",
            "beta * input + alpha * bmm(batch1, batch2); the input broadcasts to (b, m, n) and is ignored "
            "when beta is 0. Derivatives: beta * g, and alpha times those of bmm."),
    });

}  // namespace
}  // namespace tapeless
