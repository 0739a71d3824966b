// Builds the table: reads every family's rows with Code, and takes the loops of the best ISA level at hand.
#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "ops/activation_rows.h"
#include "ops/arithmetic_rows.h"
#include "ops/compare_rows.h"
#include "ops/loss_rows.h"
#include "ops/math_rows.h"
#include "ops/row.h"
#include "ops/special_rows.h"
#include "ops/trigonometry_rows.h"
#include "runtime/cpu.h"

namespace tapeless {

void apply_row_node(Node& node, Gradients in, Gradients out);  // ops/row_derivative.cpp

LoopSet*& LoopSet::first() {
    static LoopSet* first = nullptr;
    return first;
}

namespace {

using formula::Code;

/// Which symbols a gradient needs: the operands in order, then out.
std::uint8_t symbols_of(const CodeGraph& graph, int root, const int* symbols, int count) {
    const std::vector<bool> reached = graph.reach(root);
    std::uint8_t used = 0;
    for (int k = 0; k < count; ++k) {
        if (symbols[k] < static_cast<int>(reached.size()) && reached[static_cast<std::size_t>(symbols[k])]) {
            used = static_cast<std::uint8_t>(used | 1 << k);
        }
    }
    return used;
}

template <class Gradient> int root_of(Gradient gradient) {
    if constexpr (std::is_same_v<Gradient, formula::NoGradient>) {
        return -1;
    } else {
        return formula::as_code(gradient).node;
    }
}

template <class Pointwise, std::size_t... K>
void read(Row& row, const Pointwise& from, std::index_sequence<K...>) {
    Code::graph() = &row.code;
    const Code operands[] = {Code::symbol(kOperandLetters[K])...};
    const Code out = Code::symbol("out"), g = Code::symbol("g");
    row.forward_root = formula::as_code(from.forward(operands[K]...)).node;
    if constexpr (Pointwise::differentiable) {
        const auto gradients = from.derivative(g, operands[K]..., out);
        const int symbols[] = {operands[K].node..., out.node};
        ((row.derivative_root[K] = root_of(std::get<K>(gradients)),
          row.saved[K] = symbols_of(row.code, row.derivative_root[K], symbols, Pointwise::arity + 1)),
         ...);
    }
    Code::graph() = nullptr;
}

const std::string& camel(std::string& out, const char* name) {
    bool upper = true;
    for (; *name; ++name) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        out += upper ? static_cast<char>(std::toupper(*name)) : *name;
        upper = std::isdigit(static_cast<unsigned char>(*name));  // log1p: Log1PBackward0
    }
    out += "Backward0";
    return out;
}

template <class Family> void add_family(std::vector<Row>& table, const char* name, const Family& family) {
    const std::size_t first = table.size();
    std::apply(
        [&](const auto&... rows) {
            auto add = [&](const auto& from) {
                using Pointwise = std::remove_cvref_t<decltype(from)>;
                Row& row = table.emplace_back();
                row.facts = from.facts;
                row.arity = Pointwise::arity;
                row.differentiable = Pointwise::differentiable;
                row.index = static_cast<int>(table.size()) - 1;
                const auto bools = from.facts.bool_operands;
                row.forward = {from.facts.name, static_cast<std::uint8_t>(row.arity), bools, {}};
                for (Kernel& kernel : row.derivative) {
                    kernel = {from.facts.name,
                              static_cast<std::uint8_t>(row.arity + 2),
                              static_cast<std::uint8_t>(bools << 1),
                              {}};
                }
                read(row, from, std::make_index_sequence<Pointwise::arity>());
                for (int d = 0; d < kDTypes; ++d) {
                    const DType dtype = static_cast<DType>(d);
                    const bool kept = from.facts.keeps_integers && in_domain(Domain::Integer, dtype);
                    if (kept || in_domain(from.facts.domain, dtype))
                        row.accepts = static_cast<std::uint16_t>(row.accepts | 1 << d);
                }
                for (const std::uint8_t saved : row.saved)
                    row.saved_slots =
                        std::max(row.saved_slots, static_cast<std::uint8_t>(std::bit_width(saved)));
            };
            (add(rows), ...);
        },
        family);
    std::vector<RowLoops> loops;
    for (std::size_t i = first; i < table.size(); ++i) {
        Row& row = table[i];
        loops.push_back({row.forward.loops,
                         {row.derivative[0].loops, row.derivative[1].loops, row.derivative[2].loops,
                          row.derivative[3].loops}});
    }
    const int best = static_cast<int>(isa()) + 2;
    for (int level = 2; level <= best;
         ++level) {  // Better levels overwrite; a class without one keeps the lower.
        for (const LoopSet* set = LoopSet::first(); set; set = set->next) {
            if (set->isa == level && !std::strcmp(set->family, name)) set->fill(loops.data());
        }
    }
}

std::vector<Row> build() {
    std::vector<Row> table;
    table.reserve(256);  // Kernels are pointed to by loops being filled in.
    add_family(table, "arithmetic", formula::arithmetic);
    add_family(table, "compare", formula::compare);
    add_family(table, "math", formula::math);
    add_family(table, "activation", formula::activation);
    add_family(table, "loss", formula::loss);
    add_family(table, "special", formula::special);
    add_family(table, "trigonometry", formula::trigonometry);
    for (Row& row : table) {
        row.facts.node ? row.node_name = row.facts.node : camel(row.node_name, row.facts.name);
        row.node = node_class(row.node_name.c_str(), &apply_row_node);
        row.node.about = &row;
        for (auto [variant, name] : {std::pair{&row.number_node, row.facts.number_node},
                                     std::pair{&row.left_number_node, row.facts.left_number_node},
                                     std::pair{&row.in_place_node, row.facts.in_place_node}}) {
            *variant = row.node;
            if (name) variant->name = name;
        }
    }
    return table;
}

}  // namespace

const std::vector<Row>& rows() {
    static const std::vector<Row> table = build();
    return table;
}

const char* operand_name(const Row& row, int k) {
    if (row.is_number(k)) return row.number(k).name;
    const char* const names[] = {row.facts.first, row.facts.second, row.facts.third};
    return names[k];
}

const Row& row(const char* name) {
    static const std::unordered_map<std::string_view, const Row*> by_name = [] {
        std::unordered_map<std::string_view, const Row*> map;
        for (const Row& candidate : rows()) map.emplace(candidate.facts.name, &candidate);
        return map;
    }();
    const auto found = by_name.find(name);
    if (found != by_name.end()) return *found->second;
    fail(ErrorKind::Runtime, "row: no row is named ", name);
}

}  // namespace tapeless
