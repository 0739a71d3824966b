// Objects without an interpreter: malloc, a plain count, and an iterative queue of the dead.
#include "base/object.h"

#include <cstdlib>
#include <new>
#include <vector>

namespace tapeless {
namespace {

Object* allocate_plain(const Class& cls, std::size_t extra) {
    void* memory = std::calloc(1, cls.size + extra);
    if (!memory) throw std::bad_alloc();
    Object* object = static_cast<Object*>(memory);
    object->refs = 1;
    object->type = const_cast<Class*>(&cls);
    object->extent = static_cast<std::ptrdiff_t>(extra);
    return object;
}

void dispose_plain(Object* object) {
    static thread_local std::vector<Object*> dead;
    static thread_local bool running = false;
    dead.push_back(object);
    if (running) return;  // A chain of a million nodes unwinds in the loop below, not on the stack.
    running = true;
    while (!dead.empty()) {
        Object* next = dead.back();
        dead.pop_back();
        const Class& cls = *static_cast<const Class*>(next->type);
        if (cls.park && cls.park(next)) continue;
        cls.destroy(next);
        std::free(next);
    }
    running = false;
}

void ignore(void*) {}
void track_nothing(Object*) {}

}  // namespace

ObjectHooks object_hooks = {allocate_plain, dispose_plain, ignore, ignore, track_nothing};

}  // namespace tapeless
