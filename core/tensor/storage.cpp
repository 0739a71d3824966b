// Buffers and storages: allocation, copy-on-write and exposure.
#include "tensor/storage.h"

#include <cstring>
#include <new>

#include "base/error.h"
#include "base/faults.h"
#include "runtime/allocator.h"

namespace tapeless {
namespace {

// A small buffer lies in one block with its head, so that a small tensor costs one allocation less.
constexpr std::size_t kHead = 64, kSmall = 960;
static_assert(sizeof(Buffer) <= kHead);

}  // namespace

Shared<Buffer> make_buffer(std::size_t bytes) {
    const bool small = bytes <= kSmall;
    char* data = small ? nullptr : static_cast<char*>(allocate(bytes));
    char* block = static_cast<char*>(allocate(small ? kHead + bytes : kHead));
    if (small) data = block + kHead;
    return Shared<Buffer>::adopt(new (block) Buffer{1, bytes, data, nullptr, nullptr});
}

Shared<Buffer> wrap_external(void* data, std::size_t bytes, void (*free_external)(void*), void* owner) {
    void* block = allocate(kHead);
    return Shared<Buffer>::adopt(new (block)
                                     Buffer{1, bytes, static_cast<char*>(data), free_external, owner});
}

void dispose(Buffer* buffer) noexcept {
    if (buffer->free_external) {
        buffer->free_external(buffer->owner);
        release(buffer, kHead);
    } else if (buffer->bytes <= kSmall) {
        release(buffer, kHead + buffer->bytes);
    } else {
        release(buffer->data, buffer->bytes);
        release(buffer, kHead);
    }
}

void WriteLog::add(Entry entry) { entries_[count_++ % kEntries] = std::move(entry); }

const WriteLog::Entry* WriteLog::find(std::uint32_t version, std::int64_t first, std::int64_t last,
                                      bool& certain) const {
    certain = true;
    for (std::uint32_t back = 1; back <= count_; ++back) {
        if (back > kEntries) {
            certain = false;
            return nullptr;
        }
        const Entry& entry = entries_[(count_ - back) % kEntries];
        if (entry.version <= version) return nullptr;
        const bool touches = entry.first < last && first < entry.last;
        if (touches ? !planted(Fault::LogForgets) : planted(Fault::LogSpreads)) return &entry;
    }
    return nullptr;
}

namespace {

Shared<Storage> new_storage(std::size_t bytes, Device device) {
    Storage* storage = new (allocate(sizeof(Storage))) Storage{};
    storage->refs = 1;
    storage->resizable = true;
    storage->device = device;
    storage->bytes = bytes;
    return Shared<Storage>::adopt(storage);
}

[[noreturn]] void refuse(DeviceType type) {
    if (type == DeviceType::MPS)
        fail(ErrorKind::Runtime, "PyTorch is not linked with support for mps devices");
    fail(ErrorKind::Assertion, "Torch not compiled with ", type == DeviceType::CUDA ? "CUDA" : "XPU",
         " enabled: tensors live on \"cpu\" here (or on \"meta\", without memory)");
}

void drop_pending(Storage& storage) {
    if (storage.pending) --storage.pending->holders;
    storage.pending.reset();
}

}  // namespace

Shared<Storage> make_storage(std::size_t bytes, Device device) {
    if (!has_backend(device.type)) refuse(device.type);
    Shared<Storage> storage = new_storage(bytes, device);
    if (device.type == DeviceType::CPU) storage->buffer = make_buffer(bytes);
    return storage;
}

Shared<Storage> make_pending(Shared<Expression> expression, std::size_t bytes) {
    Shared<Storage> storage = new_storage(bytes, {});
    ++expression->holders;
    storage->pending = std::move(expression);
    return storage;
}

Shared<Storage> make_external(Shared<Buffer> buffer) {
    Shared<Storage> storage = new_storage(buffer->bytes, {});
    storage->buffer = std::move(buffer);
    storage->exposed = !planted(Fault::Unexposed);
    storage->resizable = false;
    return storage;
}

void settle(Storage& storage) {
    storage.buffer = storage.pending->result;
    drop_pending(storage);
}

void dispose(Storage* storage) noexcept {
    drop_pending(*storage);
    storage->~Storage();
    release(storage, sizeof(Storage));
}

Shared<Storage> copy_on_write(Storage& source) {
    if (source.pending) return make_pending(source.pending, source.bytes);
    if (source.exposed || !source.buffer) {
        Shared<Storage> copy = make_storage(source.bytes, source.device);
        if (source.buffer && source.bytes) std::memcpy(copy->buffer->data, source.buffer->data, source.bytes);
        return copy;
    }
    Shared<Storage> copy = new_storage(source.bytes, source.device);
    copy->buffer = source.buffer;
    return copy;
}

char* writable(Storage& storage) {
    readable(storage);
    if (!storage.exposed && storage.buffer && storage.buffer->refs > 1) [[unlikely]] {
        if (planted(Fault::WriteShared)) return storage.buffer->data;
        Shared<Buffer> own = make_buffer(storage.bytes);
        if (storage.bytes) std::memcpy(own->data, storage.buffer->data, storage.bytes);
        storage.buffer = std::move(own);
    }
    return storage.buffer ? storage.buffer->data : nullptr;
}

void refuse_unreadable(const Storage& storage) {
    check(!storage.pending || !storage.pending->unreadable,
          "the elements of a tensor inside vmap, jvp or grad were asked for by an operation that has no rule "
          "for "
          "these levels; compute the value outside of the transform, or from operations that have one");
}

void refuse_without_memory(const Storage& storage) {
    if (storage.device.type != DeviceType::Meta || storage.bytes == 0) return;
    fail(ErrorKind::NotImplemented,
         "Cannot copy out of meta tensor; no data! The operation needs elements, and "
         "tensors on the meta device have only sizes and a dtype");
}

char* overwritable(Storage& storage) {
    refuse_unreadable(storage);
    if (storage.device.type == DeviceType::Meta) return nullptr;
    drop_pending(storage);
    const bool shared = storage.buffer && !storage.exposed && storage.buffer->refs > 1;
    if (!storage.buffer || (shared && !planted(Fault::OverwriteShared)))
        storage.buffer = make_buffer(storage.bytes);
    return storage.buffer->data;
}

void replace(Storage& storage, Shared<Expression> expression) {
    refuse_unreadable(storage);
    ++expression->holders;
    drop_pending(storage);
    storage.pending = std::move(expression);
    storage.buffer.reset();
}

char* expose(Storage& storage) {
    char* bytes = writable(storage);
    if (planted(Fault::Unexposed)) {
        if (storage.buffer) ++storage.buffer->refs;  // Kept for good: somebody outside goes on reading it.
        return bytes;
    }
    storage.exposed = true;
    return bytes;
}

}  // namespace tapeless
