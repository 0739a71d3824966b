// What a pointwise row is made of, and the number reader: one compiled loop per formula, dtype and ISA level.
#pragma once

#include <tuple>
#include <utility>

#include "base/dtype.h"
#include "kernels/literal.h"
#include "kernels/math.h"
#include "tensor/expression.h"

namespace tapeless {

/// The dtypes that a formula is compiled for.
enum class Domain : std::uint8_t {
    Any,       ///< every dtype
    Number,    ///< all but bool
    Ordered,   ///< bool, integers and floating point
    Real,      ///< integers and floating point
    Inexact,   ///< floating point and complex
    Floating,  ///< floating point
    Full,      ///< floating point but half types
    Integral,  ///< bool and integers
    Integer,   ///< integers alone
};
/// How the dtype of the computation follows from the operands.
enum class Promotion : std::uint8_t {
    Common,
    Float,  ///< integers become floats
    Count,  ///< bool becomes int64
};
/// The dtype of the result, stated here because it cannot be inferred from a C++ formula.
enum class Result : std::uint8_t { Same, Bool, Real };

/// An operand that is always a number.
struct NumberOperand {
    const char* name;  ///< its keyword
    double otherwise;  ///< what it is when a call leaves it out
};

struct Row;
struct Argument;
class Scalar;

/// What a row says of itself besides its formulas.
struct Facts {
    const char* name;
    const char* formula;  ///< in algebra, for the docstring
    const char* doc;      ///< one sentence
    Domain domain = Domain::Any;
    Promotion promotion = Promotion::Common;
    Result result = Result::Same;
    std::uint8_t bool_operands = 0;      ///< bit k: operand k is a condition
    std::uint8_t tensor_operands = 0;    ///< bit k: a call by name takes no number for operand k
    std::uint8_t optional_operands = 0;  ///< bit k: operand k may be None or left out, and is then `absent`
    std::uint8_t keyword_operands = 0;   ///< bit k: operand k is given by keyword alone
    const char *first = "input", *second = "other", *third = nullptr;  ///< keywords of the operands
    const char* node =
        nullptr;  ///< PyTorch's name of the recorded node, when it is not the row's with Backward0
    const char* number_node = nullptr;       ///< ... when all but the first that may be numbers are
    const char* left_number_node = nullptr;  ///< ... when the first is
    const char* in_place_node = nullptr;     ///< ... of the in-place form
    double low = -2, high = 2;               ///< where tests draw operands from
    std::uint8_t angles =
        0;  ///< bit 0: x is an angle, bit 1: in the derivative too; large doubles one by one
    bool data_errors = false;        ///< integer division by zero: never deferred
    bool keeps_integers = false;     ///< floor and its like leave integers as they are
    bool identity_on_reals = false;  ///< conj and its like return a real tensor itself
    bool in_place = true;            ///< whether an in-place form exists
    bool in_place_function = false;  ///< whether it is a function too, where there are further operands
    const char* alias = nullptr;     ///< a second public name
    const char* refused =
        nullptr;  ///< PyTorch's words for the first operand's derivative, which nobody has: asking for it fails
    bool numbers_alone = false;     ///< a call of numbers gives a tensor without dimensions
    NumberOperand numbers[3] = {};  ///< further operands, if numbers: they take no part in promotion
    bool serves_nn = false;         ///< a function of nn.functional alone, in _core.nn_functions
    /// What an operand is that is None, in a computation of this dtype; from ops/row_rules.h.
    Scalar (*absent)(int operand, DType common) = nullptr;
    /// The row that computes the same of the first operand, for this last one; null: none. From ops/row_rules.h.
    const char* (*simpler)(const Scalar& last, DType common) = nullptr;
    /// Refuses operands that their promoted dtype does not tell of; from ops/row_rules.h.
    void (*check)(const Row& row, const Argument* arguments, DType common) = nullptr;

    constexpr int number_count() const {
        int count = 0;
        while (count < 3 && numbers[count].name) ++count;
        return count;
    }
};

constexpr bool in_domain(Domain domain, DType dtype) {
    const bool boolean = dtype == DType::Bool, complex = dtype >= DType::Complex64;
    const bool integral = dtype <= DType::Int64;
    switch (domain) {
        case Domain::Any:
            return true;
        case Domain::Number:
            return !boolean;
        case Domain::Ordered:
            return !complex;
        case Domain::Real:
            return !boolean && !complex;
        case Domain::Inexact:
            return !integral;
        case Domain::Floating:
            return !integral && !complex;
        case Domain::Full:
            return dtype == DType::Float32 || dtype == DType::Float64;
        case Domain::Integral:
            return integral;
        case Domain::Integer:
            return integral && !boolean;
    }
    return false;
}

namespace formula {

/// A derivative that does not exist; as one of several, a gradient that is never asked for.
struct None {
    template <class... Operands> constexpr std::tuple<> operator()(Operands...) const { return {}; }
};

template <class... Gradients> constexpr std::tuple<Gradients...> grads(Gradients... gradients) {
    return {gradients...};
}

template <int Arity, class Forward, class Derivative> struct Pointwise {
    static constexpr int arity = Arity;
    static constexpr bool differentiable = !std::is_same_v<Derivative, None>;
    Facts facts;
    Forward forward;
    Derivative derivative;
};

template <int Arity, class Forward, class Derivative = None>
constexpr Pointwise<Arity, Forward, Derivative> pointwise(Facts facts, Forward forward,
                                                          Derivative derivative = {}) {
    return {facts, forward, derivative};
}

}  // namespace formula

/// The most operands that a row has.
inline constexpr int kMostArity = kMaxOperands - 2;

/// The loops of one row, filled in by each family's translation units.
struct RowLoops {
    Loop* forward;                 ///< kDTypes entries
    Loop* derivative[kMostArity];  ///< the same for each operand's gradient
};

/// A family's loops at one ISA level for one class of dtypes; each translation unit registers one at start-up.
struct LoopSet {
    const char* family;
    int isa;  ///< 2, 3 or 4 for x86-64-v2 ...
    void (*fill)(RowLoops* rows);
    LoopSet* next = nullptr;
    static LoopSet*& first();
    LoopSet(const char* family_, int isa_, void (*fill_)(RowLoops*))
        : family(family_), isa(isa_), fill(fill_) {
        next = std::exchange(first(), this);
    }
};

}  // namespace tapeless
