// The planner: turns pending expressions into programs, decides what is written, and assigns block registers.
#include <algorithm>
#include <new>

#include "kernels/program.h"
#include "runtime/allocator.h"

namespace tapeless {
namespace {

/// Builds one program from expressions of one size.
class Planner {
public:
    explicit Planner(std::int64_t numel) { program_.numel = numel; }
    ~Planner() { forget(); }

    /// Adds what `root` needs, operands first; iterative, so that no chain is too long.
    std::int16_t add(Expression& root) {
        std::vector<std::pair<Expression*, int>> path{{&root, 0}};
        while (!path.empty()) {
            auto& [expression, next] = path.back();
            if (expression->visit || next == expression->arity) {
                if (!expression->visit) emit(*expression);
                path.pop_back();
                continue;
            }
            const Operand& operand = expression->operands[next++];
            if (operand.kind == Operand::Kind::Value && !operand.value->result && !operand.value->visit) {
                path.push_back({operand.value.get(), 0});
            }
        }
        return static_cast<std::int16_t>(root.visit - 1);
    }

    std::int16_t add(const Operand& operand, const Dims& space) {
        if (operand.kind == Operand::Kind::Value && !operand.value->result) return add(*operand.value);
        return load(operand, space);
    }

    void write(Expression& expression) {
        if (expression.result) return;
        expression.result =
            make_buffer(static_cast<std::size_t>(expression.numel) * size_of(expression.dtype));
        written_.push_back(&expression);
        program_.stores.push_back({static_cast<std::int16_t>(expression.visit - 1), expression.result->data});
    }

    /// Values that are wanted by others as well: the second program that needs one writes it.
    void write_shared(bool within_backward) {
        if (within_backward) return;
        for (Expression* expression : order_) {
            if (expression->result || expression->holders == 0) continue;
            if (++expression->evaluations >= 2) write(*expression);
        }
    }

    void run_now() {
        assign_registers();
        try {
            run(program_);
        } catch (...) {
            for (Expression* expression : written_) expression->result.reset();
            throw;
        }
        forget();  // Now: operands that nobody else holds are freed below.
        for (Expression* expression : written_) release_operands(*expression);
    }

    Program& program() { return program_; }

private:
    void forget() {
        for (Expression* expression : order_) expression->visit = 0;
        order_.clear();
    }

    void emit(Expression& expression) {
        Step step{expression.kernel, expression.compute, expression.dtype, expression.arity, {}, 0};
        for (int k = 0; k < expression.arity; ++k) {
            const Operand& operand = expression.operands[k];
            if (operand.kind == Operand::Kind::None) {
                step.in[k] = -1;
            } else if (operand.kind == Operand::Kind::Value && !operand.value->result) {
                step.in[k] = static_cast<std::int16_t>(operand.value->visit - 1);
            } else {
                step.in[k] = load(operand, expression.space);
            }
        }
        step.out = add_value({Operand::Kind::Value, expression.dtype});
        program_.steps.push_back(step);
        expression.visit = static_cast<std::uint16_t>(step.out + 1);
        order_.push_back(&expression);
    }

    std::int16_t load(const Operand& operand, const Dims& space) {
        Value value{operand.kind, operand.dtype, operand.data, &space, &operand.strides};
        if (operand.kind == Operand::Kind::Value) {
            value.kind = Operand::Kind::Dense;
            value.data = operand.value->result->data;
        } else if (operand.kind == Operand::Kind::Number && !operand.data) {
            value.data = operand.number;
        }
        for (std::size_t v = 0; v < program_.values.size(); ++v) {
            const Value& other = program_.values[v];
            const bool same =
                other.kind == value.kind && other.data == value.data && other.dtype == value.dtype;
            if (same && (value.kind != Operand::Kind::Strided ||
                         (*other.space == space && *other.strides == operand.strides))) {
                return static_cast<std::int16_t>(v);
            }
        }
        return add_value(value);
    }

    std::int16_t add_value(Value value) {
        program_.widest = std::max(program_.widest, size_of(value.dtype));
        program_.values.push_back(value);
        return static_cast<std::int16_t>(program_.values.size() - 1);
    }

    /// A computed value's register is free again after its last use, so that the live ones stay in the first cache.
    void assign_registers() {
        const std::size_t count = program_.values.size();
        std::vector<int> last(count, -1);
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            for (int k = 0; k < program_.steps[s].arity; ++k) {
                if (program_.steps[s].in[k] >= 0)
                    last[static_cast<std::size_t>(program_.steps[s].in[k])] = static_cast<int>(s);
            }
        }
        const int never = static_cast<int>(program_.steps.size());
        for (const Store& store : program_.stores) last[static_cast<std::size_t>(store.value)] = never;
        if (program_.summed >= 0) last[static_cast<std::size_t>(program_.summed)] = never;
        for (Value& value : program_.values) {
            if (value.kind != Operand::Kind::Value) value.reg = program_.registers++;
        }
        std::vector<int> free;
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            Value& out = program_.values[static_cast<std::size_t>(program_.steps[s].out)];
            if (free.empty()) {
                out.reg = program_.registers++;
            } else {
                out.reg = free.back();
                free.pop_back();
            }
            for (std::size_t v = 0; v < count; ++v) {
                const Value& value = program_.values[v];
                if (value.kind == Operand::Kind::Value && last[v] == static_cast<int>(s))
                    free.push_back(value.reg);
            }
        }
    }

    static void release_operands(Expression& expression) {
        for (int k = 0; k < expression.arity; ++k) {
            expression.operands[k].value.reset();
            expression.operands[k].buffer.reset();
            expression.operands[k].kind = Operand::Kind::None;
        }
        expression.arity = 0;
    }

    Program program_;
    std::vector<Expression*> order_, written_;
};

}  // namespace

Expression* new_expression() {
    Expression* expression = new (allocate(sizeof(Expression))) Expression{};
    expression->refs = 1;
    return expression;
}

void dispose(Expression* expression) noexcept {
    // A chain of expressions dies in this loop, not by recursion.
    static thread_local std::vector<Expression*> dead;
    static thread_local bool running = false;
    dead.push_back(expression);
    if (running) return;
    running = true;
    while (!dead.empty()) {
        Expression* next = dead.back();
        dead.pop_back();
        next->~Expression();
        release(next, sizeof(Expression));
    }
    running = false;
}

void evaluate(Expression& expression) {
    if (expression.result) return;
    Planner planner(expression.numel);
    planner.add(expression);
    planner.write(expression);
    planner.write_shared(false);
    planner.run_now();
}

void evaluate(Storage& storage) {
    refuse_unreadable(storage);
    if (!storage.pending) return;
    const Shared<Expression> expression = storage.pending;
    evaluate(*expression);
    settle(storage);
}

void evaluate_all(const std::vector<Storage*>& storages, bool within_backward) {
    std::vector<Storage*> left;
    for (Storage* storage : storages) {
        if (storage->pending && !storage->pending->result) left.push_back(storage);
    }
    while (!left.empty()) {
        const std::int64_t numel = left.front()->pending->numel;
        Planner planner(numel);
        int steps = 0;
        std::vector<Storage*> chosen, later;
        for (Storage* storage : left) {
            steps += storage->pending->steps;
            const bool fits =
                storage->pending->numel == numel && (steps <= 8 * kMostSteps || storage == left.front());
            if (!fits) {
                later.push_back(storage);
                continue;
            }
            planner.add(*storage->pending);
            chosen.push_back(storage);
        }
        // Only now: what is written counts as computed, and an expression added later would read it too early.
        for (Storage* storage : chosen) planner.write(*storage->pending);
        planner.write_shared(within_backward);
        planner.run_now();
        left = std::move(later);
    }
    for (Storage* storage : storages) {
        if (storage->pending) settle(*storage);
    }
}

void sum_blocks(const Operand& operand, std::int64_t numel, const Dims& space, SumLoop loop,
                std::size_t partial_size, char* partials) {
    Planner planner(numel);
    Program& program = planner.program();
    program.summed = planner.add(operand, space);
    program.sum = loop;
    program.partial_size = partial_size;
    program.partials = partials;
    planner.write_shared(false);
    planner.run_now();
}

}  // namespace tapeless
