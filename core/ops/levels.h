// What structured operations say to levels: how one example's operation is done for all, and that tangents pass.
// See Note [Levels].
#pragma once

#include <functional>
#include <vector>

#include "ops/structured.h"

namespace tapeless {

/// A linear function of one tensor where x's level acts: `same` is the function itself, which maps tangents as it maps
/// primals; `whole` does it for all examples, along dimension 0 of its argument and of its result.
template <class Same, class Whole> Tensor linear_at_level(const Tensor& x, Same&& same, Whole&& whole) {
    const Level& level = *level_of(*x);
    if (level.kind == Level::Kind::Batched) return batched(level.depth, whole(level.value));
    return dual(level.depth, same(level.value), same(level.tangent));
}

/// A function linear in each of two tensors, where the level with the number `wrapped` acts; `whole` gets each operand
/// with all examples along dimension 0 if its flag is set, and returns all results likewise.
template <class Same, class Whole>
Tensor bilinear_at_level(int wrapped, const Tensor& x, const Tensor& y, Same&& same, Whole&& whole) {
    const int depth = wrapped / 2;
    const Level* of_x = level_of(*x);
    const Level* of_y = level_of(*y);
    if (of_x && of_x->depth != depth) of_x = nullptr;
    if (of_y && of_y->depth != depth) of_y = nullptr;
    const Tensor a = beneath(x, depth), b = beneath(y, depth);
    if ((of_x ? of_x : of_y)->kind == Level::Kind::Batched) {
        return batched(depth, whole(a, of_x != nullptr, b, of_y != nullptr));
    }
    Tensor tangent = of_x ? same(of_x->tangent, b) : Tensor();
    if (of_y) {
        const Tensor other = same(a, of_y->tangent);
        tangent = tangent ? apply(row("add"), tangent, other) : other;
    }
    return dual(depth, same(a, b), tangent);
}

/// Sizes with the count of x's examples in front.
Dims with_examples(const Tensor& whole, const Dims& sizes);
/// Dimensions of one example, of that rank, as dimensions of all.
Dims behind_examples(const Dims& dims, int rank);
/// A whole batch whose examples get dimensions of size 1 in front until they have `rank`.
Tensor with_rank(const Tensor& whole, int rank);

/// The number of the deepest wrapper among many tensors; 0: none.
inline int deepest(const std::vector<Tensor>& tensors) {
    int found = 0;
    for (const Tensor& x : tensors) found = std::max(found, x ? deepest({&x}) : 0);
    return found;
}

/// A call's operands as the level with the number `wrapped` holds them; null operands stay null.
struct Held {
    int depth;
    Level::Kind kind = Level::Kind::Batched;
    std::int64_t examples = 0;
    std::vector<Tensor> values, tangents;
    std::vector<bool> own;  ///< has this level's wrapper: all examples, or a tangent

    Held(int wrapped, std::vector<Tensor> operands);
    /// Operand i with all examples along dimension 0, and with dimensions of size 1 behind that if it has fewer than
    /// `rank`; what is the same for all is repeated without a copy.
    Tensor whole(std::size_t i, int rank = 0) const;
    /// The tangent of operand i, or zeros.
    Tensor tangent(std::size_t i) const;
};

/// A function that is linear in the first `linear` of its operands together, where the level with the number `wrapped`
/// acts: `same` is the function itself, `whole` does it for all examples and returns all results along dimension 0.
template <class Same, class Whole>
Tensor linear_together(int wrapped, std::vector<Tensor> operands, std::size_t linear, Same&& same,
                       Whole&& whole) {
    const Held held(wrapped, std::move(operands));
    if (held.kind == Level::Kind::Batched) return batched(held.depth, whole(held));
    const Tensor out = same(held.values);
    std::vector<Tensor> tangents = held.values;
    bool any = false;
    for (std::size_t i = 0; i < linear; ++i) any |= held.own[i] && is_differentiable(held.values[i]->dtype);
    if (!any) return out;
    for (std::size_t i = 0; i < linear; ++i) tangents[i] = held.tangent(i);
    return dual(held.depth, out, same(tangents));
}

/// The same where all operands are linear together, and `whole` gets all examples of each.
template <class Same, class Whole>
Tensor linear_at_level(int wrapped, const std::vector<Tensor>& operands, Same&& same, Whole&& whole) {
    return linear_together(wrapped, operands, operands.size(), same, [&](const Held& held) {
        std::vector<Tensor> all;
        for (std::size_t i = 0; i < operands.size(); ++i) all.push_back(held.whole(i));
        return whole(all);
    });
}

/// A write into its first operand that is linear in the first `linear` together, as levels see it: both functions write
/// in place, `same` into one example, `whole` into all.
struct LevelWrite {
    std::vector<Tensor> operands;
    std::size_t linear;
    std::function<void(const std::vector<Tensor>&)> same;
    std::function<void(const Held&)> whole;
};
/// Writes into x, the first operand or its copy, where the level with the number `wrapped` acts.
void write_at_level(const char* name, const Tensor& x, int wrapped, LevelWrite write);
/// A copy of x, wrapped by that level.
Tensor copy_for_level(const Tensor& x, int wrapped);

/// copy_ and fill_ where the level with the number `wrapped` acts.
void copy_at_level(const Tensor& x, const Tensor& source, int wrapped);
void fill_at_level(const Tensor& x, const Scalar& value);

}  // namespace tapeless
