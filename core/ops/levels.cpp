// Rules of levels for rows, and for writes: all examples at once, tangents beside primals. See Note [Levels].
#include "ops/levels.h"

#include <algorithm>

#include "ops/fresh.h"
#include "ops/row_node.h"

namespace tapeless {

Dims with_examples(const Tensor& whole, const Dims& sizes) {
    Dims out = sizes;
    out.insert(0, whole->sizes[0]);
    return out;
}

Dims behind_examples(const Dims& dims, int rank) {
    Dims out;
    for (std::int64_t dim : dims) out.push_back(wrap_dim(dim, rank) + 1);
    return out;
}

Tensor with_rank(const Tensor& whole, int rank) {
    Tensor out = whole;
    while (out->dim() < rank + 1) out = unsqueeze(out, 1);
    return out;
}

Held::Held(int wrapped, std::vector<Tensor> operands) : depth(wrapped / 2) {
    for (const Tensor& x : operands) {
        const Level* level = x ? level_of(*x) : nullptr;
        own.push_back(level && level->depth == depth);
        values.push_back(x ? beneath(x, depth) : x);
        tangents.push_back(own.back() ? level->tangent : Tensor());
        if (!own.back()) continue;
        kind = level->kind;
        if (kind == Level::Kind::Batched) examples = level->value->sizes[0];
    }
}

Tensor Held::whole(std::size_t i, int rank) const {
    if (own[i]) return with_rank(values[i], rank);
    Dims sizes = values[i]->sizes;
    sizes.insert(0, examples);
    return with_rank(expand(values[i], sizes), rank);
}

Tensor Held::tangent(std::size_t i) const {
    const Tensor& x = values[i];
    return tangents[i] ? tangents[i] : full(x->sizes, Scalar(0), x->dtype, x->device);
}

int deepest(const Argument* arguments, int count) {
    int found = 0;
    if (!modes.has(kLevels)) return found;
    for (int k = 0; k < count; ++k) {
        if (arguments[k].tensor) found = std::max(found, deepest({arguments[k].tensor}));
    }
    return found;
}

namespace {

/// A row's operands as a level sees them.
struct Operands {
    int depth, rank = 0;
    Level::Kind kind = Level::Kind::Batched;
    Tensor held[kMostArity], tangents[kMostArity];
    Argument arguments[kMostArity] = {Scalar(), Scalar(), Scalar(), Scalar()};
    bool wrapped[kMostArity] = {};

    Operands(const Row& row, const Argument* given, int number) : depth(number / 2) {
        for (int k = 0; k < row.arity; ++k) {
            arguments[k] = given[k];
            if (!given[k].tensor) continue;
            const Tensor& x = *given[k].tensor;
            rank = std::max(rank, x->dim());
            const Level* level = level_of(*x);
            wrapped[k] = level && level->depth == depth;
            if (wrapped[k]) kind = level->kind;
            if (wrapped[k]) tangents[k] = level->tangent;
            held[k] = beneath(x, depth);
            arguments[k] = Argument(held[k]);
        }
    }

    /// Examples in front, behind them as many dimensions as any operand's example has. An example's rank counts in
    /// promotion, so where all examples together would be promoted otherwise they are converted first.
    void line_up(const Row& row, const Argument* given) {
        for (int k = 0; k < row.arity; ++k) {
            if (!wrapped[k]) continue;
            held[k] = with_rank(held[k], rank);
            arguments[k] = Argument(held[k]);
        }
        const int first = row.facts.bool_operands ? 1 : 0;
        const DType common = result_type(given + first, row.tensor_count() - first);
        if (result_type(arguments + first, row.tensor_count() - first) == common) return;
        for (int k = first; k < row.tensor_count(); ++k) {
            if (arguments[k].tensor) held[k] = to_dtype(held[k], common);
        }
    }
};

Tensor real_part(const Tensor& x) { return is_complex(x->dtype) ? apply(row("real_part"), x) : x; }

/// How gradient k of a row at this point maps g, brought to the operand's kind of number.
class GradientMap {
public:
    GradientMap(const Row& row, const Operands& operands, const Tensor& out, int k, DType common)
        : row_(row), operands_(operands), out_(out), k_(k), common_(common) {}

    Tensor operator()(const Tensor& g) const {
        std::vector<Argument> symbols{Argument(g)};
        std::uint8_t numbers = 0;
        for (int i = 0; i < row_.arity; ++i) {
            if (!operands_.arguments[i].tensor) numbers = static_cast<std::uint8_t>(numbers | 1 << i);
            symbols.push_back(operands_.arguments[i]);
        }
        symbols.emplace_back(out_);
        const Tensor result = row_gradient(row_, k_, symbols.data(), numbers, common_);
        return is_complex(operands_.held[k_]->dtype) ? result : real_part(result);
    }
    /// The map at the constant c.
    Tensor at(const Scalar& c) const { return (*this)(full(out_->sizes, c, out_->dtype, out_->device)); }

private:
    const Row& row_;
    const Operands& operands_;
    const Tensor& out_;
    int k_;
    DType common_;
};

Tensor times(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }
Tensor conj(const Tensor& x) { return apply(row("conj"), x); }

/// What the tangent of operand k adds to the result's: the transpose of the gradient's map. Among real numbers that is
/// the map itself. Among complex ones the map is a g + b conj(g), with a and b from its values at 1 and i, and its
/// transpose conj(a) t + b conj(t).
Tensor tangent_of(const GradientMap& gradient, const Tensor& tangent, const Tensor& x, const Tensor& out) {
    const bool from_complex = is_complex(x->dtype), to_complex = is_complex(out->dtype);
    if (!from_complex && !to_complex) return gradient(tangent);
    const Tensor at_one = gradient.at(Scalar(1));
    if (from_complex && !to_complex) return real_part(times(conj(at_one), tangent));
    const Tensor at_i = gradient.at(Scalar(Complex<double>{0, 1}));
    const Tensor turned = apply(row("mul"), at_i, Scalar(Complex<double>{0, 1}));
    if (!from_complex) return times(apply(row("add"), at_one, turned), tangent);
    const Scalar half(0.5);
    const Tensor a = apply(row("mul"), apply(row("sub"), at_one, turned), half);
    const Tensor b = apply(row("mul"), apply(row("add"), at_one, turned), half);
    return apply(row("add"), times(conj(a), tangent), times(b, conj(tangent)));
}

/// The tangent of the result, or null where none of the operands' tangents reaches it.
Tensor tangent_through(const Row& row, const Operands& operands, const Tensor& out, DType common) {
    Tensor sum;
    if (!is_differentiable(out->dtype)) return sum;
    for (int k = 0; k < row.arity; ++k) {
        if (!operands.tangents[k] || !asks_gradient(row, k)) continue;
        if (row.derivative_root[k] < 0) fail_refused(row.facts.refused);
        const GradientMap gradient(row, operands, out, k, common);
        Tensor part = tangent_of(gradient, operands.tangents[k], operands.held[k], out);
        part = to_dtype(part, out->dtype);
        if (!(part->sizes == out->sizes)) part = expand(part, out->sizes);
        sum = sum ? apply(tapeless::row("add"), sum, part) : part;
    }
    return sum;
}

DType common_type(const Row& row, const Argument* arguments) {
    const int first = row.facts.bool_operands ? 1 : 0;
    const DType common = result_type(arguments + first, row.tensor_count() - first);
    return row.facts.promotion == Promotion::Float && is_integral(common) ? default_dtype() : common;
}

}  // namespace

Tensor apply_at_level(const Row& row, const Argument* arguments, int wrapped) {
    Operands operands(row, arguments, wrapped);
    if (operands.kind == Level::Kind::Batched) {
        operands.line_up(row, arguments);
        return batched(operands.depth, apply(row, operands.arguments));
    }
    const Tensor out = apply(row, operands.arguments);
    const Tensor tangent = tangent_through(row, operands, out, common_type(row, operands.arguments));
    return tangent ? dual(operands.depth, out, tangent) : out;
}

namespace {

[[noreturn]] void refuse_write(const char* name, Level::Kind kind) {
    if (kind == Level::Kind::Batched) {
        fail(
            ErrorKind::Runtime, "vmap: ", name, "(self, *extra_args) is not possible because there exists a ",
            "Tensor `other` in extra_args that has more elements than `self`. This happened due to `other` ",
            "being vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place ",
            "operators instead of ", name, ".");
    }
    fail(ErrorKind::Runtime, name,
         ": a value with a tangent is written into a tensor without one; write `x = x + y` ",
         "instead of `x += y`, or give x a tangent first");
}

/// The level that holds x, which is written; fails when it is not the one that acts.
Level& held_by(const Tensor& x, int wrapped, const char* name, Level::Kind kind) {
    Level* level = level_of(*x);
    if (!level || 2 * level->depth != wrapped) refuse_write(name, kind);
    return *level;
}

}  // namespace

void apply_inplace_at_level(const Row& row, const Argument* arguments, int wrapped) {
    Operands operands(row, arguments, wrapped);
    const std::string name = std::string(row.facts.name) + "_";
    Level& level = held_by(*arguments[0].tensor, wrapped, name.c_str(), operands.kind);
    if (level.kind == Level::Kind::Batched) {
        operands.line_up(row, arguments);
        operands.arguments[0] = Argument(level.value);
        apply_inplace(row, operands.arguments);
        return;
    }
    // The tangent needs the primal as it was and the result, so the result comes first.
    const Tensor out = to_dtype(apply(row, operands.arguments), level.value->dtype);
    const Tensor tangent = tangent_through(row, operands, out, common_type(row, operands.arguments));
    copy_(level.value, out);
    tangent ? copy_(level.tangent, tangent) : fill_(level.tangent, Scalar(0));
}

void write_at_level(const char* name, const Tensor& x, int wrapped, LevelWrite write) {
    write.operands[0] = x;
    Held held(wrapped, std::move(write.operands));
    held_by(x, wrapped, name, held.kind);
    if (held.kind == Level::Kind::Batched) return write.whole(held);
    write.same(held.values);
    if (!is_differentiable(x->dtype)) return;
    std::vector<Tensor> tangents = held.values;
    for (std::size_t i = 0; i < write.linear; ++i) tangents[i] = held.tangent(i);
    write.same(tangents);
}

Tensor copy_for_level(const Tensor& x, int wrapped) {
    const Held held(wrapped, {x});
    const bool in_batch = kind_at(held.depth) != LevelKind::Dual;
    auto copy = [](const Tensor& of) { return clone(of, MemoryFormat::Contiguous); };
    if (!in_batch) return dual(held.depth, copy(held.values[0]), copy(held.tangent(0)));
    if (held.own[0]) return batched(held.depth, copy(held.values[0]));
    Dims sizes = x->sizes;
    sizes.insert(0, examples_at(held.depth));
    return batched(held.depth, copy(expand(held.values[0], sizes)));
}

void copy_at_level(const Tensor& x, const Tensor& source, int wrapped) {
    const Level* from = level_of(*source);
    const bool holds = from && 2 * from->depth == wrapped;
    const Level::Kind kind = holds ? from->kind : level_of(*x)->kind;
    Level& level = held_by(x, wrapped, "copy_", kind);
    const Tensor value = beneath(source, level.depth);
    if (kind == Level::Kind::Batched) {
        copy_(level.value, holds ? with_rank(value, x->dim()) : value);
        return;
    }
    copy_(level.value, value);
    holds ? copy_(level.tangent, from->tangent) : fill_(level.tangent, Scalar(0));
}

void fill_at_level(const Tensor& x, const Scalar& value) {
    Level& level = *level_of(*x);
    fill_(level.value, value);
    if (level.kind == Level::Kind::Dual) fill_(level.tangent, Scalar(0));
}

}  // namespace tapeless
