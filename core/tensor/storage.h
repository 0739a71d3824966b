// Bytes and who may read or write them: buffers, storages, versions, the write log, and the one door for every write.
//
// Note [Deferral barriers]
// A storage holds either bytes (a buffer) or an expression that will fill it. Buffers are shared copy-on-write:
// a pending expression, a lazy clone and a storage may hold the same buffer, and whoever wants to write takes
// `writable`, which first gives the storage a buffer of its own. So an expression can never see bytes newer than
// its call, whatever is written through whichever alias, and no list of readers has to be kept. A storage whose
// memory is visible from outside (`expose`) has left this scheme for good: it owns its buffer alone, keeps its
// address, and operations that read it run at the call.
#pragma once

#include <cstdint>
#include <memory>

#include "base/device.h"
#include "base/object.h"
#include "tensor/expression.h"

namespace tapeless {

/// A block of memory. Its bytes do not change while more than one owner holds it, unless it is exposed.
struct Buffer {
    std::uint32_t refs;
    std::size_t bytes;
    char* data;
    void (*free_external)(void* owner);  ///< set for memory that is not ours
    void* owner;
};
Shared<Buffer> make_buffer(std::size_t bytes);
/// A buffer over memory of another library; `free_external(owner)` is called when the last user is gone.
Shared<Buffer> wrap_external(void* data, std::size_t bytes, void (*free_external)(void*), void* owner);

/// Where a line of the program is: a code object of the interpreter and an offset into it.
struct Location {
    Foreign code;
    std::int32_t offset = 0;
};

/// The last writes into a storage: which bytes, at which version, from which line.
class WriteLog {
public:
    struct Entry {
        std::uint32_t version;
        std::int64_t first, last;  ///< bytes [first, last)
        Location location;
    };
    void add(Entry entry);
    /// The newest write after `version` that touched [first, last); null when none did. `certain` is false
    /// when older entries have been dropped, so that a write may have been forgotten.
    const Entry* find(std::uint32_t version, std::int64_t first, std::int64_t last, bool& certain) const;

private:
    static constexpr int kEntries = 16;
    Entry entries_[kEntries];
    std::uint32_t count_ = 0;
};

struct Storage {
    std::uint32_t refs;
    std::uint32_t version;       ///< counts writes through ordinary tensors, their views and detached aliases
    std::uint32_t data_version;  ///< counts writes through `.data` aliases, which PyTorch counts apart
    bool exposed;                ///< memory is visible from outside: no deferral, no sharing, no moving
    bool saved;                  ///< some node saved it: writes note their line
    bool resizable;
    Device device;
    std::size_t bytes;
    Shared<Buffer> buffer;       ///< null while pending (and on the meta device)
    Shared<Expression> pending;  ///< set by `make_pending` and `replace` only, which count holders
    std::unique_ptr<WriteLog> log;
};
void dispose(Storage*) noexcept;

Shared<Storage> make_storage(std::size_t bytes, Device device = {});
/// A storage whose bytes an expression will compute.
Shared<Storage> make_pending(Shared<Expression> expression, std::size_t bytes);
Shared<Storage> make_external(Shared<Buffer> buffer);
/// A storage with the same contents; bytes are copied when either side is written.
Shared<Storage> copy_on_write(Storage& source);

/// Fails when the storage's bytes are those of a wrapper: see Note [Levels].
void refuse_unreadable(const Storage& storage);
/// Computes the bytes of a pending storage; kernels/plan.cpp.
void evaluate(Storage& storage);
/// Gives a storage the bytes that its expression has computed.
void settle(Storage& storage);

/// Fails if somebody asks for the bytes of a storage on the meta device.
void refuse_without_memory(const Storage& storage);

/// The bytes, for reading; evaluates. Null if there are none.
inline const char* readable(Storage& storage) {
    if (storage.pending) [[unlikely]]
        evaluate(storage);
    if (!storage.buffer) [[unlikely]]
        refuse_without_memory(storage);
    return storage.buffer ? storage.buffer->data : nullptr;
}

/// The bytes, for writing: evaluates, and leaves the buffer to this storage alone.
char* writable(Storage& storage);
/// Like `writable` when every byte will be overwritten: old contents are not kept.
char* overwritable(Storage& storage);
/// Replaces the whole contents by what `expression` computes.
void replace(Storage& storage, Shared<Expression> expression);
/// Makes the memory visible from outside, for good; returns its address.
char* expose(Storage& storage);

}  // namespace tapeless
