// Code: the symbolic reader of formulas. A formula called with Code leaves its expression as a graph of words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/literal.h"

namespace tapeless {

/// One word of a formula applied to earlier nodes: a symbol, a number, or the name of a row.
struct CodeNode {
    enum class Kind : std::uint8_t { Symbol, Number, Word };
    Kind kind;
    const char* word = "";  ///< of Symbol: its letter; of Word: the row it names
    double number = 0;
    int operands[3] = {-1, -1, -1};
};

/// A formula's nodes, operands before users. Equal nodes are one node, so shared subexpressions print once.
class CodeGraph {
public:
    int add(const CodeNode& node);
    const CodeNode& operator[](int index) const { return nodes_[static_cast<std::size_t>(index)]; }
    int size() const { return static_cast<int>(nodes_.size()); }
    /// Marks the nodes that `root` needs.
    std::vector<bool> reach(int root) const;
    /// CUDA C++ statements `T t3 = …;` for `root`, each a call of its word, and the name of the result.
    std::string print(int root, std::string& result) const;
    /// `root` as one writes it on paper, such as `g * (1 - out * out)`.
    std::string written(int root) const;

private:
    std::vector<CodeNode> nodes_;
};

namespace formula {

/// A value in the graph that is being written; -1 says "no gradient".
struct Code {
    int node = -1;
    /// The graph that formulas write into now.
    static CodeGraph*& graph();
    static Code symbol(const char* name);
    static Code number(double value);
    static Code word(const char* name, Code x);
    static Code word(const char* name, Code x, Code y);
    static Code word(const char* name, Code x, Code y, Code z);
};

inline Code as_code(Code x) { return x; }
inline Code as_code(Literal x) { return Code::number(x.value); }

template <class X, class Y>
concept CodeWith = (std::is_same_v<X, Code> && (std::is_same_v<Y, Code> || std::is_same_v<Y, Literal>)) ||
                   (std::is_same_v<X, Literal> && std::is_same_v<Y, Code>);

// The one macro pair of the vocabulary: each line gives a word of formulas its symbolic meaning, the row of that name.
#define TAPELESS_INFIX(symbol, row)                     \
    template <class X, class Y>                         \
        requires CodeWith<X, Y>                         \
    Code operator symbol(X x, Y y) {                    \
        return Code::word(row, as_code(x), as_code(y)); \
    }
#define TAPELESS_WORD(name)                                   \
    inline Code name(Code x) { return Code::word(#name, x); } \
    template <class X, class Y>                               \
        requires CodeWith<X, Y>                               \
    Code name(X x, Y y) {                                     \
        return Code::word(#name, as_code(x), as_code(y));     \
    }

TAPELESS_INFIX(+, "add")
TAPELESS_INFIX(-, "sub")
TAPELESS_INFIX(*, "mul")
TAPELESS_INFIX(/, "div")
TAPELESS_INFIX(==, "eq")
TAPELESS_INFIX(!=, "ne")
TAPELESS_INFIX(<, "lt")
TAPELESS_INFIX(>, "gt")
TAPELESS_INFIX(<=, "le")
TAPELESS_INFIX(>=, "ge")
TAPELESS_INFIX(&, "logical_and")
TAPELESS_INFIX(|, "logical_or")
inline Code operator-(Code x) { return Code::word("neg", x); }
inline Code real(Code x) { return Code::word("real_part", x); }
inline Code operator!(Code x) { return Code::word("logical_not", x); }

TAPELESS_WORD(abs)
TAPELESS_WORD(acos)
TAPELESS_WORD(acosh)
TAPELESS_WORD(asin)
TAPELESS_WORD(asinh)
TAPELESS_WORD(atan)
TAPELESS_WORD(atan2)
TAPELESS_WORD(atanh)
TAPELESS_WORD(bitwise_and)
TAPELESS_WORD(bitwise_left_shift)
TAPELESS_WORD(bitwise_not)
TAPELESS_WORD(bitwise_or)
TAPELESS_WORD(bitwise_right_shift)
TAPELESS_WORD(bitwise_xor)
TAPELESS_WORD(ceil)
TAPELESS_WORD(conj)
TAPELESS_WORD(copysign)
TAPELESS_WORD(cos)
TAPELESS_WORD(cosh)
TAPELESS_WORD(digamma)
TAPELESS_WORD(erf)
TAPELESS_WORD(erfc)
TAPELESS_WORD(erfinv)
TAPELESS_WORD(exp)
TAPELESS_WORD(exp2)
TAPELESS_WORD(expm1)
TAPELESS_WORD(floor)
TAPELESS_WORD(floor_divide)
TAPELESS_WORD(fmod)
TAPELESS_WORD(gcd)
TAPELESS_WORD(hypot)
TAPELESS_WORD(i0)
TAPELESS_WORD(igamma)
TAPELESS_WORD(igammac)
inline Code xlog1py(Code x, Code y) { return Code::word("special_xlog1py", x, y); }
TAPELESS_WORD(isfinite)
TAPELESS_WORD(isinf)
TAPELESS_WORD(isnan)
TAPELESS_WORD(lcm)
TAPELESS_WORD(lgamma)
TAPELESS_WORD(log)
TAPELESS_WORD(log10)
TAPELESS_WORD(log1p)
TAPELESS_WORD(log2)
TAPELESS_WORD(logaddexp)
TAPELESS_WORD(logaddexp2)
TAPELESS_WORD(maximum)
TAPELESS_WORD(minimum)
TAPELESS_WORD(pow)
TAPELESS_WORD(reciprocal)
TAPELESS_WORD(remainder)
TAPELESS_WORD(round)
TAPELESS_WORD(rsqrt)
TAPELESS_WORD(sgn)
TAPELESS_WORD(sigmoid)
TAPELESS_WORD(sign)
TAPELESS_WORD(signbit)
TAPELESS_WORD(sin)
TAPELESS_WORD(sinc)
TAPELESS_WORD(sinh)
TAPELESS_WORD(special_erfcx)
TAPELESS_WORD(special_i0e)
TAPELESS_WORD(special_i1)
TAPELESS_WORD(special_i1e)
TAPELESS_WORD(special_log_ndtr)
TAPELESS_WORD(special_ndtri)
TAPELESS_WORD(special_zeta)
TAPELESS_WORD(sqrt)
TAPELESS_WORD(tan)
TAPELESS_WORD(tanh)
TAPELESS_WORD(trunc)
TAPELESS_WORD(xlogy)
#undef TAPELESS_WORD
#undef TAPELESS_INFIX

template <class X, class Y> Code where(Code condition, X x, Y y) {
    return Code::word("where", condition, as_code(x), as_code(y));
}

}  // namespace formula
}  // namespace tapeless
