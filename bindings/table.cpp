// What the rows say of themselves, for tests and tools: their facts, and the text of their kernels.
#include "bindings/python.h"
#include "kernels/cuda_text.h"
#include "ops/row.h"

namespace tapeless {
namespace {

const char* word(Domain domain) {
    static const char* const words[] = {"any",      "number", "ordered",  "real",   "inexact",
                                        "floating", "full",   "integral", "integer"};
    return words[static_cast<int>(domain)];
}
const char* word(Promotion promotion) {
    static const char* const words[] = {"common", "float", "count"};
    return words[static_cast<int>(promotion)];
}
const char* word(Result result) {
    static const char* const words[] = {"same", "bool", "real"};
    return words[static_cast<int>(result)];
}

nb::dict facts_of(const Row& row) {
    const Facts& facts = row.facts;
    nb::dict out;
    out["name"] = facts.name;
    out["arity"] = row.tensor_count();
    out["domain"] = word(facts.domain);
    out["promotion"] = word(facts.promotion);
    out["result"] = word(facts.result);
    out["bool_operands"] = int(facts.bool_operands);
    out["tensor_operands"] = int(facts.tensor_operands);
    out["differentiable"] = row.differentiable;
    nb::list gradients;  // For each operand, whether its gradient has a formula.
    for (int k = 0; k < row.tensor_count(); ++k) gradients.append(row.derivative_root[k] >= 0);
    out["gradients"] = gradients;
    nb::list
        numbers;  // What those operands are when a call leaves them out, in float64 where the dtype decides.
    for (int k = row.tensor_count(); k < row.arity; ++k) {
        const Scalar number =
            row.is_optional(k) ? facts.absent(k, DType::Float64) : Scalar(row.number(k).otherwise);
        numbers.append(number.to<double>());
    }
    out["numbers"] = numbers;
    out["serves_nn"] = facts.serves_nn;
    out["in_place"] = facts.in_place;
    out["alias"] = facts.alias ? nb::cast(facts.alias) : nb::none();
    out["data_errors"] = facts.data_errors;
    out["keeps_integers"] = facts.keeps_integers;
    out["identity_on_reals"] = facts.identity_on_reals;
    out["low"] = facts.low;
    out["high"] = facts.high;
    out["doc"] = facts.doc;
    out["formula"] = facts.formula;
    out["derivative"] = derivative_text(row);
    nb::list dtypes;  // Those that the row has a loop for, by the names that Python prints.
    for (int k = 0; k < kDTypes; ++k) {
        const DType dtype = static_cast<DType>(k);
        if (in_domain(facts.domain, dtype)) dtypes.append(tapeless::facts(dtype).name);
    }
    out["dtypes"] = dtypes;
    return out;
}

/// The complete text of one kernel; gradient -1 is the forward formula.
std::string text_of(const std::string& name, int gradient, DType dtype, bool prelude) {
    const Row& row = tapeless::row(name.c_str());
    check(gradient >= -1 && gradient < row.arity && (gradient < 0 || row.derivative_root[gradient] >= 0),
          "_kernel_text: ", name, " has no gradient ", gradient, "; -1 asks for the forward formula");
    check(in_domain(row.facts.domain, dtype), "_kernel_text: ", name, " is not defined for ",
          facts(dtype).name, "; ask for a dtype of its domain, ", word(row.facts.domain));
    const DType result = row.facts.result == Result::Bool ? DType::Bool : dtype;
    const int root = gradient < 0 ? row.forward_root : row.derivative_root[gradient];
    const KernelText kernel{row.facts.name, &row.code, root,   row.arity,
                            gradient,       dtype,     result, row.facts.bool_operands};
    return (prelude ? std::string(cuda_prelude()) + "\n" : std::string()) + kernel_text(kernel);
}

}  // namespace

void define_table(nb::module_& m) {
    m.def("_row_facts", [] {
        nb::list list;
        for (const Row& row : rows()) list.append(facts_of(row));
        return list;
    });
    m.def(
        "_kernel_text",
        [](const std::string& name, int gradient, nb::handle dtype, bool prelude) {
            return text_of(name, gradient, dtype_from(dtype.ptr()), prelude);
        },
        nb::arg("row"), nb::arg("which"), nb::arg("dtype"), nb::arg("prelude") = true);
    m.def("_kernel_prelude", [] { return cuda_prelude(); });
    m.def("_host_prelude", [] { return host_prelude(); });
}

}  // namespace tapeless
