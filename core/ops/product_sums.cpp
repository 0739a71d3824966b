// Sums of a tensor and a product: addmm, baddbmm, addmv, addbmm, addr, and these in place.
#include <string_view>

#include "ops/joining.h"
#include "ops/multiply.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

/// beta * input + alpha * product: the factors, as nodes show them.
struct Factors {
    Scalar beta, alpha;
    std::optional<Scalar> saved_number(std::string_view name) const {
        if (name == "beta") return beta;
        return name == "alpha" ? std::optional(alpha) : std::nullopt;
    }
    Tensor of_input(const Tensor& g) const { return scaled(g, conj(beta)); }
    Tensor of_product(const Tensor& g) const { return scaled(g, conj(alpha)); }
};

struct Addmm : MmGradients, Factors {
    static constexpr const char* node = "AddmmBackward0";
    static constexpr const char* const saved_names[] = {"mat1", "mat2"};
    Addmm(const Tensor& x, const Tensor& y, const Scalar& b, const Scalar& a)
        : MmGradients(x, y), Factors{b, a} {}
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_input(in[0]);
        if (node.needs(1)) out[1] = of_product(of_x(in[0], unpack(node.saved[1], node)));
        if (node.needs(2)) out[2] = of_product(of_y(in[0], unpack(node.saved[0], node)));
    }
};

struct Baddbmm : Factors {
    static constexpr const char* node = "BaddbmmBackward0";
    static constexpr const char* const saved_names[] = {"batch1", "batch2"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_input(in[0]);
        if (node.needs(1))
            out[1] = of_product(bmm(in[0], conj(transpose(unpack(node.saved[1], node), 1, 2))));
        if (node.needs(2))
            out[2] = of_product(bmm(conj(transpose(unpack(node.saved[0], node), 1, 2)), in[0]));
    }
};

/// The matrices of a batch side by side, and one below the other: the sum of products is their product.
Tensor beside(const Tensor& x) {
    return reshape(permute(x, {1, 0, 2}), {x->sizes[1], x->sizes[0] * x->sizes[2]});
}
Tensor below(const Tensor& y) { return reshape(y, {y->sizes[0] * y->sizes[1], y->sizes[2]}); }

struct Addbmm : Factors {
    static constexpr const char* node = "AddbmmBackward0";
    static constexpr const char* const saved_names[] = {"batch1", "batch2"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_input(in[0]);
        if (node.needs(1)) {
            const Tensor y = unpack(node.saved[1], node);
            const Tensor g = mm(in[0], conj(t(below(y))));
            out[1] = of_product(permute(reshape(g, {in[0]->sizes[0], y->sizes[0], y->sizes[1]}), {1, 0, 2}));
        }
        if (node.needs(2)) {
            const Tensor x = unpack(node.saved[0], node);
            const Tensor g = mm(conj(t(beside(x))), in[0]);
            out[2] = of_product(reshape(g, {x->sizes[0], x->sizes[2], in[0]->sizes[1]}));
        }
    }
};

struct Addmv : Factors {
    static constexpr const char* node = "AddmvBackward0";
    static constexpr const char* const saved_names[] = {"mat", "vec"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_input(in[0]);
        if (node.needs(1)) out[1] = of_product(outer(in[0], conj(unpack(node.saved[1], node))));
        if (node.needs(2)) out[2] = of_product(mv(t(conj(unpack(node.saved[0], node))), in[0]));
    }
};

struct Addr : Factors {
    static constexpr const char* node = "AddrBackward0";
    static constexpr const char* const saved_names[] = {"vec1", "vec2"};
    DType dtypes[3];
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const DType dtype = in[0]->dtype;
        if (node.needs(0)) out[0] = part_for(of_input(in[0]), dtypes[0]);
        if (node.needs(1)) {
            const Tensor other = to_dtype(conj(unpack(node.saved[1], node)), dtype);
            out[1] = part_for(of_product(mv(in[0], other)), dtypes[1]);
        }
        if (node.needs(2)) {
            const Tensor other = to_dtype(conj(unpack(node.saved[0], node)), dtype);
            out[2] = part_for(of_product(mv(t(in[0]), other)), dtypes[2]);
        }
    }
};

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

void check_addmv(const Tensor& input, const Tensor& x, const Tensor& y) {
    check(x->dim() == 2 && y->dim() == 1 && input->dim() <= 1, "vector + matrix @ vector expected, got ",
          input->dim(), ", ", x->dim(), ", ", y->dim());
    check(x->sizes[1] == y->sizes[0] && (input->numel == x->sizes[0] || input->numel == 1),
          "size mismatch, got input (", input->dim() ? input->sizes[0] : 1, "), mat (", x->sizes[0], "x",
          x->sizes[1], "), vec (", y->sizes[0], ")");
    check(input->dtype == x->dtype && x->dtype == y->dtype,
          "addmv input tensors must have the same dtype, but got ", facts(input->dtype).legacy_name, ", ",
          facts(x->dtype).legacy_name, ", and ", facts(y->dtype).legacy_name);
    check_devices("addmv", {&input, &x, &y});
}

Tensor addmv_values(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
                    const Scalar& alpha) {
    return blend(resized(multiply("addmv_impl_cpu", x, as_column(y)), {x->sizes[0]}), input, beta, alpha,
                 x->dtype);
}

Tensor addmv(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    check_addmv(input, x, y);
    if (deepest({&input, &x, &y})) return blend_at_level(mv(x, y), input, beta, alpha);
    const Tensor out = addmv_values(input, x, y, beta, alpha);
    if (needs_record({&input, &x, &y})) {
        save_factors(*record(out, {&input, &x, &y}, Addmv{{beta, alpha}}, 2), 1, x, y);
    }
    return out;
}

void addmv_(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    check_addmv(input, x, y);
    check_shape_in_place(input, {x->sizes[0]});
    const Tensor result = addmv_values(input, x, y, beta, alpha);
    write_inplace(
        input, {&input, &x, &y}, Addmv{{beta, alpha}}, 2, [&](const Tensor& out) { write(out, result); },
        [&](Node& node) { save_factors(node, 1, x, y); });
}

void check_addbmm(const Tensor& input, const Tensor& x, const Tensor& y) {
    check(x->dim() == 3, "batch1 must be a 3D tensor");
    check(y->dim() == 3, "batch2 must be a 3D tensor");
    check(x->sizes[0] == y->sizes[0], "batch1 and batch2 must have same number of batches, got ", x->sizes[0],
          " and ", y->sizes[0]);
    check(x->sizes[2] == y->sizes[1], "Incompatible matrix sizes for bmm (", x->sizes[1], "x", x->sizes[2],
          " and ", y->sizes[1], "x", y->sizes[2], ")");
    check_expands(input, {x->sizes[1], y->sizes[2]});
    check(input->dtype == x->dtype && x->dtype == y->dtype,
          "self and mat2 must have the same dtype, but got ", facts(input->dtype).legacy_name, " and ",
          facts((input->dtype == x->dtype ? y : x)->dtype).legacy_name);
    check_devices("addbmm", {&input, &x, &y});
}

Tensor addbmm_values(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
                     const Scalar& alpha) {
    const ModeGuard quiet(kNoGrad, true);
    return blend(multiply("addbmm", beside(x), below(y)), input, beta, alpha, x->dtype);
}

Tensor addbmm(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
              const Scalar& alpha) {
    check_addbmm(input, x, y);
    if (deepest({&input, &x, &y})) return blend_at_level(sum(bmm(x, y), {0}, false), input, beta, alpha);
    const Tensor out = addbmm_values(input, x, y, beta, alpha);
    if (needs_record({&input, &x, &y})) {
        save_factors(*record(out, {&input, &x, &y}, Addbmm{{beta, alpha}}, 2), 1, x, y);
    }
    return out;
}

/// x gets the sizes and the memory of a result of its own dtype.
void take_over(const Tensor& x, const Tensor& result) {
    x->storage = result->storage;
    x->sizes = result->sizes;
    x->strides = result->strides;
    x->offset = result->offset;
    x->numel = result->numel;
    x->contiguous = result->contiguous;
}

/// An input that broadcasts grows to the sum's sizes, as in PyTorch.
void addbmm_(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    check_addbmm(input, x, y);
    const Tensor result = addbmm_values(input, x, y, beta, alpha);
    write_inplace(
        input, {&input, &x, &y}, Addbmm{{beta, alpha}}, 2,
        [&](const Tensor& out) { out->sizes == result->sizes ? write(out, result) : take_over(out, result); },
        [&](Node& node) { save_factors(node, 1, x, y); });
}

/// The dtype of the sum of input and the outer product, once the operands have been checked.
DType checked_addr(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
                   const Scalar& alpha) {
    check(x->dim() == 1, "addr: Expected 1-D argument vec1, but got ", x->dim(), "-D");
    check(y->dim() == 1, "addr: Expected 1-D argument vec2, but got ", y->dim(), "-D");
    check_expands(input, {x->sizes[0], y->sizes[0]});
    check_devices("addr", {&input, &x, &y});
    const Argument operands[] = {Argument(input), Argument(x), Argument(y)};
    const DType dtype = result_type(operands, 3);
    const Scalar* factors[] = {&beta, &alpha};
    for (int i : {0, 1}) {
        const char *name = i ? "alpha" : "beta", *title = i ? "Boolean alpha" : "Boolean beta";
        const Category kind = factors[i]->category();
        check(dtype == DType::Bool || kind != Category::Bool, title, " only supported for Boolean results.");
        check(!is_integral(dtype) || kind <= Category::Integer, "For integral input tensors, argument ", name,
              " must not be a floating point number.");
    }
    return dtype;
}

/// Among bools, products are `and` and sums are `or`.
Tensor addr_values(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
                   const Scalar& alpha, DType dtype) {
    const ModeGuard quiet(kNoGrad, true);
    const DType wide = compute_type(dtype);
    const Tensor column = reshape(converted(x, wide), {x->sizes[0], 1}), line = converted(y, wide);
    const bool truth = dtype == DType::Bool;
    auto factor = [&](const Scalar& number) { return truth ? Scalar(number.to<bool>()) : number; };
    Tensor out = apply(row("mul"), column, line);
    if (!is_one(factor(alpha))) out = apply(row("mul"), out, factor(alpha));
    if (!beta.is_zero()) {
        const Tensor term = converted(input, wide);
        out = apply(row(truth ? "logical_or" : "add"),
                    is_one(factor(beta)) ? term : apply(row("mul"), term, factor(beta)), out);
    }
    return marked(converted(out, dtype));
}

Tensor addr(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    const DType dtype = checked_addr(input, x, y, beta, alpha);
    if (deepest({&input, &x, &y})) return blend_at_level(outer(x, y), input, beta, alpha);
    const Tensor out = addr_values(input, x, y, beta, alpha, dtype);
    if (is_differentiable(dtype) && needs_record({&input, &x, &y})) {
        const Addr payload{{beta, alpha}, {input->dtype, x->dtype, y->dtype}};
        save_factors(*record(out, {&input, &x, &y}, payload, 2), 1, x, y);
    }
    return out;
}

void addr_(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
    const DType dtype = checked_addr(input, x, y, beta, alpha);
    const Dims sizes{x->sizes[0], y->sizes[0]};
    check(input->dim() == 2, "2D tensor expected, got ", input->dim(), "D tensor for input");
    check(input->sizes == sizes, "size mismatch, input: ", input->sizes, ", v1: ", x->sizes,
          ", v2: ", y->sizes);
    check(can_cast(dtype, input->dtype), "result type ", facts(dtype).legacy_name,
          " can't be cast to the desired output type ", facts(input->dtype).legacy_name);
    const Tensor result = addr_values(input, x, y, beta, alpha, dtype);
    write_inplace(
        input, {&input, &x, &y}, Addr{{beta, alpha}, {input->dtype, x->dtype, y->dtype}}, 2,
        [&](const Tensor& out) { write(out, result); }, [&](Node& node) { save_factors(node, 1, x, y); });
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(
            Autocast::Lower,
            operation<&addmm>(
                "addmm", "input, mat1, mat2, *, beta=1, alpha=1",
                "beta * input + alpha * (mat1 @ mat2) for an (m, k) and a (k, n) matrix; the input "
                "broadcasts to "
                "(m, n) and is ignored when beta is 0. Derivatives: beta * g, and alpha times those of mm.")),
        operation<&addmm_>("addmm_", "input, mat1, mat2, *, beta=1, alpha=1", "addmm in place.",
                           Offered::Method),
        operation<&baddbmm_>("baddbmm_", "input, batch1, batch2, *, beta=1, alpha=1", "baddbmm in place.",
                             Offered::Method),
        autocast(Autocast::Lower,
                 operation<&baddbmm>("baddbmm", "input, batch1, batch2, *, beta=1, alpha=1",
                                     "beta * input + alpha * bmm(batch1, batch2); the input broadcasts to "
                                     "(b, m, n) and is ignored "
                                     "when beta is 0. Derivatives: beta * g, and alpha times those of bmm.")),
        operation<&addmv>(
            "addmv", "input, mat, vec, *, beta=1, alpha=1",
            "beta * input + alpha * (mat @ vec) for an (m, k) matrix and a (k) vector; the input broadcasts "
            "to (m) and is ignored when beta is 0. Derivatives: beta * g, and alpha times those of mv.",
            Offered::Both, kOutExact),
        autocast(
            Autocast::Lower,
            operation<&addbmm>(
                "addbmm", "input, batch1, batch2, *, beta=1, alpha=1",
                "beta * input + alpha times the sum of bmm(batch1, batch2) over the batch; the input "
                "broadcasts to (m, n) and is ignored when beta is 0. Derivatives: beta * g, and alpha times "
                "those of bmm, with g for every product.",
                Offered::Both, kOutExact)),
        operation<&addr>(
            "addr", "input, vec1, vec2, *, beta=1, alpha=1",
            "beta * input + alpha * outer(vec1, vec2); the input broadcasts and is ignored when beta is 0. "
            "Derivatives: beta * g, alpha * (g @ conj(vec2)) and alpha * (g^T @ conj(vec1))."),
    });
const Offer in_place({
    operation<&addmv_>("addmv_", "input, mat, vec, *, beta=1, alpha=1", "addmv in place.", Offered::Method),
    operation<&addbmm_>("addbmm_", "input, batch1, batch2, *, beta=1, alpha=1", "addbmm in place.",
                        Offered::Method),
    operation<&addr_>("addr_", "input, vec1, vec2, *, beta=1, alpha=1", "addr in place.", Offered::Method),
});

}  // namespace
}  // namespace tapeless
