// Rows of comparison and logic: their results are bool, so they have no derivative.
#pragma once

#include "kernels/formula.h"

namespace tapeless::formula {
namespace {

constexpr auto compare = std::make_tuple(
    pointwise<2>({.name = "eq", .formula = "x == y", .doc = "Whether two values are equal.", .result = Result::Bool},
                 [](auto x, auto y) { return x == y; }),
    pointwise<2>({.name = "ne", .formula = "x != y", .doc = "Whether two values differ.", .result = Result::Bool,
                  .alias = "not_equal"},
                 [](auto x, auto y) { return x != y; }),
    pointwise<2>({.name = "lt", .formula = "x < y", .doc = "Whether x is less than y.", .domain = Domain::Ordered,
                  .result = Result::Bool, .alias = "less"},
                 [](auto x, auto y) { return x < y; }),
    pointwise<2>({.name = "le", .formula = "x <= y", .doc = "Whether x is at most y.", .domain = Domain::Ordered,
                  .result = Result::Bool, .alias = "less_equal"},
                 [](auto x, auto y) { return x <= y; }),
    pointwise<2>({.name = "gt", .formula = "x > y", .doc = "Whether x is greater than y.", .domain = Domain::Ordered,
                  .result = Result::Bool, .alias = "greater"},
                 [](auto x, auto y) { return x > y; }),
    pointwise<2>({.name = "ge", .formula = "x >= y", .doc = "Whether x is at least y.", .domain = Domain::Ordered,
                  .result = Result::Bool, .alias = "greater_equal"},
                 [](auto x, auto y) { return x >= y; }),
    pointwise<2>({.name = "logical_and", .formula = "x and y", .doc = "Whether both values are not zero.",
                  .result = Result::Bool},
                 [](auto x, auto y) { return (x != 0_k) & (y != 0_k); }),
    pointwise<2>({.name = "logical_or", .formula = "x or y", .doc = "Whether one of two values is not zero.",
                  .result = Result::Bool},
                 [](auto x, auto y) { return (x != 0_k) | (y != 0_k); }),
    pointwise<2>({.name = "logical_xor", .formula = "bool(x) != bool(y)",
                  .doc = "Whether just one of two values is not zero.", .result = Result::Bool},
                 [](auto x, auto y) { return (x != 0_k) != (y != 0_k); }),
    pointwise<1>({.name = "logical_not", .formula = "x == 0", .doc = "Whether a value is zero.",
                  .result = Result::Bool},
                 [](auto x) { return x == 0_k; }),
    pointwise<2>({.name = "bitwise_and", .formula = "x & y", .doc = "The bits that both values have.",
                  .domain = Domain::Integral},
                 [](auto x, auto y) { return bitwise_and(x, y); }),
    pointwise<2>({.name = "bitwise_or", .formula = "x | y", .doc = "The bits that either value has.",
                  .domain = Domain::Integral},
                 [](auto x, auto y) { return bitwise_or(x, y); }),
    pointwise<2>({.name = "bitwise_xor", .formula = "x ^ y", .doc = "The bits that just one value has.",
                  .domain = Domain::Integral},
                 [](auto x, auto y) { return bitwise_xor(x, y); }),
    pointwise<1>({.name = "bitwise_not", .formula = "~x", .doc = "The bits that a value lacks.",
                  .domain = Domain::Integral},
                 [](auto x) { return bitwise_not(x); }),
    pointwise<2>({.name = "bitwise_left_shift", .formula = "x << y", .doc = "The bits moved up; counts outside the type give 0.",
                  .domain = Domain::Integer},
                 [](auto x, auto y) { return bitwise_left_shift(x, y); }),
    pointwise<2>({.name = "bitwise_right_shift", .formula = "x >> y", .doc = "The bits moved down, the sign kept.",
                  .domain = Domain::Integer},
                 [](auto x, auto y) { return bitwise_right_shift(x, y); }),
    pointwise<1>({.name = "isnan", .formula = "x != x", .doc = "Whether a value is not a number.",
                  .result = Result::Bool, .in_place = false},
                 [](auto x) { return isnan(x); }),
    pointwise<1>({.name = "isfinite", .formula = "x - x == 0", .doc = "Whether a value is neither infinite nor NaN.",
                  .result = Result::Bool, .in_place = false},
                 [](auto x) { return isfinite(x); }));

}  // namespace
}  // namespace tapeless::formula
