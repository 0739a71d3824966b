// Backward of every row: its derivative's own compiled loop, or, when the gradient is itself to be differentiated,
// the derivative's code replayed as recorded operations.
#include "ops/row_node.h"

#include "graph/record.h"
#include "ops/structured.h"

namespace tapeless {

void save_operands(Node& node, const Row& row, const Argument* arguments, std::uint8_t wanted,
                   const Tensor* original) {
    RowPayload& payload = node.get<RowPayload>();
    for (int k = 0; k < row.arity; ++k) {
        if (!arguments[k].tensor) {
            new (&payload.numbers()[k]) Scalar(arguments[k].number);
            payload.is_number = static_cast<std::uint8_t>(payload.is_number | 1 << k);
        } else if ((wanted >> k) & 1) {
            save(node.saved[k], k == 0 && original ? *original : *arguments[k].tensor);
        }
    }
}

std::uint8_t wanted_values(const Row& row, const Node& node) {
    std::uint8_t wanted = 0;
    for (int k = 0; k < row.arity; ++k) {
        if (node.needs(k)) wanted |= row.saved[k];
    }
    return wanted;
}

namespace {

/// The code of one gradient with tensors in place of its symbols, each word an application of its row.
class Replay {
public:
    Replay(const Row& row, std::vector<Argument> symbols) : row_(row), symbols_(std::move(symbols)) {}

    Tensor run(int root) {
        const CodeGraph& code = row_.code;
        const std::vector<bool> reached = code.reach(root);
        results_.resize(static_cast<std::size_t>(root) + 1);
        values_.assign(static_cast<std::size_t>(root) + 1, Argument(Scalar()));
        for (int i = 0; i <= root; ++i) {
            if (reached[static_cast<std::size_t>(i)]) step(i, code[i]);
        }
        const Argument& value = values_[static_cast<std::size_t>(root)];
        if (value.tensor) return *value.tensor;
        const Tensor& g = *symbols_.front().tensor;
        return full(g->sizes, value.number, g->dtype, g->device);
    }

private:
    void step(int i, const CodeNode& node) {
        const std::size_t at = static_cast<std::size_t>(i);
        if (node.kind == CodeNode::Kind::Number) {
            values_[at] = Argument(Scalar(node.number));
        } else if (node.kind == CodeNode::Kind::Symbol) {
            values_[at] = symbol(node.word);
        } else {
            std::vector<Argument> operands;
            for (int operand : node.operands) {
                if (operand >= 0) operands.push_back(values_[static_cast<std::size_t>(operand)]);
            }
            results_[at] = apply_word(node.word, operands);
            values_[at] = Argument(results_[at]);
        }
    }

    Argument symbol(const char* name) const {
        if (name[0] == 'g') return symbols_[0];
        if (name[0] == 'o') return symbols_.back();
        std::size_t k = 0;
        while (kOperandLetters[k][0] != name[0]) ++k;
        return symbols_[k + 1];
    }

    static Tensor apply_word(const char* word, std::vector<Argument>& operands) {
        bool any = false;
        for (const Argument& operand : operands) any |= operand.tensor != nullptr;
        if (any) return apply(tapeless::row(word), operands.data());
        // Numbers alone, such as `y - 1` of an exponent that is a number.
        const bool complex = operands[0].number.category() == Category::Complex;
        const Tensor x = scalar_tensor(operands[0].number, complex ? DType::Complex128 : DType::Float64);
        operands[0] = Argument(x);
        Tensor out = apply(tapeless::row(word), operands.data());
        out->wrapped_number = true;
        return out;
    }

    const Row& row_;
    std::vector<Argument> symbols_;
    std::vector<Argument> values_;
    std::vector<Tensor> results_;
};

}  // namespace

void fail_refused(const char* what) {
    fail(ErrorKind::NotImplemented, "the derivative for '", what, "' is not implemented.");
}

namespace {

struct Refusal {
    static constexpr const char* node = "NotImplemented";
    const char* what;
    void backward(Node&, Gradients, Gradients) const { fail_refused(what); }
};

}  // namespace

void refuse_gradient(Node& node, const Row& row, const Tensor& x) {
    const Ref<Node> refusal = make_node(class_of<Refusal>(), 1, 0, 1, Refusal{row.facts.refused});
    for (int k = 0; k < node.edge_count; ++k) node.more().shown.push_back(node.edges[k]);
    refusal->edges[0] = std::move(node.edges[0]);
    refusal->outputs[0] = {x->sizes, x->dtype, x->device};
    stamp(*refusal);
    node.edges[0] = {refusal, 0};
}

Tensor row_gradient(const Row& row, int k, const Argument* symbols, std::uint8_t numbers, DType common) {
    const CodeNode& code = row.code[row.derivative_root[k]];
    if (code.kind == CodeNode::Kind::Symbol && code.word[0] == 'g') {
        return *symbols[0]
                    .tensor;  // Nobody writes into a gradient that others hold, so it need not be copied.
    }
    if (grad_enabled() || deepest(symbols, row.arity + 2)) {
        return Replay(row, {symbols, symbols + row.arity + 2}).run(row.derivative_root[k]);
    }
    if (const Row& served = simplest(row, symbols + 1, common); &served != &row && served.saved[0] == 1) {
        const Argument of_one[] = {symbols[0], symbols[1], symbols[1]};  // Its gradient does not read out.
        return compute({&served.derivative[0], compute_type(common), common, 4}, of_one, 3);
    }
    std::uint8_t skipped = 0;
    for (int s = 0; s <= row.arity; ++s) {
        const bool number = s < row.arity && ((numbers >> s) & 1);
        if (!((row.saved[k] >> s) & 1) && !number) skipped = static_cast<std::uint8_t>(skipped | 2 << s);
    }
    return compute({&row.derivative[k], compute_type(common), common, skipped}, symbols, row.arity + 2);
}

void apply_row_node(Node& node, Gradients in, Gradients out) {
    RowPayload& payload = node.get<RowPayload>();
    const Row& row = *static_cast<const Row*>(node.cls->about);
    const Tensor& g = in[0];
    if (!g) return;
    const std::uint8_t wanted = wanted_values(row, node);
    Tensor values[kMostArity + 1];
    Argument arguments[kMaxOperands] = {g, g, g, g, g, g};
    for (int k = 0; k <= row.arity; ++k) {
        if ((wanted >> k) & 1) values[k] = unpack(node.saved[k], node);
        const bool number = k < row.arity && ((payload.is_number >> k) & 1);
        if (number) {
            arguments[k + 1] = Argument(payload.numbers()[k]);
        } else if (values[k]) {
            arguments[k + 1] = Argument(values[k]);
        }
    }
    for (int k = 0; k < row.arity; ++k) {
        if (!node.needs(k)) continue;
        out[k] = row.derivative_root[k] < 0
                     ? g
                     : row_gradient(row, k, arguments, payload.is_number, payload.common);
    }
}

std::string derivative_text(const Row& row) {
    if (!row.differentiable) return "No derivative.";
    std::string text;
    for (int k = 0; k < row.arity; ++k) {
        if (row.derivative_root[k] < 0) continue;
        if (!text.empty()) text += "; ";
        if (row.arity > 1) text += std::string("for ") + kOperandLetters[k] + ", ";
        text += row.code.written(row.derivative_root[k]);
    }
    return "Derivative: " + text + ".";
}

}  // namespace tapeless
