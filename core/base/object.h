// One object per identity: a header whose words the bindings define, intrusive references, and the hooks between them.
//
// Note [One object, one header]
// A tensor is one allocation that is at once the C++ object and what Python sees. The header below is that object's
// first words. The core counts references in it and never looks further; the bindings, when there are any, lay their
// own object head over it (reference count, type, size) and keep the two words behind it for attributes and weak
// references. Without bindings the hooks fall back to malloc and a plain count, so the core runs and is tested alone.
// Reference counts change only while the interpreter's lock is held: worker threads see raw spans, never objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tapeless {

struct Object;

/// Called once for each reference that an object owns; what a garbage collector needs to see.
using Visitor = int (*)(Object* reference, void* context);
/// Called for each foreign reference (a Python callable, a dict) that an object owns.
using ForeignVisitor = int (*)(void* reference, void* context);

struct Visit {
    Visitor object;
    ForeignVisitor foreign;
    void* context;
};

/// What a kind of object knows about itself.
struct Class {
    const char* name;
    std::size_t size;                     ///< bytes of the fixed part, header included
    void (*destroy)(Object*) noexcept;    ///< runs the destructor; the memory goes back through the hooks
    int (*visit)(Object*, const Visit&);  ///< reports every reference that the object owns
    void (*clear)(Object*) noexcept;      ///< drops the references that can lie on a cycle
    void* binding = nullptr;              ///< the interpreter's type of such objects
    /// Asked before `destroy`: true if somebody keeps the object's memory, to wake the same object later. Its reference
    /// count is 0 meanwhile, and the collector does not see it.
    bool (*park)(Object*) noexcept = nullptr;
};

/// The words that precede every object; 32-bit count because some interpreters keep flags in the upper half.
struct Object {
    std::uint32_t refs;
    std::uint32_t refs_upper;
    void* type;             ///< the interpreter's type
    std::ptrdiff_t extent;  ///< bytes behind the fixed part
    void* attributes;       ///< the interpreter's attribute dictionary
    void* weak;             ///< the interpreter's weak references
};

/// How objects are made and unmade; replaced by the bindings.
struct ObjectHooks {
    /// Memory with a filled header, reference count 1; `extra` bytes beyond the class's size.
    Object* (*allocate)(const Class& cls, std::size_t extra);
    /// Called when the count has reached zero.
    void (*dispose)(Object* object);
    /// Counts of foreign references (callables and such, held by hooks).
    void (*foreign_retain)(void* reference);
    void (*foreign_release)(void* reference);
    /// The object may now lie on a cycle: the collector is to look at it.
    void (*track)(Object* object);
};
extern ObjectHooks object_hooks;

inline void retain(Object* object) { ++object->refs; }
inline void release(Object* object) {
    if (--object->refs == 0) object_hooks.dispose(object);
}

/// A counted reference to an object of the core.
template <class T> class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    /// Takes another reference to what is owned elsewhere.
    explicit Ref(T* object) : object_(object) {
        if (object_) retain(object_);
    }
    Ref(const Ref& other) : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    /// A reference to a more special object is one to a more general one.
    template <class U>
        requires std::is_base_of_v<T, U>
    Ref(Ref<U> other) : object_(other.detach()) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_) release(object_);
    }
    /// Owns a reference that the caller already counted.
    static Ref adopt(T* object) {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    T* get() const { return object_; }
    T* detach() { return std::exchange(object_, nullptr); }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(const Ref& other) const { return object_ == other.object_; }
    void reset() { *this = Ref(); }

private:
    T* object_ = nullptr;
};

/// A counted reference to something of the interpreter's, which the core holds and never looks into.
class Foreign {
public:
    Foreign() = default;
    explicit Foreign(void* reference) : reference_(reference) {
        if (reference_) object_hooks.foreign_retain(reference_);
    }
    Foreign(const Foreign& other) : Foreign(other.reference_) {}
    Foreign(Foreign&& other) noexcept : reference_(std::exchange(other.reference_, nullptr)) {}
    Foreign& operator=(Foreign other) noexcept {
        std::swap(reference_, other.reference_);
        return *this;
    }
    ~Foreign() {
        if (reference_) object_hooks.foreign_release(reference_);
    }
    void* get() const { return reference_; }
    explicit operator bool() const { return reference_ != nullptr; }

private:
    void* reference_ = nullptr;
};

/// A plain counted value that no collector needs to see: storages, buffers, expressions.
template <class T> class Shared {
public:
    Shared() = default;
    Shared(std::nullptr_t) {}
    explicit Shared(T* value) : value_(value) {
        if (value_) ++value_->refs;
    }
    Shared(const Shared& other) : Shared(other.value_) {}
    Shared(Shared&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
    Shared& operator=(Shared other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Shared() {
        if (value_ && --value_->refs == 0) dispose(value_);
    }
    static Shared adopt(T* value) {
        Shared shared;
        shared.value_ = value;
        return shared;
    }
    T* get() const { return value_; }
    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }
    explicit operator bool() const { return value_ != nullptr; }
    bool operator==(const Shared& other) const { return value_ == other.value_; }
    void reset() { *this = Shared(); }

private:
    T* value_ = nullptr;
};

}  // namespace tapeless
