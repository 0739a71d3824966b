// The executor: runs the steps of a program block by block, on as many threads as there are blocks for.
#include "kernels/program.h"

#include <cstring>
#include <memory>

#include "kernels/copy.h"
#include "runtime/threads.h"

namespace tapeless {

namespace {

/// Scratch of one thread: the program's registers and room for half types on their way to float32 and back.
struct Scratch {
    std::vector<char> bytes;
    char* aligned = nullptr;
    char* reserve(std::size_t size) {
        if (bytes.size() < size + 64) bytes.resize(size + 64);
        aligned = bytes.data() + (64 - reinterpret_cast<std::uintptr_t>(bytes.data()) % 64) % 64;
        return aligned;
    }
};
thread_local Scratch scratch;

constexpr std::size_t kWideBlock = kBlock * sizeof(float);

/// One block of one program: where each value lies now.
class Block {
public:
    Block(const Program& program, char* registers, const void** at)
        : program_(program), at_(at), registers_(registers), pitch_(register_pitch(program)) {
        for (std::size_t v = 0; v < program.values.size(); ++v) {
            const Value& value = program.values[v];
            if (value.kind != Operand::Kind::Number) continue;
            fill(reg(value.reg), value.data, size_of(value.dtype), std::min(kBlock, padded(program.numel)));
            at_[v] = reg(value.reg);
        }
    }

    /// The odd 64 bytes keep registers from falling into the same cache sets.
    static std::size_t register_pitch(const Program& program) { return kBlock * program.widest + 64; }
    static std::int64_t padded(std::int64_t count) { return (count + kGroup - 1) / kGroup * kGroup; }

    void run(std::int64_t start, std::int64_t count) {
        load(start, count);
        for (const Step& step : program_.steps) compute(step, start, count);
        store(start, count);
        if (program_.sum) {
            program_.sum(
                program_.partials + start / kBlock * static_cast<std::int64_t>(program_.partial_size),
                at_[program_.summed], count);
        }
    }

private:
    char* reg(int index) const { return registers_ + static_cast<std::size_t>(index) * pitch_; }

    void load(std::int64_t start, std::int64_t count) {
        for (std::size_t v = 0; v < program_.values.size(); ++v) {
            const Value& value = program_.values[v];
            const std::size_t size = size_of(value.dtype);
            if (value.kind == Operand::Kind::Dense) {
                const char* from = value.data + start * static_cast<std::int64_t>(size);
                at_[v] = from;
                if (count % kGroup == 0) continue;
                std::memcpy(reg(value.reg), from, static_cast<std::size_t>(count) * size);
                at_[v] = reg(value.reg);
            } else if (value.kind == Operand::Kind::Strided) {
                gather(reg(value.reg), value.data, size, *value.space, *value.strides, start, count);
                at_[v] = reg(value.reg);
            }
        }
    }

    /// Where a step writes: straight into its store when whole groups fit there, else a register.
    char* target(std::int16_t out, std::int64_t start, std::int64_t count) const {
        if (count % kGroup == 0) {
            for (const Store& store : program_.stores) {
                if (store.value != out || store.space) continue;
                return store.data + start * static_cast<std::int64_t>(size_of(
                                                program_.values[static_cast<std::size_t>(out)].dtype));
            }
        }
        return reg(program_.values[static_cast<std::size_t>(out)].reg);
    }

    void compute(const Step& step, std::int64_t start, std::int64_t count) {
        const std::int64_t groups = padded(count);
        char* out = target(step.out, start, count);
        at_[step.out] = out;
        if (!step.kernel) {
            convert_loop(program_.values[static_cast<std::size_t>(step.in[0])].dtype, step.dtype)(
                out, at_[step.in[0]], groups);
            return;
        }
        const void* in[kMaxOperands];
        char* wide = registers_ + static_cast<std::size_t>(program_.registers) * pitch_;
        for (int k = 0; k < step.arity; ++k) {
            // An operand that the loop does not use still needs an address: its loads may be there without optimisation.
            in[k] = step.in[k] < 0 ? registers_ : at_[step.in[k]];
            if (step.in[k] < 0) continue;
            const DType dtype = program_.values[static_cast<std::size_t>(step.in[k])].dtype;
            if (!is_half(dtype)) continue;
            convert_loop(dtype, DType::Float32)(wide, in[k], groups);
            in[k] = wide;
            wide += kWideBlock;
        }
        const Loop loop = step.kernel->loops[static_cast<int>(step.compute)];
        if (is_half(step.dtype)) {
            loop(wide, in, groups);
            convert_loop(DType::Float32, step.dtype)(out, wide, groups);
        } else {
            loop(out, in, groups);
        }
    }

    void store(std::int64_t start, std::int64_t count) const {
        for (const Store& store : program_.stores) {
            const std::size_t size = size_of(program_.values[static_cast<std::size_t>(store.value)].dtype);
            const char* from = static_cast<const char*>(at_[store.value]);
            if (store.space) {
                scatter(store.data, from, size, *store.space, *store.strides, start, count);
                continue;
            }
            char* to = store.data + start * static_cast<std::int64_t>(size);
            if (to != from) std::memcpy(to, from, static_cast<std::size_t>(count) * size);
        }
    }

    const Program& program_;
    const void** at_;
    char* registers_;
    std::size_t pitch_;
};

/// Blocks that one claim takes: enough work that claiming costs nothing beside it.
constexpr std::int64_t kBlocksPerChunk = 16;

}  // namespace

void run(const Program& program) {
    if (program.numel == 0) return;
    const std::size_t size = Block::register_pitch(program) * static_cast<std::size_t>(program.registers) +
                             (kMaxOperands + 1) * kWideBlock + sizeof(void*) * program.values.size();
    const std::int64_t blocks = (program.numel + kBlock - 1) / kBlock;
    auto work = [&](std::int64_t first, std::int64_t last) {
        char* memory = scratch.reserve(size);
        const void** at =
            reinterpret_cast<const void**>(memory + size - sizeof(void*) * program.values.size());
        Block block(program, memory, at);
        last = std::min(blocks, last * kBlocksPerChunk);
        for (std::int64_t b = first * kBlocksPerChunk; b < last; ++b) {
            block.run(b * kBlock, std::min(kBlock, program.numel - b * kBlock));
        }
    };
    const std::int64_t chunks = (blocks + kBlocksPerChunk - 1) / kBlocksPerChunk;
    if (chunks == 1) {
        work(0, 1);
    } else {
        parallel_for(chunks, work, Interruptible::Yes);
    }
}

namespace {

/// memcpy of a few elements, which the compiler would call a function for.
inline void copy_few(char* to, const char* from, std::size_t bytes) {
    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) std::memcpy(to, from, 16);
    for (; bytes >= 4; bytes -= 4, to += 4, from += 4) std::memcpy(to, from, 4);
    for (; bytes > 0; --bytes) *to++ = *from++;
}

/// One formula on few elements, straight through: no program, no registers but a group on the stack.
bool launch_small(const Launch& now) {
    constexpr std::int64_t kFew = 64;
    if (now.numel > kFew || now.out_strides || is_half(now.dtype) || !now.kernel) return false;
    alignas(64) char room[kMaxOperands + 1][kFew * 16];
    const void* in[kMaxOperands];
    const std::int64_t groups = Block::padded(now.numel);
    for (int k = 0; k < now.arity; ++k) {
        const Operand& operand = now.operands[k];
        const std::size_t size = size_of(operand.dtype);
        if (is_half(operand.dtype)) return false;
        if (operand.kind == Operand::Kind::Number) {
            fill(room[k], operand.data ? operand.data : operand.number, size, groups);
        } else if (operand.kind == Operand::Kind::Strided) {
            gather(room[k], operand.data, size, *now.space, operand.strides, 0, now.numel);
        } else if (operand.kind == Operand::Kind::Dense) {
            if (groups == now.numel) {
                in[k] = operand.data;
                continue;
            }
            std::memcpy(room[k], operand.data, static_cast<std::size_t>(now.numel) * size);
        }
        in[k] = room[k];
    }
    const Loop loop = now.kernel->loops[static_cast<int>(now.compute)];
    if (groups == now.numel) {
        loop(now.out, in, groups);
    } else {
        loop(room[kMaxOperands], in, groups);
        std::memcpy(now.out, room[kMaxOperands], static_cast<std::size_t>(now.numel) * size_of(now.dtype));
    }
    return true;
}

}  // namespace

void launch_flat(Loop loop, const Flat* operands, int count, void* out, std::size_t size,
                 std::int64_t numel) {
    // Numbers are spread over a piece; without any, all whole groups are one piece. What is left is padded.
    constexpr std::int64_t kPiece = 64;
    constexpr std::size_t kWidest = 16;
    alignas(64) char room[kMaxOperands + 1][kPiece * kWidest];
    const void* in[kMaxOperands];
    std::size_t steps[kMaxOperands];  // Bytes from one element to the next: none of a number.
    const std::int64_t rest = numel % kGroup, whole = numel - rest;
    std::int64_t piece = whole;
    for (int k = 0; k < count; ++k) {
        const Flat& operand = operands[k];
        const bool beside = operand.data && !operand.number;
        in[k] = beside ? operand.data : room[k];
        steps[k] = beside ? operand.size : 0;
        if (beside) continue;
        piece =
            std::min(piece, kPiece);  // Also where an operand is absent: a derivative's loop may look at it.
        if (operand.number)
            fill(room[k], static_cast<const char*>(operand.data), operand.size,
                 numel < kGroup ? kGroup : kPiece);
    }
    char* to = static_cast<char*>(out);
    for (std::int64_t left = whole; left > 0; left -= piece) {
        piece = std::min(piece, left);
        loop(to, in, piece);
        to += static_cast<std::size_t>(piece) * size;
        for (int k = 0; k < count; ++k)
            in[k] = static_cast<const char*>(in[k]) + static_cast<std::size_t>(piece) * steps[k];
    }
    if (rest == 0) return;
    for (int k = 0; k < count; ++k) {
        if (steps[k] == 0) continue;
        copy_few(room[k], static_cast<const char*>(in[k]), static_cast<std::size_t>(rest) * steps[k]);
        in[k] = room[k];
    }
    loop(room[kMaxOperands], in, kGroup);
    copy_few(to, room[kMaxOperands], static_cast<std::size_t>(rest) * size);
}

void launch(const Launch& now) {
    if (now.numel == 0 || launch_small(now)) return;
    Program program;
    program.numel = now.numel;
    program.widest = size_of(now.dtype);
    Step step{now.kernel, now.compute, now.dtype, static_cast<std::uint8_t>(now.arity), {}, 0};
    for (int k = 0; k < now.arity; ++k) {
        const Operand& operand = now.operands[k];
        step.in[k] = -1;
        if (operand.kind == Operand::Kind::None) continue;
        program.widest = std::max(program.widest, size_of(operand.dtype));
        step.in[k] = static_cast<std::int16_t>(program.values.size());
        const char* from =
            operand.kind == Operand::Kind::Number && !operand.data ? operand.number : operand.data;
        program.values.push_back(
            {operand.kind, operand.dtype, from, now.space, &operand.strides, program.registers++});
    }
    step.out = static_cast<std::int16_t>(program.values.size());
    program.values.push_back(
        {Operand::Kind::Value, now.dtype, nullptr, nullptr, nullptr, program.registers++});
    program.steps.push_back(step);
    program.stores.push_back({step.out, now.out, now.out_strides ? now.space : nullptr, now.out_strides});
    run(program);
}

}  // namespace tapeless
