// The graph that a formula leaves behind when it is read by Code, and its CUDA text.
#include "kernels/code.h"

#include <charconv>
#include <cstring>
#include <utility>

namespace tapeless {

int CodeGraph::add(const CodeNode& node) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const CodeNode& other = nodes_[i];
        if (other.kind == node.kind && !std::strcmp(other.word, node.word) && other.number == node.number &&
            std::equal(node.operands, node.operands + 3, other.operands)) {
            return static_cast<int>(i);
        }
    }
    nodes_.push_back(node);
    return static_cast<int>(nodes_.size()) - 1;
}

std::vector<bool> CodeGraph::reach(int root) const {
    std::vector<bool> reached(nodes_.size());
    if (root < 0) return reached;
    reached[static_cast<std::size_t>(root)] = true;
    for (int i = root; i >= 0; --i) {  // Operands come before users, so one sweep backwards finds them all.
        if (!reached[static_cast<std::size_t>(i)]) continue;
        for (int operand : (*this)[i].operands) {
            if (operand >= 0) reached[static_cast<std::size_t>(operand)] = true;
        }
    }
    return reached;
}

namespace {

/// Seventeen digits, which give the same double back; the same in every locale.
std::string literal(double value) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + 32, value, std::chars_format::general, 17).ptr);
}

/// How a word is written between its operands, and how strongly it binds them.
struct Infix {
    const char* word;
    const char* sign;
    int strength;
};
constexpr Infix kInfix[] = {
    {"logical_or", " | ", 1}, {"logical_and", " & ", 2}, {"eq", " == ", 3}, {"ne", " != ", 3},
    {"lt", " < ", 3},         {"gt", " > ", 3},          {"le", " <= ", 3}, {"ge", " >= ", 3},
    {"add", " + ", 4},        {"sub", " - ", 4},         {"mul", " * ", 5}, {"div", " / ", 5},
};
// Of & and at most; of a sign in front; of a symbol, a number or a call.
constexpr int kLogical = 2, kNegative = 6, kAtom = 7;

const Infix* infix(const char* word) {
    for (const Infix& entry : kInfix) {
        if (!std::strcmp(entry.word, word)) return &entry;
    }
    return nullptr;
}

/// The fewest digits that give the same double back.
std::string short_literal(double value) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + 32, value).ptr);
}

std::string enclosed(const std::string& text, bool needed) { return needed ? "(" + text + ")" : text; }

/// A node's text, and how strongly the last word in it binds.
std::pair<std::string, int> text_of(const CodeGraph& graph, int index) {
    const CodeNode& node = graph[index];
    if (node.kind == CodeNode::Kind::Symbol) return {node.word, kAtom};
    if (node.kind == CodeNode::Kind::Number) {
        return {short_literal(node.number), node.number < 0 ? kNegative : kAtom};
    }
    const auto [first, of_first] = text_of(graph, node.operands[0]);
    if (!std::strcmp(node.word, "neg")) return {"-" + enclosed(first, of_first < kNegative), kNegative};
    const Infix* sign = infix(node.word);
    if (!sign) {
        std::string call = node.word + ("(" + first);
        for (int k = 1; k < 3 && node.operands[k] >= 0; ++k)
            call += ", " + text_of(graph, node.operands[k]).first;
        return {call + ")", kAtom};
    }
    // Operators group from the left, and what the formula grouped otherwise stays visible; & and | bind more strongly
    // than comparisons in Python.
    const auto [second, of_second] = text_of(graph, node.operands[1]);
    const int least = sign->strength <= kLogical ? kNegative : sign->strength;
    return {enclosed(first, of_first < least) + sign->sign + enclosed(second, of_second <= least),
            sign->strength};
}

}  // namespace

std::string CodeGraph::written(int root) const { return text_of(*this, root).first; }

std::string CodeGraph::print(int root, std::string& result) const {
    const std::vector<bool> reached = reach(root);
    std::vector<std::string> names(nodes_.size());
    std::string statements;
    for (int i = 0; i <= root; ++i) {
        if (!reached[static_cast<std::size_t>(i)]) continue;
        const CodeNode& node = (*this)[i];
        std::string& name = names[static_cast<std::size_t>(i)];
        if (node.kind == CodeNode::Kind::Symbol) {
            name = node.word;
            continue;
        }
        name = "t" + std::to_string(i);
        if (node.kind == CodeNode::Kind::Number) {
            statements += "    const T " + name + " = T(" + literal(node.number) + ");\n";
            continue;
        }
        std::string call;
        for (int operand : node.operands) {
            if (operand >= 0) call += (call.empty() ? "" : ", ") + names[static_cast<std::size_t>(operand)];
        }
        statements += "    const auto " + name + " = tl_" + node.word + "(" + call + ");\n";
    }
    result = root < 0 ? "" : names[static_cast<std::size_t>(root)];
    return statements;
}

namespace formula {

CodeGraph*& Code::graph() {
    static thread_local CodeGraph* current = nullptr;
    return current;
}

Code Code::symbol(const char* name) { return {graph()->add({CodeNode::Kind::Symbol, name})}; }
Code Code::number(double value) { return {graph()->add({CodeNode::Kind::Number, "", value})}; }
Code Code::word(const char* name, Code x) { return word(name, x, Code(), Code()); }
Code Code::word(const char* name, Code x, Code y) { return word(name, x, y, Code()); }
Code Code::word(const char* name, Code x, Code y, Code z) {
    return {graph()->add({CodeNode::Kind::Word, name, 0, {x.node, y.node, z.node}})};
}

}  // namespace formula
}  // namespace tapeless
