// What a pending storage holds instead of bytes: a formula applied to operands, not yet computed.
#pragma once

#include <cstdint>

#include "base/dims.h"
#include "base/dtype.h"
#include "base/object.h"

namespace tapeless {

struct Buffer;
void dispose(Buffer*) noexcept;

/// A compiled loop: `count` is a multiple of 16; operands and result lie without gaps.
using Loop = void (*)(void* out, const void* const* in, std::int64_t count);

/// A gradient, a row's operands and its result.
inline constexpr int kMaxOperands = 6;

/// A formula's loops, one for each dtype it computes in; null where the formula has none.
struct Kernel {
    const char* name;
    std::uint8_t arity;
    std::uint8_t bool_operands;  ///< bit k: operand k is a condition, of dtype bool
    Loop loops[kDTypes];
};

struct Expression;
void dispose(Expression*) noexcept;

/// One operand of an expression: another expression, a buffer seen through strides, or one number.
struct Operand {
    enum class Kind : std::uint8_t { None, Value, Dense, Strided, Number };
    Kind kind = Kind::None;
    DType dtype = DType::Float32;
    Shared<Expression> value;
    Shared<Buffer> buffer;
    const char* data = nullptr;  ///< first element; of Number too, where `number` holds it when null
    Dims strides;                ///< of Strided: in elements, along the expression's space
    alignas(16) char number[16];
};

struct Expression {
    std::uint32_t refs;
    std::uint32_t holders;  ///< storages that are pending on it
    const Kernel* kernel;   ///< null: convert the one operand to `dtype`
    DType compute;          ///< dtype the loop runs in
    DType dtype;            ///< dtype of the result
    std::uint8_t arity;
    std::uint8_t evaluations;  ///< programs that computed it without writing it
    std::uint16_t steps;       ///< how many steps its whole program has, repeats counted
    std::uint16_t visit;       ///< scratch of the planner
    bool unreadable;           ///< refuses to be computed: see Note [Levels]
    std::int64_t numel;
    std::int64_t retained;  ///< bytes of buffers that the whole program keeps alive
    Dims space;             ///< sizes in iteration order, slowest first; empty unless an operand is strided
    Operand operands[kMaxOperands];
    Shared<Buffer> result;  ///< once computed
};

}  // namespace tapeless
