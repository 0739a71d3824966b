// The rules that rows name for their operands.
#include "ops/row_rules.h"

#include <cmath>
#include <limits>

#include "ops/row.h"

namespace tapeless {

Scalar no_bound(int operand, DType common) {
    const bool upper = operand == 2;
    return visit(common, [&]<class T>(Type<T>) -> Scalar {
        if constexpr (std::is_integral_v<T>) {
            return Scalar(static_cast<std::int64_t>(upper ? std::numeric_limits<T>::max()
                                                          : std::numeric_limits<T>::min()));
        } else {
            return Scalar(upper ? INFINITY : -INFINITY);
        }
    });
}

Scalar finite_stand_in(int operand, DType common) {
    if (operand == 1) return Scalar(0);
    const double sign = operand == 2 ? 1.0 : -1.0;
    if (common == DType::Float16) return Scalar(sign * 65504.0);
    if (common == DType::BFloat16) return Scalar(sign * 0x1.fep127);
    if (common == DType::Float32)
        return Scalar(sign * static_cast<double>(std::numeric_limits<float>::max()));
    if (common == DType::Float64) return Scalar(sign * std::numeric_limits<double>::max());
    return Scalar(0);  // Integers have nothing to replace.
}

Scalar no_margin(int, DType) { return Scalar(-1.0); }

const char* simpler_power(const Scalar& exponent, DType common) {
    if (exponent.category() == Category::Complex) return nullptr;
    const double y = exponent.to<double>();
    if (y == 2) return "square";
    if (is_integral(common)) return nullptr;
    return y == 0.5 ? "sqrt" : y == -0.5 ? "rsqrt" : y == -1 ? "reciprocal" : nullptr;
}

void same_dtypes(const Row& row, const Argument* arguments, DType common) {
    const DType first = (*arguments[0].tensor)->dtype;
    for (int k = 1; k < row.tensor_count(); ++k) {
        if (!arguments[k].tensor) {
            check(is_complex(first) || arguments[k].number.category() != Category::Complex,
                  "value cannot be converted to type ", facts(first).name, " without overflow");
            continue;
        }
        const Tensor& x = *arguments[k].tensor;
        if (k == 2 && x->dim() == 0 && common == first) continue;
        check(x->dtype == first, row.facts.name, ": expected dtype ", facts(first).name, " for `",
              operand_name(row, k), "` but got dtype ", facts(x->dtype).name,
              "; operations on tensors with different dtypes are not implemented here, so convert one");
    }
    if (common != first) {  // A number would make integers floats.
        fail(ErrorKind::NotImplemented, "\"", row.facts.name, "_cpu\" not implemented for '",
             facts(first).legacy_name, "'; convert the operands with .to(...) first");
    }
}

void same_real_dtypes(const Row& row, const Argument* arguments, DType common) {
    refuse_complex(row, arguments, common);
    same_dtypes(row, arguments, common);
}

void no_integer_quotient(const Row&, const Argument* arguments, DType) {
    check(!(is_integral((*arguments[1].tensor)->dtype) && is_integral((*arguments[2].tensor)->dtype)),
          "Integer division with addcdiv is no longer supported; convert tensor1 or tensor2 to a floating "
          "dtype, or "
          "write input + value * torch.trunc(tensor1 / tensor2)");
}

void refuse_complex(const Row& row, const Argument*, DType common) {
    check(!is_complex(common), row.facts.name, " not implemented for complex tensors.");
}

}  // namespace tapeless
