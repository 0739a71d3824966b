// What structured operations say to levels: how one example's operation is done for all, and that tangents pass.
// See Note [Levels].
#pragma once

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

/// Several operands as the level with the number `wrapped` holds them, all alike: with all examples along dimension 0,
/// or with a tangent each.
struct Alike {
    int depth;
    Level::Kind kind;
    std::vector<Tensor> held, tangents;
    Alike(int wrapped, const std::vector<Tensor>& operands);
};

/// A function linear in all of its operands together, where the level with the number `wrapped` acts; `same` and
/// `whole` as above, each of a list of operands.
template <class Same, class Whole>
Tensor linear_at_level(int wrapped, const std::vector<Tensor>& operands, Same&& same, Whole&& whole) {
    const Alike alike(wrapped, operands);
    if (alike.kind == Level::Kind::Batched) return batched(alike.depth, whole(alike.held));
    return dual(alike.depth, same(alike.held), same(alike.tangents));
}

/// Sizes with the count of x's examples in front.
Dims with_examples(const Tensor& whole, const Dims& sizes);
/// Dimensions of one example, of that rank, as dimensions of all.
Dims behind_examples(const Dims& dims, int rank);
/// A whole batch whose examples get dimensions of size 1 in front until they have `rank`.
Tensor with_rank(const Tensor& whole, int rank);

/// copy_ and fill_ where the level with the number `wrapped` acts.
void copy_at_level(const Tensor& x, const Tensor& source, int wrapped);
void fill_at_level(const Tensor& x, const Scalar& value);

}  // namespace tapeless
