// Wrappers of levels: making them, looking through them, and knowing which level acts. See Note [Levels].
#include "graph/level.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/record.h"
#include "kernels/program.h"

namespace tapeless {
namespace {

struct OpenLevel {
    LevelKind kind;
    std::int64_t examples;
};
constexpr int kDeepest = 120;  // A level's number has eight bits.
// A plain pointer: wrappers may die after the thread's destructors have run, and room for thread_local is short.
thread_local OpenLevel* open = nullptr;  ///< kDeepest of them while any is open
thread_local int opened = 0;
thread_local std::int64_t living = 0;  ///< wrappers of this thread

void set_mode() { modes.set(kLevels, opened > 0 || living > 0); }

/// What every wrapper's storage is pending on.
const Shared<Expression>& nothing() {
    // Never destroyed: wrappers may die after static objects have.
    static const Shared<Expression>& refusing = [&]() -> const Shared<Expression>& {
        auto* made = new Shared<Expression>(Shared<Expression>::adopt(new_expression()));
        (*made)->unreadable = true;
        return *made;
    }();
    return refusing;
}

Tensor wrapper(const Dims& sizes, const Tensor& like, Level::Kind kind, int depth, const Tensor& tangent) {
    const std::int64_t bytes = product(sizes) * static_cast<std::int64_t>(size_of(like->dtype));
    Shared<Storage> storage = make_pending(nothing(), static_cast<std::size_t>(bytes));
    storage->device = like->device;
    const Tensor out = tensor_of(std::move(storage), sizes, contiguous_strides(sizes), 0, like->dtype);
    out->inference = like->inference;
    autograd_of(out).level = std::make_unique<Level>(kind, static_cast<std::uint8_t>(depth), like, tangent);
    return out;
}

int number_of(const Level& level) { return 2 * level.depth; }

}  // namespace

Level::Level(Kind k, std::uint8_t d, Tensor v, Tensor t)
    : kind(k), depth(d), value(std::move(v)), tangent(std::move(t)) {
    ++living;
    set_mode();
}

Level::~Level() {
    living =
        std::max<std::int64_t>(living - 1, 0);  // A wrapper may die in another thread than it was made in.
    set_mode();
}

int deepest(std::initializer_list<const Tensor*> tensors) {
    int found = 0;
    if (!modes.has(kLevels)) return found;
    for (const Tensor* x : tensors) {
        if (*x && level_of(**x)) found = std::max(found, number_of(*level_of(**x)));
    }
    return found;
}

int tracked_at(const Tensor& x) {
    if (!requires_grad(x)) return 0;
    if (Node* node = grad_fn(x)) return node->level;
    return x->autograd ? x->autograd->tracked_at : 0;
}

bool is_tracked_above(const Tensor& x, int wrapped) {
    return requires_grad(x) && (!wrapped || tracked_at(x) > wrapped);
}

Tensor batched(int depth, const Tensor& value) {
    Dims sizes = value->sizes;
    sizes.erase(0);
    return wrapper(sizes, value, Level::Kind::Batched, depth, {});
}

Tensor dual(int depth, const Tensor& primal, const Tensor& tangent) {
    return wrapper(primal->sizes, primal, Level::Kind::Dual, depth, tangent);
}

Tensor untracked(const Tensor& x) {
    Tensor out = alias(x);
    if (const Level* level = level_of(*x)) {
        autograd_of(out).level =
            std::make_unique<Level>(level->kind, level->depth, level->value, level->tangent);
    }
    return out;
}

Tensor beneath(const Tensor& x, int depth) {
    const Level* level = level_of(*x);
    if (level && level->depth == depth) return level->value;
    return tracked_at(x) > 2 * depth ? untracked(x) : x;
}

const TensorBody& readable_primal(const TensorBody& x, const char* refusal) {
    const TensorBody* primal = &x;
    while (const Level* level = level_of(*primal)) {
        check(level->kind == Level::Kind::Dual, refusal);
        primal = level->value.get();
    }
    return *primal;
}

void collect_pending(const Tensor& x, std::vector<Storage*>& pending) {
    if (!x) return;
    if (const Level* level = level_of(*x)) {
        collect_pending(level->value, pending);
        collect_pending(level->tangent, pending);
    } else if (x->storage->pending) {
        pending.push_back(x->storage.get());
    }
}

void settle_all(const Tensor& x) {
    std::vector<Storage*> pending;
    collect_pending(x, pending);
    for (Storage* storage : pending) readable(*storage);
}

int open_level(LevelKind kind, std::int64_t examples) {
    check(opened < kDeepest, "func: more than ", kDeepest, " transforms inside one another");
    if (!open) open = new OpenLevel[kDeepest];
    open[opened++] = {kind, examples};
    set_mode();
    return opened;
}

void close_level() {
    if (--opened == 0) delete[] std::exchange(open, nullptr);
    set_mode();
}

int open_levels() { return opened; }
LevelKind kind_at(int depth) { return open[depth - 1].kind; }
std::int64_t examples_at(int depth) { return open[depth - 1].examples; }
int wrapping_level_above(int depth) {
    for (int at = std::min(depth - 1, opened); at > 0; --at) {
        if (kind_at(at) != LevelKind::Grad) return at;
    }
    return 0;
}
bool refuses_random() {
    return std::any_of(open, open + opened,
                       [](const OpenLevel& level) { return level.kind == LevelKind::Batched; });
}

}  // namespace tapeless
