// Two matrices, or stacks of them, multiplied: how operands are read, and the gradients' products.
#include "ops/multiply.h"

#include "kernels/gemm.h"

namespace tapeless {

const char* c_name(DType dtype) {
    static constexpr const char* names[kDTypes] = {
        "bool",  "unsigned char", "signed char",         "short int",
        "int",   "long int",      "c10::Half",           "c10::BFloat16",
        "float", "double",        "c10::complex<float>", "c10::complex<double>"};
    return names[static_cast<int>(dtype)];
}

namespace {

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

}  // namespace

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

Tensor as_column(const Tensor& x) {
    return tensor_of(x->storage, {x->sizes[0], 1}, {x->strides[0], 1}, x->offset, x->dtype);
}
Tensor as_row(const Tensor& x) {
    return tensor_of(x->storage, {1, x->sizes[0]}, {x->sizes[0], x->strides[0]}, x->offset, x->dtype);
}

Tensor resized(const Tensor& x, const Dims& sizes) {
    Tensor out = tensor_of(x->storage, sizes, contiguous_strides(sizes), x->offset, x->dtype);
    out->inference = x->inference;
    return out;
}

Tensor unsafe_view(const Tensor& x, const Dims& sizes) { return reshaped<UnsafeView>(x, sizes); }

Tensor conj(const Tensor& x) { return apply(row("conj"), x); }

Scalar conj(const Scalar& x) {
    return x.category() == Category::Complex ? Scalar(conj(x.to<Complex<double>>())) : x;
}

bool is_one(const Scalar& x) { return x.to<Complex<double>>() == Complex<double>{1, 0}; }

Tensor scaled(const Tensor& x, const Scalar& factor) {
    return is_one(factor) ? x : apply(row("mul"), x, factor);
}

void check_batches(const Tensor& x, const Tensor& y) {
    check(x->dim() == 3, "batch1 must be a 3D tensor");
    check(y->dim() == 3, "batch2 must be a 3D tensor");
    check(x->sizes[0] == y->sizes[0] && x->sizes[2] == y->sizes[1],
          "Expected size for first two dimensions of batch2 tensor to be: [", x->sizes[0], ", ", x->sizes[2],
          "] but got: [", y->sizes[0], ", ", y->sizes[1], "].");
    check(x->dtype == y->dtype, "expected scalar type ", facts(x->dtype).legacy_name, " but found ",
          facts(y->dtype).legacy_name);
}

void save_factors(Node& node, int first_edge, const Tensor& x, const Tensor& y) {
    if (node.needs(first_edge + 1)) save(node.saved[0], x);
    if (node.needs(first_edge)) save(node.saved[1], y);
}

namespace {

bool by_columns(const TensorBody& x) { return x.strides[0] == 1 && x.strides[1] == x.sizes[0]; }

}  // namespace

MmGradients::MmGradients(const Tensor& x, const Tensor& y)
    : x_by_columns(by_columns(*x)), y_by_columns(by_columns(*y)) {}

Tensor MmGradients::of_x(const Tensor& g, const Tensor& y) const {
    return x_by_columns ? t(mm(conj(y), t(g))) : mm(g, conj(t(y)));
}

Tensor MmGradients::of_y(const Tensor& g, const Tensor& x) const {
    return y_by_columns ? t(mm(t(g), conj(x))) : mm(conj(t(x)), g);
}

}  // namespace tapeless
