// The core's objects as the interpreter's: allocation with a collector's head, iterative disposal, traversal, clearing.
//
// Objects are freed by a loop: a tensor that dies lets its node die, which lets older nodes die, and a chain of a
// million of them would overflow the stack if each death ran inside the last.
#include <cstring>
#include <vector>

#include "bindings/object.h"
#include "bindings/python.h"
#include "graph/node.h"
#include "runtime/allocator.h"
#include "runtime/interrupt.h"

namespace tapeless {

static_assert(sizeof(PyObject) == 16 && offsetof(Object, type) == offsetof(PyObject, ob_type));
static_assert(offsetof(Object, extent) == offsetof(PyVarObject, ob_size));

namespace {

/// Tensors that died lately, with their collector's head, ready to be used again.
constexpr std::size_t kMostFree = 256;
std::vector<PyObject*> free_tensors;

/// The two words of the collector's that precede every object it looks at.
constexpr std::size_t kCollectorHead = 2 * sizeof(void*);

PyTypeObject* type_of(const Class& cls) {
    if (!cls.binding) const_cast<Class&>(cls).binding = make_node_type(cls.name);
    return static_cast<PyTypeObject*>(cls.binding);
}

Object* prepared(PyObject* object, PyTypeObject* type) {
    Object* made = as_object(object);
    made->attributes = made->weak = nullptr;
    Py_SET_REFCNT(object, 1);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_INCREF(type);
    Py_SET_TYPE(object, type);
    return made;
}

Object* allocate_tensor(const Class& cls) {
    PyTypeObject* type = type_of(cls);
    Object* made = nullptr;
    if (!free_tensors.empty()) {
        made = prepared(free_tensors.back(), type);
        free_tensors.pop_back();
    } else {
        PyObject* object = type->tp_alloc(type, 0);
        if (!object) {
            PyErr_Clear();
            fail(ErrorKind::OutOfMemory, "allocate: no memory for an object of ", cls.size, " bytes");
        }
        if (PyObject_GC_IsTracked(object)) PyObject_GC_UnTrack(object);
        made = as_object(object);
        made->attributes = made->weak = nullptr;
    }
    made->extent = 0;
    return made;
}

std::size_t node_bytes(PyTypeObject* type, std::ptrdiff_t extent) {
    return kCollectorHead + static_cast<std::size_t>(type->tp_basicsize + extent);
}

/// The collector runs when so and so many objects have been made through it, and walks what is there. Nodes are made
/// beside it: it sees them, but they do not count. Nodes alone make no cycle; whatever closes one, an attribute, a hook or
/// a tensor that is kept, counts. If each node did, building a million would walk the graph a thousand times over.
Object* allocate_node(const Class& cls, std::size_t extra) {
    PyTypeObject* type = type_of(cls);
    const std::ptrdiff_t extent = static_cast<std::ptrdiff_t>((extra + 15) / 16 * 16);
    char* block = static_cast<char*>(allocate(node_bytes(type, extent)));
    std::memset(block, 0, kCollectorHead);
    PyObject* object = reinterpret_cast<PyObject*>(block + kCollectorHead);
    Object* made = prepared(object, type);
    made->extent = extent;
    PyObject_GC_Track(object);  // The collector runs at allocations, and the next thing is filling it in.
    return made;
}

Object* allocate_object(const Class& cls, std::size_t extra) {
    return &cls == &tensor_class ? allocate_tensor(cls) : allocate_node(cls, extra);
}

/// A tensor is of interest to the collector from when it refers to something.
void track(Object* object) {
    if (!PyObject_GC_IsTracked(as_python(object))) PyObject_GC_Track(as_python(object));
}

void dispose_object(Object* object) { _Py_Dealloc(as_python(object)); }

/// The types of nodes derive from node_type directly.
bool is_tensor_type(PyTypeObject* type) {
    return type == tensor_type || (type->tp_base != node_type && PyType_IsSubtype(type, tensor_type));
}

void free_memory(PyObject* self, PyTypeObject* type, std::ptrdiff_t extent) {
    if (type == tensor_type && free_tensors.size() < kMostFree) {
        free_tensors.push_back(self);
    } else if (is_tensor_type(type)) {
        type->tp_free(self);
    } else {
        release(reinterpret_cast<char*>(self) - kCollectorHead, node_bytes(type, extent));
    }
    Py_DECREF(type);
}

struct Dead {
    PyObject* object;
    PyTypeObject* type;
};
std::vector<Dead> dead;
bool burying = false;

const Class& class_of(Object* object, PyTypeObject* type) {
    return is_tensor_type(type) ? static_cast<const Class&>(tensor_class) : *static_cast<Node*>(object)->cls;
}

void bury(Dead next) {
    Object* object = as_object(next.object);
    const Class& cls = class_of(object, next.type);
    if (cls.park && cls.park(object)) return;
    const std::ptrdiff_t extent = object->extent;
    cls.destroy(object);
    free_memory(next.object, next.type, extent);
}

}  // namespace

void object_dealloc(PyObject* self) {
    // The end of a long chain is far from the caches: its lines are asked for together, not one by one.
    for (int line = 1; line < 5; ++line) __builtin_prefetch(reinterpret_cast<char*>(self) + 64 * line);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Object* object = as_object(self);
    if (type->tp_finalize || type->tp_del) {
        if (PyObject_CallFinalizerFromDealloc(self) < 0) return;  // Resurrected.
    }
    if (object->weak) PyObject_ClearWeakRefs(self);
    if (object->attributes) {
        PyObject* attributes = static_cast<PyObject*>(std::exchange(object->attributes, nullptr));
        Py_DECREF(attributes);
    }
    if (burying) return dead.push_back({self, type});
    burying = true;
    bury({self, type});
    while (!dead.empty()) {
        const Dead next = dead.back();
        dead.pop_back();
        bury(next);
    }
    burying = false;
}

int object_traverse(PyObject* self, visitproc visit, void* arg) {
    PyTypeObject* type = Py_TYPE(self);
    Object* object = as_object(self);
    if (type->tp_base != node_type)
        Py_VISIT(type);  // The types of the library's own nodes live as long as it does.
    if (object->attributes) Py_VISIT(static_cast<PyObject*>(object->attributes));
    // The core's visitor is the interpreter's under another name for a pointer to an object: see base/object.h.
    const Visit visits = {reinterpret_cast<Visitor>(visit), reinterpret_cast<ForeignVisitor>(visit), arg};
    return class_of(object, type).visit(object, visits);
}

int object_clear(PyObject* self) {
    Object* object = as_object(self);
    if (object->attributes) {
        PyObject* attributes = static_cast<PyObject*>(std::exchange(object->attributes, nullptr));
        Py_DECREF(attributes);
    }
    class_of(object, Py_TYPE(self)).clear(object);
    return 0;
}

PyTypeObject* tensor_type = nullptr;

namespace {

bool check_signals() {
    if (PyErr_CheckSignals() == 0) return false;
    return true;
}

}  // namespace

void define_objects(nb::module_&) {
    object_hooks = {allocate_object, dispose_object,
                    [](void* reference) { Py_INCREF(static_cast<PyObject*>(reference)); },
                    [](void* reference) { Py_DECREF(static_cast<PyObject*>(reference)); }, track};
    set_interrupt_check(check_signals);
}

}  // namespace tapeless
